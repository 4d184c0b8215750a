using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Drafting;

/// <summary>A way in which a model can draft for itself: what <see cref="DraftingOptions"/> mean for it. Immutable.</summary>
public sealed record DraftPlan
{
    internal DraftPlan()
    {
    }

    /// <summary>The blocks that the drafter runs.</summary>
    public required LayerPlan Plan { get; init; }

    /// <summary>The options that say the same; the strategy and the exit layer as they are, whatever was left out.</summary>
    public DraftingOptions Options { get => field ?? DraftingOptions.Of(Plan); init; }

    /// <summary>Most tokens that are drafted in a round; 1 to <see cref="DraftingOptions.MaxDraftLength"/>.</summary>
    public int Length { get; init; } = DraftingOptions.DefaultDraftLength;

    /// <summary>Once a draft token's probability is below it, no further one is drafted; 0 never stops.</summary>
    public float Threshold { get; init; }

    /// <summary>Whether the drafter runs on a copy of the weights in lower precision.</summary>
    public bool UsesDraftWeights => Weights == WeightSet.Drafter;

    /// <summary>
    /// The weights that the drafter runs on. Rows of a draft on a copy in lower precision are exact at no depth, so verification runs
    /// all of them through the whole model; what the draft left in the cache is overwritten by that.
    /// </summary>
    internal WeightSet Weights { get; init; }

    /// <summary>Earlier exits from the plan that guess its tokens, so that it judges several in one pass; null where it drafts one by one.</summary>
    internal DraftCascade? Cascade { get; init; }

    /// <summary>Lengths of a text from which on it drafts, where a policy has several plans by length.</summary>
    internal IReadOnlyList<int> FromLengths { get; init; } = [];

    /// <summary>Blocks and weights in words.</summary>
    public override string ToString()
    {
        string blocks = Options.ExitLayer is { } exit ? FormattableString.Invariant($"exit layer {exit}")
            : Options.SkipAttention.Count + Options.SkipMlp.Count > 0
                ? $"without attention [{string.Join(", ", Options.SkipAttention)}] and MLP [{string.Join(", ", Options.SkipMlp)}]"
            : FormattableString.Invariant($"{Plan.Blocks.Length} blocks");
        string cascade = Cascade is null ? "" : $", {Cascade}";
        return UsesDraftWeights ? $"{blocks} on the copy of the weights{cascade}" : blocks + cascade;
    }

    /// <summary>Blocks that a level of its cascade runs; of level 0, all.</summary>
    internal int Depth(int level) => level == 0 ? Plan.Blocks.Length : Cascade!.Depth(level);

    /// <summary>Whether rows of two plans can run in one pass.</summary>
    internal bool GoesWith(DraftPlan other) => ReferenceEquals(this, other) || (Weights == other.Weights && Plan.Equals(other.Plan) && Equals(Cascade, other.Cascade));
}
