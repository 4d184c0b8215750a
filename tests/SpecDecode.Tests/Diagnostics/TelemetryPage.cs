using System.Globalization;
using SpecDecode.Diagnostics;

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

    /// <summary>What other engines call a series, by the name of theirs that the page has.</summary>
    public static (string Theirs, string Ours)[] Peers => [.. Rows("theirs").Select(cells => (Name(cells[0]), Name(cells[1])))];

    /// <summary>A row of the table in code as the page has it.</summary>
    public static string Row(InstrumentRow row) =>
        $"| `{row.Name}` | `{row.PrometheusName}` | {row.TypeName} | `{row.Unit}` | {string.Join(", ", row.Attributes.Select(attribute => $"`{attribute}`"))} | {row.Description} |";

    /// <summary>The lines of the table whose first column has the heading.</summary>
    public static IEnumerable<string> Lines(string heading) => File.ReadLines(Page)
        .SkipWhile(line => !line.StartsWith($"| {heading} |", StringComparison.Ordinal))
        .Skip(2)
        .TakeWhile(line => line.StartsWith('|'));

    /// <summary>Writes the table of the code in place of the page's.</summary>
    public static void Write(IEnumerable<InstrumentRow> table)
    {
        List<string> lines = [.. File.ReadAllLines(Page)];
        int first = lines.FindIndex(line => line.StartsWith("| instrument |", StringComparison.Ordinal)) + 2;
        int count = Lines("instrument").Count();
        lines.RemoveRange(first, count);
        lines.InsertRange(first, table.Select(Row));
        File.WriteAllText(Page, string.Join('\n', lines) + "\n");
    }

    private static string Page => Path.Combine(TestFolders.Repository, "docs", "telemetry.md");

    // The cells of the table whose first column has the heading.
    private static IEnumerable<string[]> Rows(string heading) => Lines(heading).Select(line => line.Trim('|').Split('|', StringSplitOptions.TrimEntries));
}
