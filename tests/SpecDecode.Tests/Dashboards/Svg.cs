using System.Globalization;
using System.Security;
using System.Text;

namespace SpecDecode.Tests.Dashboards;

/// <summary>Writes an SVG picture: rectangles, lines, texts.</summary>
internal sealed class Svg(int width, int height)
{
    public static readonly string[] Palette = ["#3b7dd8", "#e0812d", "#4c9f50", "#b3529b", "#8a6d3b", "#c4423f", "#2a9d8f", "#7d6fd0"];

    private readonly StringBuilder _body = new();

    public void Rectangle(double x, double y, double w, double h, string fill, string stroke = "none") =>
        Add($"<rect x=\"{x:0.#}\" y=\"{y:0.#}\" width=\"{Math.Max(0, w):0.#}\" height=\"{Math.Max(0, h):0.#}\" fill=\"{fill}\" stroke=\"{stroke}\"/>");

    public void Text(double x, double y, string text, int size = 11, string anchor = "start", string fill = "#333", bool isBold = false) =>
        Add($"<text x=\"{x:0.#}\" y=\"{y:0.#}\" font-size=\"{size}\" text-anchor=\"{anchor}\" fill=\"{fill}\"{(isBold ? " font-weight=\"bold\"" : "")}>{SecurityElement.Escape(text)}</text>");

    public void Line(IEnumerable<(double X, double Y)> points, string stroke) =>
        Add($"<polyline fill=\"none\" stroke=\"{stroke}\" stroke-width=\"1.5\" points=\"{Points(points)}\"/>");

    public void Area(IEnumerable<(double X, double Y)> points, string fill) => Add($"<polygon fill=\"{fill}\" fill-opacity=\"0.55\" points=\"{Points(points)}\"/>");

    public override string ToString() =>
        $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n{_body}</svg>\n";

    private static string Points(IEnumerable<(double X, double Y)> points) =>
        string.Join(' ', points.Select(point => string.Create(CultureInfo.InvariantCulture, $"{point.X:0.#},{point.Y:0.#}")));

    private void Add(FormattableString element) => _body.Append(element.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
