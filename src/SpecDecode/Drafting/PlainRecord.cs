namespace SpecDecode.Drafting;

/// <summary>What passes of the full model take whose rows all begin at its beginning.</summary>
/// <param name="pace">How slow the machine is.</param>
internal sealed class PlainRecord(MachinePace pace)
{
    // Before anything was measured: a row more costs a twelfth of a pass of one. The unit does not matter, as everything is compared with it.
    private const double UnknownPass = 1;
    private const double UnknownRow = 0.08;

    private readonly CostCurve?[] _curves = new CostCurve?[BatchSize.Classes];

    /// <summary>Whether no pass was measured.</summary>
    public bool IsEmpty => BatchSize.Nearest(_curves, 0) < 0;

    /// <summary>Whether passes of so many rows were measured often enough, or cannot be.</summary>
    public bool Knows(int sequences, int rows) => rows > CostCurve.MostRows || _curves[BatchSize.Of(sequences)]?.IsKnown(rows) == true;

    /// <summary>Takes a measured pass.</summary>
    public void Add(int sequences, int rows, double seconds) =>
        pace.Add(_curves[BatchSize.Of(sequences)] ??= new CostCurve(CostCurve.MostRows), rows, seconds);

    /// <summary>A copy of what was measured, by <see cref="BatchSize"/>.</summary>
    public CostState?[] Snapshot() => LearntLists.Snapshot(_curves);

    /// <summary>Takes what a snapshot has, as a prior, in place of what was measured.</summary>
    /// <param name="states">A snapshot that is sound.</param>
    public void Restore(CostState?[] states) => LearntLists.Restore(states, _curves);

    /// <summary>Seconds of a pass, at the machine's usual pace.</summary>
    public double Time(int sequences, int rows)
    {
        int size = BatchSize.Nearest(_curves, BatchSize.Of(sequences));
        return size < 0 ? UnknownPass + UnknownRow * (rows - 1) : _curves[size]!.At(rows);
    }
}
