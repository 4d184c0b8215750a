using System.Globalization;
using System.Security;
using System.Text;
using SpecDecode.Calibration;

namespace SpecDecode.Tool.Calibrate;

/// <summary>Cost and agreement of all plans that were tried, and the Pareto front, as an SVG picture.</summary>
internal static class ParetoChart
{
    private const int Width = 720;
    private const int Height = 480;
    private const int Left = 70;
    private const int Right = 150;
    private const int Top = 40;
    private const int Bottom = 60;
    private const double Tick = 0.2;

    // Colours that are told apart also by who sees few of them.
    private static readonly string[] Colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#000000"];

    /// <summary>Draws the picture.</summary>
    /// <param name="report">A report; what was tried in it is drawn.</param>
    public static string Draw(CalibrationReport report)
    {
        // A row costs somewhat more than a plain one where the clock's noise says so.
        double mostCost = Math.Max(1, Math.Ceiling((report.Tried.Max(plan => plan.DraftRowCost) - 0.02) / Tick) * Tick);
        StringBuilder svg = new();
        void Line(FormattableString line) => svg.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
        double X(double cost) => Left + cost / mostCost * (Width - Left - Right);
        double Y(double agreement) => Height - Bottom - agreement * (Height - Top - Bottom);

        Line($"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{Width}\" height=\"{Height}\" viewBox=\"0 0 {Width} {Height}\" font-family=\"sans-serif\" font-size=\"12\" role=\"img\" aria-label=\"Cost and agreement of draft plans\">");
        Line($"<rect width=\"{Width}\" height=\"{Height}\" fill=\"#ffffff\"/>");
        Line($"<text x=\"{Left}\" y=\"24\" font-size=\"14\">Draft plans: what a row costs, and how often its token is the full model's</text>");
        for (double cost = 0; cost <= mostCost + 0.01; cost += Tick)
        {
            Line($"<line x1=\"{X(cost):f1}\" y1=\"{Top}\" x2=\"{X(cost):f1}\" y2=\"{Height - Bottom}\" stroke=\"#dddddd\"/>");
            Line($"<text x=\"{X(cost):f1}\" y=\"{Height - Bottom + 18}\" text-anchor=\"middle\">{cost:0.##}</text>");
        }

        for (double agreement = 0; agreement <= 1.01; agreement += Tick)
        {
            Line($"<line x1=\"{Left}\" y1=\"{Y(agreement):f1}\" x2=\"{Width - Right}\" y2=\"{Y(agreement):f1}\" stroke=\"#dddddd\"/>");
            Line($"<text x=\"{Left - 8}\" y=\"{Y(agreement) + 4:f1}\" text-anchor=\"end\">{agreement:0.##}</text>");
        }

        Line($"<line x1=\"{Left}\" y1=\"{Height - Bottom}\" x2=\"{Width - Right}\" y2=\"{Height - Bottom}\" stroke=\"#000000\"/>");
        Line($"<line x1=\"{Left}\" y1=\"{Top}\" x2=\"{Left}\" y2=\"{Height - Bottom}\" stroke=\"#000000\"/>");
        Line($"<text x=\"{(Left + Width - Right) / 2}\" y=\"{Height - 18}\" text-anchor=\"middle\">cost of a draft row (a plain row is 1)</text>");
        Line($"<text x=\"20\" y=\"{(Top + Height - Bottom) / 2}\" text-anchor=\"middle\" transform=\"rotate(-90 20 {(Top + Height - Bottom) / 2})\">agreement</text>");

        IEnumerable<TriedPlan> front = report.Tried.Where(plan => plan.IsOnFront).OrderBy(plan => plan.DraftRowCost);
        string points = string.Join(' ', front.Select(plan => string.Create(CultureInfo.InvariantCulture, $"{X(plan.DraftRowCost):f1},{Y(plan.Agreement):f1}")));
        Line($"<polyline points=\"{points}\" fill=\"none\" stroke=\"#000000\" stroke-dasharray=\"4 3\"/>");
        for (int method = 0; method < report.Methods.Count; method++)
        {
            string name = report.Methods[method].Name;
            string colour = Colours[method % Colours.Length];
            foreach (TriedPlan plan in report.Tried.Where(plan => plan.Method == name))
            {
                Line($"<circle cx=\"{X(plan.DraftRowCost):f1}\" cy=\"{Y(plan.Agreement):f1}\" r=\"{(plan.IsOnFront ? 4.5 : 2.5):f1}\" fill=\"{colour}\" fill-opacity=\"{(plan.IsOnFront ? 1 : 0.5):0.#}\"/>");
            }

            Line($"<circle cx=\"{Width - Right + 20}\" cy=\"{Top + 10 + 20 * method}\" r=\"4\" fill=\"{colour}\"/>");
            Line($"<text x=\"{Width - Right + 30}\" y=\"{Top + 14 + 20 * method}\">{SecurityElement.Escape(name)}</text>");
        }

        Line($"<line x1=\"{Width - Right + 12}\" y1=\"{Top + 10 + 20 * report.Methods.Count}\" x2=\"{Width - Right + 28}\" y2=\"{Top + 10 + 20 * report.Methods.Count}\" stroke=\"#000000\" stroke-dasharray=\"4 3\"/>");
        Line($"<text x=\"{Width - Right + 32}\" y=\"{Top + 14 + 20 * report.Methods.Count}\">Pareto front</text>");
        svg.Append("</svg>\n");
        return svg.ToString();
    }
}
