using System.Text.Json;

namespace SpecDecode.Tests.Dashboards;

/// <summary>A query of a panel.</summary>
internal sealed record PanelQuery(string Expression, string Legend, string Format, bool IsInstant)
{
    /// <summary>As Grafana would send it with every model and instance chosen.</summary>
    public string Resolved(string window, string range) => Expression
        .Replace("$__rate_interval", window, StringComparison.Ordinal)
        .Replace("$__range", range, StringComparison.Ordinal)
        .Replace("$model", ".*", StringComparison.Ordinal)
        .Replace("$instance", ".*", StringComparison.Ordinal);
}

/// <summary>A panel, and the row that it is in.</summary>
internal sealed record DashboardPanel(int Id, string Row, string Type, string Title, string Description, string Unit, (int X, int Y, int Width, int Height) Place, PanelQuery[] Queries, bool IsStacked)
{
    public override string ToString() => Title;
}

/// <summary>samples/Dashboards/specdecode.json.</summary>
internal static class GrafanaDashboard
{
    public static string Folder => Path.Combine(TestFolders.Repository, "samples", "Dashboards");

    public static JsonElement Read() => JsonElement.Parse(File.ReadAllText(Path.Combine(Folder, "specdecode.json")));

    /// <summary>The panels that show something.</summary>
    public static DashboardPanel[] Panels()
    {
        List<DashboardPanel> panels = [];
        string row = "";
        foreach (JsonElement panel in Read().GetProperty("panels").EnumerateArray())
        {
            string type = panel.GetProperty("type").GetString()!;
            string title = panel.GetProperty("title").GetString()!;
            if (type == "row")
            {
                row = title;
                continue;
            }

            JsonElement place = panel.GetProperty("gridPos");
            JsonElement defaults = panel.GetProperty("fieldConfig").GetProperty("defaults");
            int At(string name) => place.GetProperty(name).GetInt32();
            panels.Add(new DashboardPanel(
                panel.GetProperty("id").GetInt32(), row, type, title, panel.GetProperty("description").GetString()!,
                defaults.GetProperty("unit").GetString()!, (At("x"), At("y"), At("w"), At("h")),
                [.. panel.GetProperty("targets").EnumerateArray().Select(target => new PanelQuery(
                    target.GetProperty("expr").GetString()!, target.GetProperty("legendFormat").GetString()!, target.GetProperty("format").GetString()!,
                    target.GetProperty("instant").GetBoolean()))],
                defaults.TryGetProperty("custom", out JsonElement custom) && custom.TryGetProperty("stacking", out JsonElement stacking) && stacking.GetProperty("mode").GetString() == "normal"));
        }

        return [.. panels];
    }
}
