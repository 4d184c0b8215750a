using SpecDecode.Plans;

namespace SpecDecode.Calibration;

/// <summary>What a calibration has found.</summary>
public sealed record CalibrationReport
{
    /// <summary>Whether it is through; else it was cancelled, and this is what was known.</summary>
    public required bool IsComplete { get; init; }

    /// <summary>Time that it took, also before it was cancelled and begun again.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>Tokens that the full model wrote: those that methods searched on, and those that were held out.</summary>
    public required int SearchTokens { get; init; }

    /// <inheritdoc cref="SearchTokens"/>
    public required int HeldOutTokens { get; init; }

    /// <summary>Time of a pass of the full model over one row; null where that was not measured.</summary>
    public required TimeSpan? PlainRow { get; init; }

    /// <summary>What each method has found, in the order in which they ran.</summary>
    public required IReadOnlyList<MethodReport> Methods { get; init; }

    /// <summary>The plans that were judged on held-out text, the best first: measured ones by what was measured, then the others by what is expected.</summary>
    public required IReadOnlyList<CalibratedPlan> Plans { get; init; }

    /// <summary>The bridges that judged plans end with; none where no plan has one.</summary>
    public IReadOnlyList<LinearBridge> Bridges { get; init; } = [];

    /// <summary>Everything that was tried, for a picture of it.</summary>
    public required IReadOnlyList<TriedPlan> Tried { get; init; }

    /// <summary>What the user should know, a sentence each.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>The report in words.</summary>
    public override string ToString() => FormattableString.Invariant(
        $"{(IsComplete ? "complete" : "cancelled")}: {Methods.Count} methods, {Tried.Count} plans, best measured speed-up {(Plans.Count > 0 ? Plans[0].MeasuredSpeedup : null):f3}");
}
