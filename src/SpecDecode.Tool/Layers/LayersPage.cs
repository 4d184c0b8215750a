using System.Net;
using System.Text;
using SpecDecode.Evaluation;

namespace SpecDecode.Tool.Layers;

/// <summary>What was measured of a model's layers as an HTML page: chart and tables in one file that asks for nothing else and runs no script.</summary>
internal static class LayersPage
{
    private const string Style = """
        :root { color-scheme: light dark; }
        body { font-family: sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1a1a1a; background: #ffffff; }
        figure { margin: 1rem 0; overflow-x: auto; }
        table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
        th, td { padding: 0.2rem 0.8rem; text-align: right; border-bottom: 1px solid #d8d8d8; }
        @media (prefers-color-scheme: dark) { body { color: #e6e6e6; background: #16181c; } th, td { border-color: #3a3d44; } }
        """;

    /// <summary>Writes the page.</summary>
    /// <param name="model">What the model is called.</param>
    /// <param name="report">What was measured.</param>
    public static string Write(string model, LayerReport report)
    {
        string title = WebUtility.HtmlEncode($"Layers of {model}");
        StringBuilder html = new();
        html.Append($"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <title>{title}</title>
            <style>
            {Style}
            </style>
            </head>
            <body>
            <h1>{title}</h1>
            <p>{WebUtility.HtmlEncode(LayersTable.About(report))}.</p>
            <figure>
            {LayersChart.Draw(model, report)}</figure>
            <h2>Blocks</h2>
            <p>Influence is 1 − the mean cosine of the residual before the block and behind it; agreement without is how often the model without this block alone has the full
            model's best token; time and bytes are shares of a pass over one row and of all weights.</p>

            """);
        Table(html, LayersTable.BlockHeads, LayersTable.Blocks(report));
        html.Append("""
            <h2>Layers</h2>
            <p>An exit behind a layer is final norm and head on its residual.</p>

            """);
        Table(html, LayersTable.LayerHeads, LayersTable.Layers(report));
        html.Append("</body>\n</html>\n");
        return html.ToString();
    }

    private static void Table(StringBuilder html, IReadOnlyList<string> heads, IReadOnlyList<string[]> rows)
    {
        html.Append("<table>\n<thead><tr>");
        foreach (string head in heads)
        {
            html.Append("<th>").Append(WebUtility.HtmlEncode(head)).Append("</th>");
        }

        html.Append("</tr></thead>\n<tbody>\n");
        foreach (string[] row in rows)
        {
            html.Append("<tr>");
            foreach (string cell in row)
            {
                html.Append("<td>").Append(WebUtility.HtmlEncode(cell)).Append("</td>");
            }

            html.Append("</tr>\n");
        }

        html.Append("</tbody>\n</table>\n");
    }
}
