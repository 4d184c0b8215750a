using System.Globalization;
using System.Security;
using System.Text;
using SpecDecode.Evaluation;

namespace SpecDecode.Tool.Layers;

/// <summary>What was measured of a model's layers as an SVG picture: three bar charts above each other, a place on the axis for each layer.</summary>
internal static class LayersChart
{
    private const int Left = 64;
    private const int Right = 24;
    private const int Top = 64;
    private const int PlotHeight = 150;
    private const int PlotDistance = 210;
    private const int Ticks = 4;
    private const int LeastWidth = 560;
    private const int LayerWidth = 26;

    // In a dark page the same picture is dark; colours that are told apart also by who sees few of them.
    private const string Style = """
        <style>
        .back { fill: #ffffff; } .ink { fill: #1a1a1a; } .line { stroke: #d8d8d8; } .attention { fill: #0072b2; } .mlp { fill: #d55e00; } .exit { fill: #009e73; }
        @media (prefers-color-scheme: dark) {
        .back { fill: #16181c; } .ink { fill: #e6e6e6; } .line { stroke: #3a3d44; } .attention { fill: #56b4e9; } .mlp { fill: #e69f00; } .exit { fill: #2fc79a; }
        }
        </style>

        """;

    /// <summary>Draws the picture.</summary>
    /// <param name="model">What the model is called.</param>
    /// <param name="report">What was measured.</param>
    public static string Draw(string model, LayerReport report)
    {
        int layers = report.Layers.Count;
        int plotWidth = Math.Max(LeastWidth, layers * LayerWidth);
        (int width, int height) = (Left + plotWidth + Right, Top + 3 * PlotDistance);
        StringBuilder svg = new();
        Line(svg, $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\" role=\"img\" aria-label=\"Influence, agreement and exits of each layer\">");
        svg.Append(Style);
        Line(svg, $"<rect class=\"back\" width=\"{width}\" height=\"{height}\"/>");
        Line(svg, $"<text class=\"ink\" x=\"{Left}\" y=\"22\" font-size=\"15\">Layers of {Escape(model)}</text>");
        Line(svg, $"<text class=\"ink\" x=\"{Left}\" y=\"40\">{Escape(LayersTable.About(report))}</text>");
        Plot(svg, 0, plotWidth, "Block Influence: 1 − cosine of the residual before and behind", report,
            [new("attention", "attention", layer => layer.Attention.BlockInfluence), new("MLP", "mlp", layer => layer.Mlp.BlockInfluence)], most: null);
        Plot(svg, 1, plotWidth, "Share of tokens that change without the block", report,
            [new("attention", "attention", layer => 1 - layer.Attention.AgreementWithout), new("MLP", "mlp", layer => 1 - layer.Mlp.AgreementWithout)], most: null);
        Plot(svg, 2, plotWidth, "Agreement of an exit behind the layer", report, [new("exit", "exit", layer => layer.ExitAgreement)], most: 1);
        svg.Append("</svg>\n");
        return svg.ToString();
    }

    private static void Plot(StringBuilder svg, int place, int plotWidth, string title, LayerReport report, Bars[] kinds, double? most)
    {
        int top = Top + place * PlotDistance + 20;
        int bottom = top + PlotHeight;
        double highest = most ?? NiceAbove(report.Layers.Max(layer => kinds.Max(kind => kind.Value(layer))));
        double step = (double)plotWidth / report.Layers.Count;
        double bar = step * 0.8 / kinds.Length;
        Line(svg, $"<text class=\"ink\" x=\"{Left}\" y=\"{top - 8}\" font-weight=\"bold\">{Escape(title)}</text>");
        for (int i = 0; i < kinds.Length && kinds.Length > 1; i++)
        {
            int x = Left + plotWidth - 80 * (kinds.Length - i);
            Line(svg, $"<rect class=\"{kinds[i].Class}\" x=\"{x}\" y=\"{top - 17}\" width=\"10\" height=\"10\"/><text class=\"ink\" x=\"{x + 14}\" y=\"{top - 8}\">{kinds[i].Name}</text>");
        }

        for (int tick = 0; tick <= Ticks; tick++)
        {
            double y = bottom - (double)tick / Ticks * PlotHeight;
            Line(svg, $"<line class=\"line\" x1=\"{Left}\" y1=\"{y:f1}\" x2=\"{Left + plotWidth}\" y2=\"{y:f1}\"/><text class=\"ink\" x=\"{Left - 6}\" y=\"{y + 4:f1}\" text-anchor=\"end\">{highest * tick / Ticks:0.####}</text>");
        }

        foreach (LayerFigures layer in report.Layers)
        {
            double x = Left + layer.Layer * step + step * 0.1;
            for (int i = 0; i < kinds.Length; i++)
            {
                double value = Math.Max(0, kinds[i].Value(layer));
                double height = value / highest * PlotHeight;
                Line(svg, $"<rect class=\"{kinds[i].Class}\" x=\"{x + i * bar:f1}\" y=\"{bottom - height:f1}\" width=\"{bar:f1}\" height=\"{height:f1}\"><title>layer {layer.Layer}, {kinds[i].Name}: {kinds[i].Value(layer):0.####}</title></rect>");
            }

            Line(svg, $"<text class=\"ink\" x=\"{Left + (layer.Layer + 0.5) * step:f1}\" y=\"{bottom + 16}\" text-anchor=\"middle\">{layer.Layer}</text>");
        }
    }

    // The next of 1, 2, 4 times a power of ten, so that quarters of it are short numbers.
    private static double NiceAbove(double value)
    {
        if (!(value > 0) || !double.IsFinite(value))
        {
            return 1;
        }

        double power = Math.Pow(10, Math.Floor(Math.Log10(value)));
        return new[] { 1, 2, 4, 8, 10 }.Select(factor => factor * power).First(nice => nice >= value || nice >= 10 * power);
    }

    private static string? Escape(string text) => SecurityElement.Escape(new string([.. text.Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '\uFFFD' : c)]));

    private static void Line(StringBuilder svg, FormattableString line) => svg.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');

    private sealed record Bars(string Name, string Class, Func<LayerFigures, double> Value);
}
