using SpecDecode.Descriptions;
using SpecDecode.Evaluation;
using SpecDecode.Plans;
using SpecDecode.Pruning;

namespace SpecDecode.Generation;

/// <summary>How much layers matter, and which of them can go for good.</summary>
public sealed partial class TextModel
{
    /// <summary>
    /// How much each layer matters for texts, and what it takes: Block Influence (ShortGPT, 2403.03853) of each attention, MLP and layer, how often the
    /// model without a block still has the full model's best token, how good an exit behind each layer is, and shares of time and bytes.
    /// </summary>
    /// <param name="texts">The texts, each for itself as in <see cref="Perplexity"/>; a few thousand tokens are enough. The model reads them twice for each layer.</param>
    /// <param name="maxTokens">Most tokens of a text that count, BOS not among them; at least 1.</param>
    /// <param name="progress">Told the share that is done; null for nobody.</param>
    /// <param name="cancellationToken">Ends the work between passes.</param>
    /// <exception cref="SpecDecodeException">
    /// The model has no tokenizer, a text needs a token id beyond its vocabulary, there is no token to predict, or its logits are not finite.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxTokens"/> is out of range.</exception>
    /// <exception cref="InvalidOperationException">Another call is running.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public LayerReport MeasureLayers(
        IReadOnlyList<string> texts, int maxTokens, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxTokens, 1);
        using Call call = new(this);
        return LayerMeasuring.Run(_model.Stages, ScoredSequences(texts, maxTokens), ByteShares(), progress, cancellationToken);
    }

    /// <summary>
    /// Chooses layers that the model can do without, by one of <see cref="LayerChoice.Methods"/>, for <see cref="LayerPruning.Prune"/>. Texts are read without
    /// the layers from their first token on, as the smaller model will.
    /// </summary>
    /// <param name="keepRatio">The share of the layers that stay, rounded to whole ones and at least one; above 0 and below 1.</param>
    /// <param name="method">The method.</param>
    /// <param name="texts">Texts such as the model will get; methods look at their first 2,048 tokens.</param>
    /// <param name="maxTokens">Most tokens of a text that count, BOS not among them; at least 1.</param>
    /// <param name="progress">Told the share that is done; null for nobody.</param>
    /// <param name="cancellationToken">Ends the work between passes.</param>
    /// <exception cref="ArgumentException">A number is out of range, or there is no such method.</exception>
    /// <exception cref="SpecDecodeException">
    /// No layer would be dropped, the method finds no set of so many layers, the model has no tokenizer, or there is no token to predict.
    /// </exception>
    /// <exception cref="InvalidOperationException">Another call is running.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public LayerChoice ChooseLayers(
        double keepRatio, string method, IReadOnlyList<string> texts, int maxTokens, IProgress<double>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(method);
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxTokens, 1);
        int kept = PrunedLayers.Count(keepRatio, LayerCount);
        using Call call = new(this);
        return LayerChoosing.Run(_model.Stages, ScoredSequences(texts, maxTokens), LayerCount - kept, method, progress, cancellationToken);
    }

    // Of each block of the full plan, by the names that its tensors have in prepared weights.
    private double[] ByteShares()
    {
        double[] bytes = new double[2 * LayerCount];
        double total = 0;
        foreach (TensorRecipe recipe in _model.Description.Tensors)
        {
            long length = _model.Weights.Verifier[recipe.Name].TotalLength;
            total += length;
            if (recipe.Name.Split('.') is ["layers", var layer, var block, ..])
            {
                bytes[2 * int.Parse(layer, System.Globalization.CultureInfo.InvariantCulture) + (block == "attention" ? 0 : 1)] += length;
            }
        }

        return [.. bytes.Select(length => length / total)];
    }
}
