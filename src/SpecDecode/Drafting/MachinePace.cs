namespace SpecDecode.Drafting;

/// <summary>
/// How slow the machine is at the moment, over what it was: other processes, heat and longer texts slow all passes alike. Times are compared
/// with each other only after it is taken out of them; else passes that were measured in a slow hour would look dear beside those of a
/// fast one, and nobody would measure them again.
/// </summary>
internal sealed class MachinePace
{
    // A lasting change is followed after five passes, before the medians of those measured move. A median, since what disturbs passes makes
    // them slower only: a mean would say that the machine becomes slower without end.
    private const int Kept = 9;

    // What it is off by for no reason is forgotten.
    private const double Leak = 1.0 / 256;

    private const double Most = 1e4;

    private readonly double[] _ratios = new double[Kept];
    private int _needed = Kept;
    private int _count;
    private int _next;
    private double _factor = 1;

    /// <summary>A time as it would be at the usual pace.</summary>
    public double Normal(double seconds) => seconds / _factor;

    /// <summary>Learns from a pass whose time was known.</summary>
    /// <param name="seconds">Its time.</param>
    /// <param name="expected">The time that was expected, at the usual pace.</param>
    public void Note(double seconds, double expected)
    {
        double ratio = seconds / expected;
        if (!(ratio is >= 1 / Most and <= Most))
        {
            return;
        }

        _ratios[_next] = Math.Pow(ratio, 1 - Leak);
        _next = (_next + 1) % Kept;
        _count = Math.Min(_count + 1, Kept);
        if (_count >= _needed)
        {
            Span<double> sorted = stackalloc double[Kept];
            _ratios.CopyTo(sorted);
            sorted = sorted[.._count];
            sorted.Sort();
            _factor = sorted[(_count - 1) / 2];
        }
    }

    /// <summary>
    /// Another time begins, in which times of a former one are all that is known: how slow the machine is now follows from the first pass on,
    /// so that it does not pass for what the first plan takes.
    /// </summary>
    public void BeginAnew()
    {
        _needed = 1;
        _count = 0;
        _next = 0;
        _factor = 1;
    }

    /// <summary>Takes a measured pass into a curve of times at the usual pace.</summary>
    public void Add(CostCurve curve, int rows, double seconds)
    {
        if (rows > curve.MaxRows)
        {
            return;
        }

        if (curve.IsKnown(rows))
        {
            Note(seconds, curve.At(rows));
        }

        curve.Add(rows, Normal(seconds));
    }
}
