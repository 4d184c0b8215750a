using System.Globalization;
using System.Text;

namespace SpecDecode.Tool.Watch;

/// <summary>What an endpoint for Prometheus answers at one moment: names, labels, values.</summary>
internal sealed class MetricsPage
{
    private readonly Dictionary<string, List<(Dictionary<string, string> Labels, double Value)>> _samples = new(StringComparer.Ordinal);

    /// <summary>Reads a page.</summary>
    /// <param name="text">The page, in Prometheus' text format or OpenMetrics.</param>
    /// <param name="address">Whose it is, for errors.</param>
    /// <exception cref="SpecDecodeException">A line is neither a comment nor a sample.</exception>
    public static MetricsPage Read(string text, Uri address)
    {
        MetricsPage page = new();
        int number = 0;
        foreach (string line in text.Split('\n'))
        {
            number++;
            string trimmed = line.Trim();
            if (trimmed.Length > 0 && trimmed[0] != '#' && !page.TryAdd(trimmed))
            {
                throw new SpecDecodeException(
                    $"{address} answers no page of metrics: line {number} is '{Shown(trimmed)}'. Give the address of an endpoint for Prometheus, such as http://127.0.0.1:5080/metrics.");
            }
        }

        return page;
    }

    /// <summary>The values that a label has over all samples of a metric, in order.</summary>
    public IEnumerable<string> Values(string name, string label) => Samples(name)
        .Select(sample => sample.Labels.GetValueOrDefault(label)).OfType<string>().Distinct().Order(StringComparer.Ordinal);

    /// <summary>The samples of a metric.</summary>
    public IReadOnlyList<(Dictionary<string, string> Labels, double Value)> Samples(string name) => _samples.GetValueOrDefault(name) ?? [];

    /// <summary>A text without what a terminal would obey, and not longer than a line.</summary>
    public static string Shown(string text)
    {
        string clean = string.Concat(text.Select(character => char.IsControl(character) ? '?' : character));
        return clean.Length <= 60 ? clean : clean[..57] + "...";
    }

    private bool TryAdd(string line)
    {
        int end = line.AsSpan().IndexOfAny('{', ' ', '\t');
        if (end <= 0)
        {
            return false;
        }

        Dictionary<string, string> labels = new(StringComparer.Ordinal);
        int place = end;
        if (line[end] == '{' && !TryReadLabels(line, ref place, labels))
        {
            return false;
        }

        // Behind the value a time may stand, and an exemplar.
        string[] rest = line[place..].Split((char[])[' ', '\t'], 2, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (rest.Length == 0 || !TryReadValue(rest[0], out double value))
        {
            return false;
        }

        string name = line[..end];
        if (!_samples.TryGetValue(name, out List<(Dictionary<string, string>, double)>? samples))
        {
            _samples.Add(name, samples = []);
        }

        samples.Add((labels, value));
        return true;
    }

    private static bool TryReadValue(string text, out double value)
    {
        value = text switch { "+Inf" => double.PositiveInfinity, "-Inf" => double.NegativeInfinity, "NaN" => double.NaN, _ => 0 };
        return value != 0 || double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value);
    }

    // From the brace to behind its end.
    private static bool TryReadLabels(string line, ref int place, Dictionary<string, string> labels)
    {
        place++;
        while (place < line.Length && line[place] != '}')
        {
            int equals = line.IndexOf("=\"", place, StringComparison.Ordinal);
            if (equals < 0)
            {
                return false;
            }

            string name = line[place..equals].Trim();
            StringBuilder value = new();
            for (place = equals + 2; place < line.Length && line[place] != '"'; place++)
            {
                value.Append(line[place] != '\\' || place + 1 == line.Length ? line[place] : line[++place] == 'n' ? '\n' : line[place]);
            }

            place++;
            labels[name] = value.ToString();
            while (place < line.Length && line[place] is ',' or ' ')
            {
                place++;
            }
        }

        place++;
        return place < line.Length;
    }
}
