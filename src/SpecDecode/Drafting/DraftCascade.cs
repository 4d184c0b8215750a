using SpecDecode.Plans;

namespace SpecDecode.Drafting;

/// <summary>
/// Levels below a plan, each an earlier exit from it on the same weights (cascade speculative drafting, 2312.11462; CAS-Spec, 2510.26843). The
/// lowest level guesses tokens one by one; the level above it takes its rows up where the exit left them, runs all of them in one pass, keeps
/// the guesses that are its own choice and adds that choice behind them; and so on up to the plan, whose tokens are the draft. So the draft is the
/// one that the plan alone would have made, from fewer passes of it.
/// </summary>
internal sealed class DraftCascade : IEquatable<DraftCascade>
{
    /// <summary>Most levels.</summary>
    public const int MostLevels = 3;

    private readonly int[] _depths;

    /// <summary>A cascade.</summary>
    /// <param name="exitLayers">Where the levels leave, each once: 1 to <see cref="MostLevels"/> of them.</param>
    /// <param name="length">Tokens that a level guesses before the level above it judges them.</param>
    /// <param name="threshold">A guess that is less probable is the last before that.</param>
    public DraftCascade(IEnumerable<int> exitLayers, int length, float threshold)
    {
        _depths = [.. exitLayers.OrderDescending().Select(exit => 2 * exit)];
        Length = length;
        Threshold = threshold;
    }

    /// <summary>How many levels there are below the plan, which is level 0.</summary>
    public int Levels => _depths.Length;

    /// <summary>Tokens that a level guesses before the level above it judges them.</summary>
    public int Length { get; }

    /// <summary>A guess that is less probable is the last before that; 0 for none.</summary>
    public float Threshold { get; }

    /// <summary>Blocks of the plan that a level runs.</summary>
    /// <param name="level">The level, from 1, the highest.</param>
    public int Depth(int level) => _depths[level - 1];

    /// <summary>What is wrong with the cascade of some options whatever the plan, in a sentence that begins with the option's name; null for nothing.</summary>
    /// <param name="options">The options.</param>
    /// <param name="strategy">Their strategy, in lower case.</param>
    /// <param name="hasLength">Whether <see cref="DraftingOptions.CascadeLength"/> was set.</param>
    public static string? FindError(DraftingOptions options, string strategy, bool hasLength)
    {
        IReadOnlyList<int> exits = options.CascadeExits;
        string? bound = exits.Count > MostLevels ? $"CascadeExits has {exits.Count} layers: give at most {MostLevels}."
            : exits.Any(exit => exit < 1) ? $"CascadeExits has {exits.Min()}: give layers from 1 on, fewer than the drafter runs."
            : exits.Distinct().Count() < exits.Count ? "CascadeExits names a layer twice: name each once."
            : options.CascadeLength is < 1 or > DraftingOptions.MaxDraftLength ? $"CascadeLength is {options.CascadeLength}: give 1 to {DraftingOptions.MaxDraftLength}."
            : !(options.CascadeThreshold is >= 0 and <= 1) ? FormattableString.Invariant($"CascadeThreshold is {options.CascadeThreshold}: give a probability from 0 to 1.")
            : null;

        // With none drafting is switched off in one place, whatever else is there.
        if (bound is not null || (strategy == DraftingStrategy.None && !options.HasProfile))
        {
            return bound;
        }

        return exits.Count > 0
            ? options.HasProfile ? "CascadeExits is given, but Profile says how to draft: remove one of them."
                : options.FindsLength ? $"CascadeExits is given, but the strategy {(options.Strategy is null ? $"{strategy}, the default," : strategy)} takes no cascade: use early-exit or layer-skip, or remove it."
                : null
            : hasLength ? "CascadeLength is given without CascadeExits: name the exits that guess, or remove it."
            : options.CascadeThreshold != 0 ? "CascadeThreshold is given without CascadeExits: name the exits that guess, or remove it."
            : null;
    }

    /// <summary>The last layer behind which an exit can guess for a plan; 0 where there is none.</summary>
    /// <param name="plan">The plan.</param>
    public static int LastExit(LayerPlan plan) => Math.Min(plan.ExactDepth, plan.Blocks.Length - 1) / 2;

    /// <summary>Why the levels cannot stand below a plan, in a sentence that begins with the option's name; null where they can.</summary>
    /// <param name="plan">The plan.</param>
    public string? FindError(LayerPlan plan)
    {
        int most = LastExit(plan);
        return _depths[0] / 2 <= most ? null
            : most == 0 ? $"CascadeExits has {_depths[0] / 2}, but the drafter runs no layer before its last as the whole model does: remove it."
            : $"CascadeExits has {_depths[0] / 2}, but an exit that guesses lies before the drafter's last layer, and before the first block that it leaves out: give layers from 1 to {most}.";
    }

    /// <inheritdoc/>
    public bool Equals(DraftCascade? other) =>
        other is not null && Length == other.Length && Threshold.Equals(other.Threshold) && _depths.AsSpan().SequenceEqual(other._depths);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as DraftCascade);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Length, Threshold, _depths[0], _depths[^1]);

    /// <summary>The levels in words.</summary>
    public override string ToString() =>
        FormattableString.Invariant($"guesses of {Length} from exit {string.Join(" and ", _depths.Reverse().Select(depth => depth / 2))}");
}
