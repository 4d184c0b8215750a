using System.Globalization;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace SpecDecode.Tool.Watch;

/// <summary>The figures of the models, as a table of a terminal or as a line each.</summary>
internal static class WatchView
{
    private const int BarWidth = 24;

    /// <summary>The figures as a terminal shows them.</summary>
    /// <param name="models">The models.</param>
    /// <param name="title">Where they come from.</param>
    /// <param name="problem">Why they are not of this moment; null where they are.</param>
    public static IRenderable Table(IReadOnlyList<WatchFigures> models, string title, string? problem)
    {
        List<IRenderable> parts = [new Markup($"[bold]{Markup.Escape(title)}[/]{(problem is null ? "" : $"  [red]{Markup.Escape(problem)}[/]")}")];
        foreach (WatchFigures figures in models)
        {
            Table table = new() { Border = TableBorder.Rounded, Title = new TableTitle(Markup.Escape(MetricsPage.Shown(figures.Model)) + (figures.IsReady ? "" : " [red](not ready)[/]")) };
            table.AddColumns("does it pay", "", "latency and load", "");
            foreach ((string, string, string, string) row in Rows(figures))
            {
                table.AddRow(new Markup(Markup.Escape(row.Item1)), new Markup(row.Item2), new Markup(Markup.Escape(row.Item3)), new Markup(row.Item4));
            }

            parts.Add(table);
            parts.Add(Bars("accepted up to position", [.. figures.AcceptanceByPosition.Select((share, position) => (position.ToString(CultureInfo.InvariantCulture), share))]));
            parts.Add(Bars("rounds", figures.Decisions));
        }

        return new Rows(parts);
    }

    /// <summary>The figures as a line, for a file or a pipe.</summary>
    public static string Line(WatchFigures figures, DateTimeOffset time)
    {
        string reasons = string.Join(' ', figures.Decisions.Select(decision => $"{decision.Reason} {Percent(decision.Share)}"));
        (double used, double reserved, double limit) = figures.Memory;
        (double failed, double refused) = figures.Errors;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{time:HH:mm:ss} {MetricsPage.Shown(figures.Model)}: speed-up {Number(figures.Speedup)}, accepted {Percent(figures.AcceptanceRate)}, {Number(figures.TokensPerRound)} tokens a round, wasted {Percent(figures.WastedTime)}; "
            + $"{Number(figures.TokensPerSecond)} tokens/s, first token {Seconds(figures.Quantile("gen_ai_server_time_to_first_token_seconds", 0.5))}, token {Seconds(figures.Quantile("gen_ai_server_time_per_output_token_seconds", 0.5))}; "
            + $"busy {Percent(figures.Utilisation)}, live {figures.Live:0}, waiting {figures.Waiting:0}, keys and values {Megabytes(used)}/{Megabytes(reserved)}/{Megabytes(limit)} MB; failed {failed:0}, refused {refused:0}; {(reasons.Length == 0 ? "no rounds" : reasons)}");
    }

    private static IEnumerable<(string, string, string, string)> Rows(WatchFigures figures)
    {
        (double used, double reserved, double limit) = figures.Memory;
        (double failed, double refused) = figures.Errors;
        yield return ("estimated speed-up", Colored(figures.Speedup, 0.97, 1.1, Number(figures.Speedup)), "output tokens/s", Number(figures.TokensPerSecond));
        yield return ("acceptance rate", Colored(figures.AcceptanceRate, 0.3, 0.6, Percent(figures.AcceptanceRate)), "prompt tokens/s", Number(figures.PromptTokensPerSecond));
        yield return ("tokens per round", Colored(figures.TokensPerRound, 1.2, 1.6, Number(figures.TokensPerRound)), "first token, median / 95 %", Pair(figures, "gen_ai_server_time_to_first_token_seconds"));
        yield return ("draft length", Number(figures.DraftLength), "per token, median / 95 %", Pair(figures, "gen_ai_server_time_per_output_token_seconds"));
        yield return ("wasted on rejected drafts", Colored(-figures.WastedTime, -0.4, -0.2, Percent(figures.WastedTime)), "queue, median / 95 %", Pair(figures, "specdecode_queue_duration_seconds"));
        yield return ("auto expects", Number(figures.ExpectedSpeedup), "engine busy", Colored(-figures.Utilisation, -0.97, -0.8, Percent(figures.Utilisation)));
        yield return (
            "its calibration error", Number(figures.CalibrationError), "live / waiting",
            string.Create(CultureInfo.InvariantCulture, $"{figures.Live:0} / {Colored(-figures.Waiting, -8, -0.5, figures.Waiting.ToString("0", CultureInfo.InvariantCulture))}"));
        yield return (
            "failed / refused", failed + refused > 0 ? string.Create(CultureInfo.InvariantCulture, $"[red]{failed:0} / {refused:0}[/]") : "0 / 0", "keys and values, MB: used / reserved / limit",
            $"{Megabytes(used)} / {Megabytes(reserved)} / {Megabytes(limit)}");
    }

    private static Grid Bars(string title, IReadOnlyList<(string Name, double Share)> bars)
    {
        Grid grid = new();
        grid.AddColumns(3);
        foreach (((string name, double share), int i) in bars.Select((bar, i) => (bar, i)))
        {
            int full = (int)Math.Round(BarWidth * Math.Clamp(share, 0, 1));
            grid.AddRow(new Markup(i == 0 ? title : ""), new Markup(Markup.Escape(MetricsPage.Shown(name))), new Markup($"[blue]{new string('█', full)}[/]{new string('·', BarWidth - full)} {Percent(share)}"));
        }

        return grid;
    }

    private static string Pair(WatchFigures figures, string histogram) => $"{Seconds(figures.Quantile(histogram, 0.5))} / {Seconds(figures.Quantile(histogram, 0.95))}";

    // Red below the one, green above the other.
    private static string Colored(double? value, double bad, double good, string text) =>
        value is not { } number ? text : number < bad ? $"[red]{text}[/]" : number >= good ? $"[green]{text}[/]" : $"[yellow]{text}[/]";

    private static string Number(double? value) => value?.ToString("0.##", CultureInfo.InvariantCulture) ?? "-";

    private static string Percent(double? value) => value is { } share ? (100 * share).ToString("0.#", CultureInfo.InvariantCulture) + "%" : "-";

    private static string Seconds(double? value) => value switch
    {
        null => "-",
        < 1 => (1000 * value.Value).ToString("0.#", CultureInfo.InvariantCulture) + " ms",
        _ => value.Value.ToString("0.##", CultureInfo.InvariantCulture) + " s",
    };

    private static string Megabytes(double bytes) => (bytes / (1 << 20)).ToString("0.#", CultureInfo.InvariantCulture);
}
