namespace SpecDecode.Drafting;

/// <summary>What was measured of passes of one row count.</summary>
internal sealed record RowCost
{
    /// <summary>Number of rows.</summary>
    public int Rows { get; init; }

    /// <summary>The last samples, the oldest first.</summary>
    public double[] Seconds { get; init; } = [];

    /// <summary>Decayed number of samples when the last one came.</summary>
    public double Weight { get; init; }

    /// <summary>Samples of other counts that have come since.</summary>
    public long Age { get; init; }

    /// <summary>The natural logarithm of what the others' times have changed by since.</summary>
    public double Drift { get; init; }
}
