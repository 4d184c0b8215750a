using System.Globalization;
using System.Text.RegularExpressions;

namespace SpecDecode.Tests.Samples;

/// <summary>What Prometheus would read.</summary>
internal sealed partial class Scrape
{
    private readonly List<(string Name, string Labels, double Value)> _samples = [];

    public Scrape(string text)
    {
        foreach (string line in text.Split('\n'))
        {
            if (Sample().Match(line) is { Success: true } sample)
            {
                _samples.Add((sample.Groups[1].Value, sample.Groups[2].Value, double.Parse(sample.Groups[3].Value, CultureInfo.InvariantCulture)));
            }

            if (Header().Match(line) is { Success: true } header)
            {
                Types.Add(header.Groups[1].Value, header.Groups[2].Value);
            }
        }
    }

    /// <summary>The type of each metric.</summary>
    public Dictionary<string, string> Types { get; } = [];

    /// <summary>Whether there is a sample of a name.</summary>
    public bool Has(string name) => _samples.Any(sample => sample.Name == name);

    /// <summary>The sum of the samples of a name that have a label.</summary>
    public double Sum(string name, string label = "") =>
        _samples.Where(sample => sample.Name == name && sample.Labels.Contains(label, StringComparison.Ordinal)).Sum(sample => sample.Value);

    [GeneratedRegex(@"^(\w+)\{(.*)\} (\S+)$")]
    private static partial Regex Sample();

    [GeneratedRegex(@"^# TYPE (\w+) (\w+)$")]
    private static partial Regex Header();
}
