using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Drafting;

/// <summary>How a sequence drafts for itself.</summary>
public sealed record DraftOptions
{
    /// <summary>The longest draft that may be asked for.</summary>
    public const int MaxLength = 64;

    /// <summary>The default of <see cref="Length"/>.</summary>
    public const int DefaultLength = 4;

    /// <summary>Plain decoding: nothing is drafted.</summary>
    public static DraftOptions Off { get; } = new() { Plan = LayerPlan.Of(1, []), Length = 0 };

    /// <summary>The blocks that the drafter runs: an early exit, a skip set, any list of blocks of the model.</summary>
    public required LayerPlan Plan { get; init; }

    /// <summary>
    /// Draft length: tokens that are drafted in a round, unless something ends the draft sooner; 0, which is plain decoding, to
    /// <see cref="MaxLength"/>.
    /// </summary>
    /// <value>The default is 4.</value>
    public int Length { get; init; } = DefaultLength;

    /// <summary>
    /// The precision of the weights that the drafter runs on: those that the model was loaded with for it
    /// (<see cref="ModelOptions.DraftPrecision"/>). Rows of such a draft are exact at no depth, so verification runs all of them through
    /// the whole model; what the draft left in the cache is overwritten by that.
    /// </summary>
    /// <value>The default, null, is the model's own weights.</value>
    public Precision? Precision { get; init; }

    /// <summary>
    /// Confidence threshold: once a draft token's probability (raw softmax of the drafter's logits) is below it, no further
    /// one is drafted; that token is still verified. 0 never stops; 0 to 1.
    /// </summary>
    /// <value>The default is 0.</value>
    public float Threshold { get; init; }

    /// <summary>Which copy of the weights that is.</summary>
    internal WeightSet Weights => Precision is null ? WeightSet.Verifier : WeightSet.Drafter;
}
