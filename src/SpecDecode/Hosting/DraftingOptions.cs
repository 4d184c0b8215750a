using SpecDecode.Drafting;
using SpecDecode.Plans;

namespace SpecDecode.Hosting;

/// <summary>Section <c>Drafting</c>: how the model drafts for itself where a request does not say.</summary>
public sealed class DraftingOptions
{
    internal const string None = "none";
    internal const string EarlyExit = "early-exit";
    internal const string LayerSkip = "layer-skip";

    /// <summary>
    /// <c>none</c>: plain decoding. <c>early-exit</c> (LayerSkip, 2404.16710): the drafter runs the first <see cref="ExitLayer"/> layers.
    /// <c>layer-skip</c> (SWIFT, 2410.06916): it leaves out <see cref="SkipAttention"/> and <see cref="SkipMlp"/>.
    /// </summary>
    /// <value>The default is <c>none</c>.</value>
    [OneOf("none early-exit layer-skip")]
    public string Strategy { get; set; } = None;

    /// <summary>For <c>early-exit</c>: how many layers the drafter runs; 1 to the number of layers of the model.</summary>
    /// <value>
    /// The default is null. Required for <c>early-exit</c>, but for a drafter on weights of lower precision
    /// (<see cref="ModelOptions.DraftPrecision"/>), which runs all layers without it.
    /// </value>
    [Between(1, int.MaxValue, "1 to the number of layers of the model")]
    public int? ExitLayer { get; set; }

    /// <summary>For <c>layer-skip</c>: layers whose attention the drafter leaves out, from 0.</summary>
    /// <value>The default is none.</value>
    public IList<int> SkipAttention { get; } = [];

    /// <summary>For <c>layer-skip</c>: layers whose MLP the drafter leaves out, from 0.</summary>
    /// <value>The default is none.</value>
    public IList<int> SkipMlp { get; } = [];

    /// <summary>Tokens that are drafted in a round, unless something ends the draft sooner.</summary>
    /// <value>The default is 4; 1 to 64.</value>
    [Between(1, DraftOptions.MaxLength, "1 to 64, or Strategy none to draft nothing")]
    public int DraftLength { get; set; } = DraftOptions.DefaultLength;

    /// <summary>Once a draft token is less probable than this, no further one is drafted; it is verified still.</summary>
    /// <value>The default is 0, which never stops; 0 to 1.</value>
    [Between(0, 1, "a probability from 0 to 1")]
    public float Threshold { get; set; }

    /// <summary>What the options mean for a model.</summary>
    /// <param name="layerCount">Number of its layers.</param>
    /// <param name="precision">The precision of the copy of the weights that drafts; null where it drafts on its own.</param>
    /// <param name="place">What stands before an option's name in an error.</param>
    /// <exception cref="SpecDecodeException">They name a layer that the model does not have.</exception>
    internal DraftOptions For(int layerCount, Precision? precision = null, string place = "")
    {
        try
        {
            return Strategy switch
            {
                EarlyExit => Draft(LayerPlan.EarlyExit(layerCount, ExitLayer ?? layerCount), precision),
                LayerSkip => Draft(LayerPlan.Skip(layerCount, SkipAttention, SkipMlp), precision),
                _ => DraftOptions.Off,
            };
        }
        catch (ArgumentOutOfRangeException error)
        {
            string option = error.ParamName switch
            {
                "exitLayer" => nameof(ExitLayer),
                "attention" => nameof(SkipAttention),
                _ => nameof(SkipMlp),
            };
            throw new SpecDecodeException(FormattableString.Invariant(
                $"{place}Drafting:{option} is {error.ActualValue}, but the model has {layerCount} layers: give {(option == nameof(ExitLayer) ? $"1 to {layerCount}" : $"layers from 0 to {layerCount - 1}")}."), error);
        }
    }

    private DraftOptions Draft(LayerPlan plan, Precision? precision) => new() { Plan = plan, Precision = precision, Length = DraftLength, Threshold = Threshold };
}
