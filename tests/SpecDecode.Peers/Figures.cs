using System.Globalization;

namespace SpecDecode.Peers;

/// <summary>Smallest, median and largest of some figures.</summary>
internal sealed class Figures
{
    private readonly double[] _sorted;

    /// <summary>Of one figure at least.</summary>
    public Figures(IEnumerable<double> values) => _sorted = [.. values.Order()];

    /// <summary>The one in the middle; of an even number the mean of the two.</summary>
    public double Median => (_sorted[(_sorted.Length - 1) / 2] + _sorted[_sorted.Length / 2]) / 2;

    /// <summary>The three, with so many decimals.</summary>
    public string ToString(int decimals)
    {
        string format = FormattableString.Invariant($"f{decimals}");
        return string.Join(" / ", new[] { _sorted[0], Median, _sorted[^1] }.Select(value => value.ToString(format, CultureInfo.InvariantCulture)));
    }
}
