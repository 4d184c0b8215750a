using System.Globalization;
using System.Text.Json;

namespace SpecDecode.Tests.Dashboards;

/// <summary>
/// Draws the panels of the dashboard from what Prometheus answers to their queries, a picture for each row. No Grafana is at hand where tests run, so these
/// are renderings, and the page says so. Written where SPECDECODE_WRITE_PAGES=1 asks for it.
/// </summary>
internal static class PanelPictures
{
    private const int Unit = 44;
    private const int Line = 24;

    public static async Task WriteIfAsked(Prometheus prometheus, TimeSpan time)
    {
        if (Environment.GetEnvironmentVariable("SPECDECODE_WRITE_PAGES") != "1")
        {
            return;
        }

        DateTimeOffset end = DateTimeOffset.UtcNow;
        string folder = Path.Combine(TestFolders.Repository, "docs", "images");
        Directory.CreateDirectory(folder);
        int number = 0;
        foreach (IGrouping<string, DashboardPanel> row in GrafanaDashboard.Panels().GroupBy(panel => panel.Row))
        {
            int top = row.Min(panel => panel.Place.Y);
            Svg svg = new(24 * Unit, (row.Max(panel => panel.Place.Y + panel.Place.Height) - top) * Line + 28);
            svg.Text(8, 19, row.Key, 14, isBold: true);
            foreach (DashboardPanel panel in row)
            {
                PanelFrame frame = new(svg, panel, (panel.Place.X * Unit) + 4, (panel.Place.Y - top) * Line + 30, panel.Place.Width * Unit - 8, panel.Place.Height * Line - 8);
                await Draw(prometheus, frame, end, (int)time.TotalSeconds);
            }

            await File.WriteAllTextAsync(Path.Combine(folder, $"dashboard-{++number}.svg"), svg.ToString(), TestContext.Current.CancellationToken);
        }
    }

    private static async Task Draw(Prometheus prometheus, PanelFrame frame, DateTimeOffset end, int seconds)
    {
        int step = Math.Max(1, seconds / 60);
        List<PanelSeries> series = [];
        foreach (PanelQuery query in frame.Panel.Queries)
        {
            string expression = query.Resolved("15s", $"{seconds}s");
            JsonElement[] results = query.IsInstant ? await prometheus.Query(expression) : await prometheus.QueryRange(expression, end, seconds, step);
            series.AddRange(results.Select(result => PanelSeries.Of(result, query.Legend)));
        }

        switch (frame.Panel.Type)
        {
            case "timeseries":
                frame.Lines(series);
                break;
            case "heatmap":
                frame.Heat(series, isCumulative: frame.Panel.Queries[0].Format == "heatmap");
                break;
            case "stat":
                frame.Number(series);
                break;
            case "table":
                frame.Table(series);
                break;
            case "state-timeline":
                frame.States(series);
                break;
            default:
                frame.Bars(series);
                break;
        }
    }
}

/// <summary>A series as a panel shows it.</summary>
/// <param name="Name">As the legend writes it.</param>
/// <param name="Labels">Its labels.</param>
/// <param name="Points">Seconds and values, without those that are none.</param>
internal sealed record PanelSeries(string Name, IReadOnlyDictionary<string, string> Labels, (double Time, double Value)[] Points)
{
    public static PanelSeries Of(JsonElement result, string legend)
    {
        Dictionary<string, string> labels = result.GetProperty("metric").EnumerateObject().ToDictionary(label => label.Name, label => label.Value.GetString()!);
        string name = labels.Aggregate(legend, (text, label) => text.Replace($"{{{{{label.Key}}}}}", label.Value, StringComparison.Ordinal));
        JsonElement[] points = result.TryGetProperty("values", out JsonElement values) ? [.. values.EnumerateArray()] : [result.GetProperty("value")];
        return new PanelSeries(name, labels, [.. points
            .Select(point => (point[0].GetDouble(), double.Parse(point[1].GetString()!.Replace("+Inf", "Infinity", StringComparison.Ordinal).Replace("-Inf", "-Infinity", StringComparison.Ordinal), CultureInfo.InvariantCulture)))
            .Where(point => double.IsFinite(point.Item2))]);
    }
}
