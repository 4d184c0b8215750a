using System.Globalization;

namespace SpecDecode.Tests.Dashboards;

/// <summary>The place of a panel in a picture, and what is drawn in it.</summary>
internal sealed class PanelFrame
{
    private readonly Svg _svg;
    private readonly double _x;
    private readonly double _y;
    private readonly double _width;
    private readonly double _height;

    public PanelFrame(Svg svg, DashboardPanel panel, double x, double y, double width, double height)
    {
        (_svg, Panel, _x, _y, _width, _height) = (svg, panel, x, y, width, height);
        svg.Rectangle(x, y, width, height, "#fafafa", "#ddd");
        svg.Text(x + 8, y + 16, panel.Title, 12, isBold: true);
    }

    public DashboardPanel Panel { get; }

    public void Lines(List<PanelSeries> series)
    {
        PanelSeries[] shown = [.. series.Where(one => one.Points.Length > 0)];
        if (shown.Length == 0)
        {
            Nothing();
            return;
        }

        // The legend stands at the lower edge, in as many lines as it needs.
        (double X, int Line)[] places = Legend(shown);
        double legend = _y + _height - 5 - 11 * Math.Max(1, places[^1].Line);
        (double left, double right, double top, double bottom) = (_x + 48, _x + _width - 10, _y + 26, legend - 26);
        double first = shown.Min(one => one.Points[0].Time);
        double last = Math.Max(first + 1, shown.Max(one => one.Points[^1].Time));
        double X(double time) => left + (right - left) * (time - first) / (last - first);

        // What is stacked lies on the sum of those before it.
        Dictionary<double, double> below = [];
        (double Time, double From, double To)[][] layers = [.. shown.Select(one => one.Points.Select(point =>
        {
            double from = Panel.IsStacked ? below.GetValueOrDefault(point.Time) : 0;
            below[point.Time] = from + point.Value;
            return (point.Time, from, from + point.Value);
        }).ToArray())];
        double most = layers.SelectMany(layer => layer).Max(point => point.To);
        most = most <= 0 ? 1 : most * 1.05;
        double Y(double value) => bottom - (bottom - top) * value / most;
        for (int i = 0; i <= 2; i++)
        {
            _svg.Line([(left, Y(most * i / 2)), (right, Y(most * i / 2))], "#e5e5e5");
            _svg.Text(left - 4, Y(most * i / 2) + 4, Format(most * i / 2), 9, "end", "#777");
        }

        _svg.Text(left, bottom + 11, "0 s", 9, "start", "#777");
        _svg.Text(right, bottom + 11, string.Create(CultureInfo.InvariantCulture, $"{last - first:0} s"), 9, "end", "#777");
        for (int i = 0; i < layers.Length; i++)
        {
            string color = Svg.Palette[i % Svg.Palette.Length];
            if (Panel.IsStacked)
            {
                _svg.Area(layers[i].Select(point => (X(point.Time), Y(point.To))).Concat(layers[i].Reverse().Select(point => (X(point.Time), Y(point.From)))), color);
            }
            else
            {
                _svg.Line(layers[i].Select(point => (X(point.Time), Y(point.To))), color);
            }

            double line = legend + 11 * places[i].Line;
            _svg.Rectangle(places[i].X, line - 7, 8, 8, color);
            _svg.Text(places[i].X + 11, line, shown[i].Name, 9);
        }
    }

    public void Heat(List<PanelSeries> series, bool isCumulative)
    {
        PanelSeries[] rows = [.. series.Where(one => one.Points.Length > 0).OrderBy(one => one.Name == "+Inf" ? double.MaxValue : double.Parse(one.Name, CultureInfo.InvariantCulture))];
        double[] times = [.. rows.SelectMany(one => one.Points).Select(point => point.Time).Distinct().Order()];
        double[,] values = new double[rows.Length, times.Length];
        for (int row = 0; row < rows.Length; row++)
        {
            foreach ((double time, double value) in rows[row].Points)
            {
                values[row, Array.IndexOf(times, time)] = value;
            }
        }

        // Buckets count everything up to their boundary.
        for (int row = rows.Length - 1; isCumulative && row > 0; row--)
        {
            for (int i = 0; i < times.Length; i++)
            {
                values[row, i] = Math.Max(0, values[row, i] - values[row - 1, i]);
            }
        }

        int used = Enumerable.Range(0, rows.Length).LastOrDefault(row => Enumerable.Range(0, times.Length).Any(i => values[row, i] > 0)) + 1;
        double most = values.Cast<double>().DefaultIfEmpty(1).Max();
        (double left, double right, double top, double bottom) = (_x + 48, _x + _width - 60, _y + 26, _y + _height - 18);
        for (int row = 0; row < used; row++)
        {
            double height = (bottom - top) / used;
            for (int i = 0; i < times.Length; i++)
            {
                _svg.Rectangle(left + (right - left) * i / times.Length, bottom - height * (row + 1), (right - left) / times.Length - 0.5, height - 0.5, Shade(values[row, i] / most));
            }

            _svg.Text(left - 4, bottom - height * row - height / 2 + 3, rows[row].Name, 9, "end", "#777");
        }

        for (int i = 0; i <= 4; i++)
        {
            _svg.Rectangle(right + 8, bottom - (bottom - top) * (i + 1) / 5, 12, (bottom - top) / 5, Shade(i / 4.0));
            _svg.Text(right + 23, bottom - (bottom - top) * (i + 0.5) / 5 + 3, Format(most * i / 4), 9, "start", "#777");
        }
    }

