using SpecDecode.Calibration;
using SpecDecode.Calibration.Selectors;
using SpecDecode.Evaluation;
using SpecDecode.Stages;

namespace SpecDecode.Pruning;

/// <summary>Chooses layers to drop for good: by Block Influence, or by methods that look for draft plans, held to whole layers and one number of them.</summary>
internal static class LayerChoosing
{
    private const string BlockInfluence = "block-influence";
    private const string BlockInfluencePaper = "ShortGPT, 2403.03853";

    // What methods look at: texts are cut, so that there are several of them where one is long.
    private const int MaxTokens = 2048;
    private const int PieceTokens = 256;

    /// <summary>The methods by name; null is Block Influence, which no plan has to be tried for.</summary>
    public static IReadOnlyDictionary<string, ILayerSelector?> Methods { get; } = new (string Name, ILayerSelector? Selector)[]
    {
        (BlockInfluence, null), Of(new GreedySelector(double.Epsilon)), Of(new ClaspSelector()), Of(new EvenSelector()), Of(new ExitSelector()),
    }.ToDictionary(method => method.Name, method => method.Selector, StringComparer.OrdinalIgnoreCase);

    /// <summary>Chooses layers.</summary>
    /// <param name="stages">The model.</param>
    /// <param name="sequences">Texts; each no longer than the model allows.</param>
    /// <param name="count">How many layers go; at least 1, and fewer than there are.</param>
    /// <param name="method">The method, one of <see cref="Methods"/>.</param>
    /// <param name="progress">Told the share that is done, as far as that can be known; null for nobody.</param>
    /// <param name="cancellationToken">Ends the work between passes.</param>
    /// <exception cref="ArgumentException">There is no such method.</exception>
    /// <exception cref="SpecDecodeException">It finds no set of so many layers, or there is no token to predict.</exception>
    public static LayerChoice Run(
        IStages stages, IReadOnlyList<ScoredSequence> sequences, int count, string method, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        if (!Methods.TryGetValue(method, out ILayerSelector? selector))
        {
            throw new ArgumentException($"There is no method '{method}': give one of {string.Join(", ", Methods.Keys)}.", nameof(method));
        }

        ScoredSequence[] pieces = Cut(sequences);
        if (pieces.Length == 0)
        {
            throw new SpecDecodeException("There is no token to predict: give a text of at least one token, or two where the tokenizer adds no BOS.");
        }

        if (selector is null)
        {
            return new LayerChoice(LeastInfluence(stages, pieces, count, progress, cancellationToken), BlockInfluence, BlockInfluencePaper);
        }

        using LayerSearch search = new(stages, pieces, count, selector is GreedySelector, keepsEnds: selector is not ExitSelector, progress, cancellationToken);
        selector.Search(search);
        return search.Best is { } best
            ? new LayerChoice(best, selector.Name, selector.Paper)
            : throw new SpecDecodeException($"The method {selector.Name} finds no set of {count} layers to drop: give another share to keep, or the method {BlockInfluence}.");
    }

    private static (string Name, ILayerSelector? Selector) Of(ILayerSelector selector) => (selector.Name, selector);

    private static int[] LeastInfluence(
        IStages stages, ScoredSequence[] sequences, int count, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        LayerInfluence influence = new(stages);
        using SequencePasses passes = new(stages, sequences);
        while (passes.Next())
        {
            cancellationToken.ThrowIfCancellationRequested();
            stages.Embed(passes.Batch);
            influence.Run(passes.Batch);
            progress?.Report(passes.Share);
        }

        // Of equal ones the later: layers in the front feed all others.
        return [.. Enumerable.Range(0, stages.LayerCount).OrderBy(influence.Of).ThenByDescending(layer => layer).Take(count).Order()];
    }

    private static ScoredSequence[] Cut(IReadOnlyList<ScoredSequence> sequences)
    {
        List<ScoredSequence> pieces = [];
        int left = MaxTokens;
        foreach (ScoredSequence sequence in sequences)
        {
            for (int first = 0; first < sequence.Tokens.Length && left > 0; first += PieceTokens)
            {
                int length = Math.Min(Math.Min(PieceTokens, left), sequence.Tokens.Length - first);
                ScoredSequence piece = new(sequence.Tokens[first..(first + length)], first == 0 ? sequence.Context : 1);
                if (piece.Tokens.Length > piece.Context)
                {
                    pieces.Add(piece);
                    left -= length;
                }
            }
        }

        return [.. pieces];
    }
}
