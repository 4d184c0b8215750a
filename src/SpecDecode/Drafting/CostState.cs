namespace SpecDecode.Drafting;

/// <summary>What a <see cref="CostCurve"/> has measured.</summary>
internal sealed record CostState
{
    /// <summary>The row counts that were measured, ascending.</summary>
    public RowCost[] Costs { get; init; } = [];

    /// <summary>
    /// The same for another time, in which the machine may be busier or freer: of each count its median alone, as often as makes it known. So four
    /// passes that take another time decide over it, where eight would be needed else.
    /// </summary>
    public CostState Prior() => new() { Costs = [.. Costs.Select(Prior)] };

    private static RowCost Prior(RowCost cost)
    {
        double[] sorted = [.. cost.Seconds.Order()];
        return cost with { Seconds = [.. Enumerable.Repeat(sorted[(sorted.Length - 1) / 2], Math.Min(sorted.Length, CostCurve.KnownSamples))] };
    }
}