    public void Number(List<PanelSeries> series)
    {
        (double Time, double Value)[] points = series.SelectMany(one => one.Points).ToArray();
        _svg.Text(_x + _width / 2, _y + _height / 2 + 6, points.Length == 0 ? "no data" : Format(points[^1].Value), 30, "middle", "#222", isBold: true);
        if (points.Length > 1)
        {
            double most = Math.Max(1e-12, points.Max(point => point.Value));
            double span = Math.Max(1, points[^1].Time - points[0].Time);
            _svg.Line(points.Select(point => (_x + 8 + (_width - 16) * (point.Time - points[0].Time) / span, _y + _height - 8 - 22 * point.Value / most)), Svg.Palette[0]);
        }
    }

    public void Bars(List<PanelSeries> series)
    {
        double most = Math.Max(Panel.Type == "gauge" ? 1 : 0, series.SelectMany(one => one.Points.TakeLast(1)).Select(point => point.Value).DefaultIfEmpty(1).Max());
        for (int i = 0; i < series.Count && series[i].Points.Length > 0; i++)
        {
            double y = _y + 32 + i * 21;
            double value = series[i].Points[^1].Value;
            _svg.Text(_x + 8, y + 11, series[i].Name, 9);
            double left = _x + _width * 0.5;
            double room = _width * 0.5 - 60;
            _svg.Rectangle(left, y, room, 14, "#eee");
            _svg.Rectangle(left, y, room * Math.Clamp(value / most, 0, 1), 14, Svg.Palette[2]);
            _svg.Text(_x + _width - 8, y + 11, Format(value), 10, "end", "#222");
        }
    }

    public void Table(List<PanelSeries> series)
    {
        double y = _y + 34;
        foreach (PanelSeries one in series)
        {
            foreach ((string label, string value) in one.Labels.Where(label => !label.Key.StartsWith("__", StringComparison.Ordinal) && !label.Key.StartsWith("otel", StringComparison.Ordinal)).OrderBy(label => label.Key))
            {
                _svg.Text(_x + 8, y, label, 9, "start", "#777");
                _svg.Text(_x + _width / 2, y, value, 9);
                y += 13;
            }
        }
    }

    public void States(List<PanelSeries> series)
    {
        double y = _y + 34;
        if (!series.Exists(one => one.Points.Length > 0))
        {
            Nothing();
        }

        foreach (PanelSeries one in series.Where(one => one.Points.Length > 0))
        {
            _svg.Text(_x + 8, y + 10, one.Name, 9);
            double left = _x + 190;
            double width = (_width - 200) / one.Points.Length;
            for (int i = 0; i < one.Points.Length; i++)
            {
                _svg.Rectangle(left + width * i, y, width, 16, one.Points[i].Value >= 1 ? Svg.Palette[2] : Svg.Palette[5]);
            }

            y += 24;
        }
    }

    private void Nothing() => _svg.Text(_x + _width / 2, _y + _height / 2, "no data", 11, "middle", "#999");

    // Where each name begins, and in which line.
    private (double X, int Line)[] Legend(PanelSeries[] shown)
    {
        (double place, int line) = (_x + 8, 0);
        (double X, int Line)[] places = new (double X, int Line)[shown.Length];
        for (int i = 0; i < shown.Length; i++)
        {
            double needed = 16 + 5.6 * shown[i].Name.Length;
            if (i > 0 && place + needed > _x + _width)
            {
                (place, line) = (_x + 8, line + 1);
            }

            places[i] = (place, line);
            place += needed;
        }

        return places;
    }

    private static string Shade(double share)
    {
        share = Math.Sqrt(Math.Clamp(share, 0, 1));
        int At(int from, int to) => (int)(from + (to - from) * share);
        return $"#{At(0xf0, 0x0b):x2}{At(0xf3, 0x3d):x2}{At(0xf7, 0x91):x2}";
    }

    private string Format(double value) => Panel.Unit switch
    {
        "percentunit" => string.Create(CultureInfo.InvariantCulture, $"{100 * value:0.#} %"),
        "s" => value < 1 ? string.Create(CultureInfo.InvariantCulture, $"{1000 * value:0.##} ms") : string.Create(CultureInfo.InvariantCulture, $"{value:0.##} s"),
        "bytes" => string.Create(CultureInfo.InvariantCulture, $"{value / (1 << 20):0.#} MiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{value:0.##}"),
    };
}
