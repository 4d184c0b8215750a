namespace SpecDecode.Drafting;

/// <summary>What a <see cref="CostCurve"/> has measured.</summary>
internal sealed record CostState
{
    /// <summary>The row counts that were measured, ascending.</summary>
    public RowCost[] Costs { get; init; } = [];
}
