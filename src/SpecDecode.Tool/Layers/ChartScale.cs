namespace SpecDecode.Tool.Layers;

/// <summary>An axis of a chart that begins at its foot: which numbers it names, and how high a number is.</summary>
internal sealed class ChartScale
{
    private const int Quarters = 4;

    // Decades of a logarithmic axis: what is smaller by more does not differ to anybody.
    private const int MostDecades = 6;

    private static readonly int[] Factors = [1, 2, 4, 8];

    private readonly Func<double, double> _share;

    private ChartScale(double[] ticks, Func<double, double> share) => (Ticks, _share) = (ticks, share);

    /// <summary>The numbers that it names, from its foot up.</summary>
    public IReadOnlyList<double> Ticks { get; }

    /// <summary>An axis from 0 to a short number above the highest.</summary>
    /// <param name="highest">The highest number on it.</param>
    public static ChartScale Linear(double highest)
    {
        double most = NiceAbove(highest);
        return new ChartScale([.. Enumerable.Range(0, Quarters + 1).Select(quarter => most * quarter / Quarters)], value => value / most);
    }

    /// <summary>An axis of whole decades around some numbers; what is not above 0 stands at its foot.</summary>
    /// <param name="values">The numbers on it.</param>
    public static ChartScale Logarithmic(IEnumerable<double> values)
    {
        double[] above = [.. values.Where(value => value > 0 && double.IsFinite(value))];
        if (above.Length == 0)
        {
            return Linear(1);
        }

        int last = (int)Math.Ceiling(Math.Log10(above.Max()));
        int first = Math.Max(Math.Min((int)Math.Floor(Math.Log10(above.Min())), last - 1), last - MostDecades);
        return new ChartScale(
            [.. Enumerable.Range(first, last - first + 1).Select(power => Math.Pow(10, power))],
            value => value > 0 ? (Math.Log10(value) - first) / (last - first) : 0);
    }

    /// <summary>How high a number is: 0 at the foot, 1 at the top.</summary>
    public double Share(double value) => double.IsFinite(value) ? Math.Clamp(_share(value), 0, 1) : 0;

    // The next of 1, 2, 4, 8 times a power of ten, so that quarters of it are short numbers.
    private static double NiceAbove(double value)
    {
        if (!(value > 0) || !double.IsFinite(value))
        {
            return 1;
        }

        double power = Math.Pow(10, Math.Floor(Math.Log10(value)));
        return Factors.Select(factor => factor * power).FirstOrDefault(nice => nice >= value, 10 * power);
    }
}
