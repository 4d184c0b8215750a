using SpecDecode.Evaluation;
using SpecDecode.Plans;

namespace SpecDecode.Generation;

public sealed partial class TextModel
{
    /// <summary>
    /// How well the model predicts texts. Each text stands alone: its tokens follow what the tokenizer's post-processor puts before
    /// a text (BOS), and each of them up to <paramref name="maxTokens"/> is predicted from all before it. Where the post-processor
    /// adds nothing, a text's first token is context only and not predicted. What it puts behind a text is left out.
    /// </summary>
    /// <param name="texts">The texts; one without tokens adds nothing.</param>
    /// <param name="maxTokens">Most tokens of a text that count, BOS not among them; at least 1.</param>
    /// <param name="plan">The blocks that run; null runs the whole model.</param>
    /// <param name="progress">Told the share that is done; null for nobody.</param>
    /// <param name="cancellationToken">Ends the work between passes.</param>
    /// <exception cref="SpecDecodeException">
    /// The model has no tokenizer, a text needs a token id beyond its vocabulary, or there is no token to predict.
    /// </exception>
    /// <exception cref="ArgumentException"><paramref name="maxTokens"/> is out of range, or the plan names a layer that the model does not have.</exception>
    /// <exception cref="InvalidOperationException">Another call is running.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public PerplexityResult Perplexity(
        IReadOnlyList<string> texts, int maxTokens, LayerPlan? plan = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxTokens, 1);
        using Call call = new(this);
        plan ??= LayerPlan.Full(LayerCount);
        _intake.CheckLayers(plan, nameof(plan));
        (double logProbability, long count) = SequenceScoring.Run(_model.Stages, ScoredSequences(texts, maxTokens), plan, progress, cancellationToken);
        return count > 0
            ? new PerplexityResult { Perplexity = Math.Exp(-logProbability / count), Tokens = count }
            : throw new SpecDecodeException("There is no token to predict: give a text of at least one token, or two where the tokenizer adds no BOS.");
    }

    private List<ScoredSequence> ScoredSequences(IReadOnlyList<string> texts, int maxTokens)
    {
        if (Tokenizer is null)
        {
            throw new SpecDecodeException("The model has no tokenizer that can be used, so texts cannot be scored.");
        }

        List<ScoredSequence> sequences = [];
        foreach (string text in texts)
        {
            int[] plain = Tokenizer.Encode(text, addSpecialTokens: false);
            if (plain.Length == 0)
            {
                continue;
            }

            int[] framed = Tokenizer.Encode(text);
            int before = framed.AsSpan().IndexOf(plain);
            int[] sequence = framed[..(before + Math.Min(plain.Length, maxTokens))];
            _intake.CheckTokens(sequence, sequence.Length);
            sequences.Add(new ScoredSequence(sequence, Math.Max(1, before)));
        }

        return sequences;
    }
}
