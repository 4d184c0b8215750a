using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Drafting.Profiles;

/// <summary>A way to draft that a profile names, and what is known of it. Immutable, compared by value.</summary>
public sealed record ProfilePlan
{
    /// <summary>The blocks that the drafter runs.</summary>
    public required LayerPlan Plan { get; init; }

    /// <summary>Whether the drafter runs on a copy of the weights in lower precision (<see cref="ModelOptions.DraftPrecision"/>).</summary>
    /// <value>The default is false: on the model's own weights.</value>
    public bool UsesDraftWeights { get; init; }

    /// <summary>Tokens that are drafted in a round, unless something ends the draft sooner; 1 to <see cref="DraftingOptions.MaxDraftLength"/>.</summary>
    /// <value>The default is <see cref="DraftingOptions.DefaultDraftLength"/>.</value>
    public int DraftLength { get; init; } = DraftingOptions.DefaultDraftLength;

    /// <summary>Once a draft token's probability is below it, no further one is drafted; 0 to 1.</summary>
    /// <value>The default is 0, which never stops.</value>
    public float Threshold { get; init; }

    /// <summary>Earlier exits that guess for the drafter, each once, at most 3 (<see cref="DraftingOptions.CascadeExits"/>).</summary>
    /// <value>The default is none.</value>
    /// <exception cref="ArgumentNullException">It is set to null.</exception>
    public IReadOnlyList<int> CascadeExits
    {
        get;
        init => field = value ?? throw new ArgumentNullException(nameof(value), "Give a list, which may be empty.");
    } = [];

    /// <summary>Tokens that each of them guesses before they are judged; 1 to <see cref="DraftingOptions.MaxDraftLength"/>.</summary>
    /// <value>The default is <see cref="DraftingOptions.DefaultCascadeLength"/>.</value>
    public int CascadeLength { get; init; } = DraftingOptions.DefaultCascadeLength;

    /// <summary>Once a guess is less probable than this, no further one is made before they are judged; 0 to 1.</summary>
    /// <value>The default is 0, which never stops.</value>
    public float CascadeThreshold { get; init; }

    /// <summary>
    /// How often the draft token at each position was the verifier's own, where those before it were; from 0 to 1, the first position first,
    /// at most <see cref="DraftingOptions.MaxDraftLength"/> of them.
    /// </summary>
    /// <value>The default is none: not measured.</value>
    /// <exception cref="ArgumentNullException">It is set to null.</exception>
    public IReadOnlyList<double> Agreement
    {
        get;
        init => field = value ?? throw new ArgumentNullException(nameof(value), "Give a list, which may be empty.");
    } = [];

    /// <summary>Time of a pass of one row of this plan over that of a plain one; above 0. Null where it was not measured.</summary>
    public double? DraftRowCost { get; init; }

    /// <summary>Tokens per second over those of plain decoding, as agreement and costs let expect; above 0. Null where nobody worked it out.</summary>
    public double? ExpectedSpeedup { get; init; }

    /// <summary>Tokens per second over those of plain decoding, as texts were written with it; above 0. Null where it was not measured.</summary>
    public double? MeasuredSpeedup { get; init; }

    /// <summary>
    /// Lengths of a text (prompt and output, in tokens) from which on this plan drafts, until the next that a plan of the profile names; ascending, above 0, at most
    /// <see cref="MaxFromLengths"/>. Before the first of all of them the profile's first plan drafts. <c>auto</c> goes by what it measures instead.
    /// </summary>
    /// <value>The default is none.</value>
    /// <exception cref="ArgumentNullException">It is set to null.</exception>
    public IReadOnlyList<int> FromLengths
    {
        get;
        init => field = value ?? throw new ArgumentNullException(nameof(value), "Give a list, which may be empty.");
    } = [];

    /// <summary>The most of <see cref="FromLengths"/>.</summary>
    public const int MaxFromLengths = 8;

    /// <summary>How it was found, in words; null where nobody says.</summary>
    public string? Method { get; init; }

    /// <inheritdoc/>
    public bool Equals(ProfilePlan? other) => other is not null
        && Plan.Equals(other.Plan) && UsesDraftWeights == other.UsesDraftWeights && DraftLength == other.DraftLength
        && Threshold.Equals(other.Threshold) && Equals(Cascade, other.Cascade) && Agreement.SequenceEqual(other.Agreement) && DraftRowCost == other.DraftRowCost
        && ExpectedSpeedup == other.ExpectedSpeedup && MeasuredSpeedup == other.MeasuredSpeedup && Method == other.Method
        && FromLengths.SequenceEqual(other.FromLengths);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Plan, UsesDraftWeights, DraftLength, Threshold);

    /// <summary>The options that say the same: the plan, its length and its threshold.</summary>
    /// <param name="layerCount">Number of layers of the model.</param>
    public DraftingOptions ToOptions(int layerCount)
    {
        DraftingOptions options = ExitOf(Plan) is { } exit ? DraftingOptions.EarlyExit(exit)
            : Skipped(Plan, layerCount) is var (attention, mlp) ? DraftingOptions.LayerSkip(attention, mlp)
            : DraftingOptions.Of(Plan);
        options = options with { DraftLength = DraftLength, Threshold = Threshold };
        return CascadeExits.Count == 0 ? options : options with { CascadeExits = CascadeExits, CascadeLength = CascadeLength, CascadeThreshold = CascadeThreshold };
    }

    /// <summary>The cascade below the plan; null where there is none.</summary>
    internal DraftCascade? Cascade => CascadeExits.Count == 0 ? null : new DraftCascade(CascadeExits, CascadeLength, CascadeThreshold);

    /// <summary>How many layers an early exit runs; null of other plans.</summary>
    internal static int? ExitOf(LayerPlan plan) =>
        plan.Blocks.Length is > 0 and var blocks && blocks % 2 == 0 && plan.Equals(LayerPlan.EarlyExit(blocks / 2, blocks / 2)) ? blocks / 2 : null;

    /// <summary>The layers whose blocks a plan leaves out of the whole model; null where it runs others, or these in another order.</summary>
    internal static (int[] Attention, int[] Mlp)? Skipped(LayerPlan plan, int layerCount)
    {
        HashSet<Block> runs = [.. plan.Blocks];
        int[] Without(BlockKind kind) => [.. Enumerable.Range(0, layerCount).Where(layer => !runs.Contains(new Block(kind, layer)))];
        (int[] attention, int[] mlp) = (Without(BlockKind.Attention), Without(BlockKind.Mlp));
        return LayerPlan.LayerSkip(layerCount, attention, mlp).Equals(plan) ? (attention, mlp) : null;
    }

    /// <summary>The plan as drafting knows it.</summary>
    /// <param name="layerCount">Number of layers of the model.</param>
    internal DraftPlan ToDraftPlan(int layerCount) => new()
    {
        Plan = Plan, Length = DraftLength, Threshold = Threshold, Weights = UsesDraftWeights ? WeightSet.Drafter : WeightSet.Verifier,
        Options = ToOptions(layerCount), FromLengths = FromLengths, Cascade = Cascade,
    };
}
