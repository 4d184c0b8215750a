using System.Globalization;

namespace SpecDecode.Tests.Diagnostics;

/// <summary>The tables of docs/telemetry.md.</summary>
internal static class TelemetryPage
{
    /// <summary>A row of the table of metrics.</summary>
    public sealed record Metric(string Instrument, string Prometheus, string Type, string Unit, string[] Attributes, string Meaning);

    public static Metric[] Metrics => [.. Rows("instrument").Select(cells => new Metric(
        Name(cells[0]), Name(cells[1]), cells[2], Name(cells[3]),
        [.. cells[4].Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(Name)], cells[5]))];

    public static (int Id, string Level, string Message)[] Log =>
        [.. Rows("id").Select(cells => (int.Parse(cells[0], CultureInfo.InvariantCulture), cells[1], cells[2]))];

    private static string Name(string cell) => cell.Trim('`');

    // The cells of the table whose first column has the heading.
    private static IEnumerable<string[]> Rows(string heading) => File.ReadLines(Path.Combine(TestFolders.Repository, "docs", "telemetry.md"))
        .SkipWhile(line => !line.StartsWith($"| {heading} |", StringComparison.Ordinal))
        .Skip(2)
        .TakeWhile(line => line.StartsWith('|'))
        .Select(line => line.Trim('|').Split('|', StringSplitOptions.TrimEntries));
}
