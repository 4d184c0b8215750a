using System.Globalization;
using System.Net;
using SpecDecode.Tests.Dashboards;
using SpecDecode.Tests.Samples;
using SpecDecode.Tool.Watch;
using Spectre.Console;

namespace SpecDecode.Tests.Tool;

public class WatchCommandTests
{
    private static readonly Uri Address = new("http://127.0.0.1:1/metrics");

    private const string First = """
        # TYPE specdecode_rounds_total counter
        specdecode_rounds_total{gen_ai_request_model="m"} 10 1719999999999
        specdecode_rounds_output_tokens_total{gen_ai_request_model="m"} 20
        specdecode_output_tokens_total{gen_ai_request_model="m"} 30
        specdecode_draft_rounds_total{gen_ai_request_model="m"} 5
        specdecode_draft_drafted_tokens_total{gen_ai_request_model="m"} 20
        specdecode_draft_accepted_tokens_total{gen_ai_request_model="m",specdecode_draft_position="0"} 4
        specdecode_draft_accepted_tokens_total{gen_ai_request_model="m",specdecode_draft_position="1"} 1
        gen_ai_server_time_to_first_token_seconds_bucket{gen_ai_request_model="m",le="0.1"} 2
        gen_ai_server_time_to_first_token_seconds_bucket{gen_ai_request_model="m",le="0.2"} 2
        gen_ai_server_time_to_first_token_seconds_bucket{gen_ai_request_model="m",le="+Inf"} 2 # {trace_id="a"} 0.05
        specdecode_model_ready{gen_ai_request_model="m"} 1
        """;

    private const string Second = """
        specdecode_rounds_total{gen_ai_request_model="m"} 30
        specdecode_rounds_total{gen_ai_request_model="other"} 7
        specdecode_rounds_output_tokens_total{gen_ai_request_model="m"} 80
        specdecode_output_tokens_total{gen_ai_request_model="m"} 130
        specdecode_draft_rounds_total{gen_ai_request_model="m"} 15
        specdecode_draft_drafted_tokens_total{gen_ai_request_model="m"} 60
        specdecode_draft_accepted_tokens_total{gen_ai_request_model="m",specdecode_draft_position="0"} 12
        specdecode_draft_accepted_tokens_total{gen_ai_request_model="m",specdecode_draft_position="1"} 5
        specdecode_draft_decisions_total{gen_ai_request_model="m",specdecode_draft_reason="drafted"} 15
        specdecode_draft_decisions_total{gen_ai_request_model="m",specdecode_draft_reason="busy"} 5
        specdecode_draft_decisions_total{gen_ai_request_model="m",specdecode_draft_reason="failed"} 0
        specdecode_speedup_plain_time_seconds_total{gen_ai_request_model="m"} 3
        specdecode_speedup_step_time_seconds_total{gen_ai_request_model="m"} 2
        gen_ai_server_time_to_first_token_seconds_bucket{gen_ai_request_model="m",le="0.1"} 6
        gen_ai_server_time_to_first_token_seconds_bucket{gen_ai_request_model="m",le="0.2"} 10
        gen_ai_server_time_to_first_token_seconds_bucket{gen_ai_request_model="m",le="+Inf"} 10
        specdecode_model_ready{gen_ai_request_model="m"} 0
        """;

    [Fact]
    public void Figures_are_of_the_time_between_two_looks()
    {
        WatchFigures figures = new(MetricsPage.Read(Second, Address), MetricsPage.Read(First, Address), "m", TimeSpan.FromSeconds(4));
        Assert.Equal(25, figures.TokensPerSecond);
        Assert.Equal(3, figures.TokensPerRound);
        Assert.Equal(0.3, figures.AcceptanceRate);
        Assert.Equal(4, figures.DraftLength);
        Assert.Equal(1.5, figures.Speedup);
        Assert.Equal([0.8, 0.4], figures.AcceptanceByPosition);
        Assert.Equal([("drafted", 0.75), ("busy", 0.25)], figures.Decisions);
        Assert.False(figures.IsReady);

        // Of eight measurements four are below 100 ms, and four between that and 200.
        Assert.Equal(0.1, figures.Quantile("gen_ai_server_time_to_first_token_seconds", 0.5)!.Value, 9);
        Assert.Equal(0.15, figures.Quantile("gen_ai_server_time_to_first_token_seconds", 0.75)!.Value, 9);
        Assert.Null(figures.Quantile("specdecode_queue_duration_seconds", 0.5));
        Assert.Null(figures.WastedTime);
        Assert.Equal(["m", "other"], WatchFigures.Models(MetricsPage.Read(Second, Address)));
    }

    [Fact]
    public void The_first_look_has_ratios_and_no_rates_and_a_service_that_began_anew_is_no_negative_number()
    {
        WatchFigures first = new(MetricsPage.Read(First, Address), null, "m", TimeSpan.Zero);
        Assert.Null(first.TokensPerSecond);
        Assert.Equal(0.25, first.AcceptanceRate);
        Assert.True(first.IsReady);
        WatchFigures restarted = new(MetricsPage.Read(First, Address), MetricsPage.Read(Second, Address), "m", TimeSpan.FromSeconds(10));
        Assert.Equal(3, restarted.TokensPerSecond);
    }

    [Fact]
    public void A_terminal_shows_every_figure_and_obeys_no_name_of_a_model()
    {
        string page = Second.Replace("\"m\"", "\"[red]m\\n\u001b[2J\"", StringComparison.Ordinal);
        MetricsPage read = MetricsPage.Read(page, Address);
        using StringWriter output = new();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(output) });
        console.Profile.Width = 140;
        console.Write(WatchView.Table([.. WatchFigures.Models(read).Where(model => model != "other").Select(model => new WatchFigures(read, null, model, TimeSpan.Zero))], "there", "not [reached]"));
        string shown = output.ToString();
        Assert.Contains("[red]m??[2J (not ready)", shown, StringComparison.Ordinal);
        Assert.Contains("not [reached]", shown, StringComparison.Ordinal);
        Assert.All(
            ["estimated speed-up", "1.5", "acceptance rate", "28.3%", "accepted up to position", "drafted", "75%", "keys and values, MB"], text => Assert.Contains(text, shown, StringComparison.Ordinal));
        Assert.DoesNotContain('\u001b', shown);
    }

    [Theory]
    [InlineData("<html>\nno metrics", "answers no page of metrics: line 1 is '<html>'")]
    [InlineData("a{b=\"c} 1", "answers no page of metrics: line 1 is 'a{b=\"c} 1'")]
    [InlineData("a 1\nb", "line 2 is 'b'")]
    [InlineData("a one", "line 1 is 'a one'")]
    public void What_is_no_page_of_metrics_is_said_with_its_line(string page, string sentence) =>
        Assert.Contains(sentence, Assert.Throws<SpecDecodeException>(() => MetricsPage.Read(page, Address)).Message, StringComparison.Ordinal);

    [Fact]
    public async Task A_service_is_watched_and_what_cannot_be_is_refused_with_a_sentence()
    {
        await using ServiceProcess service = await ServiceProcess.StartAsync("--SpecDecode:Runtime:Threads=1");
        Assert.True(await MixedLoad.Run(service.Client, TimeSpan.FromSeconds(1.5), 3, until: TestContext.Current.CancellationToken) > 0);
        string url = service.Client.BaseAddress!.ToString();
        ToolRun run = await Task.Run(() => ToolRun.Of("watch", "--url", url, "--count", "2", "--interval", "0.5"), TestContext.Current.CancellationToken);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        string[] lines = run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        Assert.Matches(@"^\d\d:\d\d:\d\d tales-10m: speed-up [0-9.]+, accepted [0-9.]+%, [0-9.]+ tokens a round, wasted [0-9.]+%; - tokens/s, first token [0-9.]+ ms, token [0-9.]+ ms; ", lines[0]);
        Assert.Contains("drafted ", lines[0], StringComparison.Ordinal);
        Assert.Contains("; 0 tokens/s", lines[1], StringComparison.Ordinal);

        foreach ((string[] arguments, string sentence) in ((string[], string)[])
        [
            (["--url", "metrics"], "--url is 'metrics', which is no address: give one such as http://127.0.0.1:5080/metrics."),
            (["--url", url + "nothing"], $"{url}nothing answers 404: give the address of an endpoint for Prometheus, such as http://127.0.0.1:5080/metrics."),
            (["--url", url, "--model", "other"], $"{url}metrics has no model 'other': it has tales-10m."),
            (["--url", $"http://127.0.0.1:{Prometheus.FreePort()}/metrics"], "cannot be read ("),
        ])
        {
            run = await Task.Run(() => ToolRun.Of(["watch", .. arguments, "--count", "1"]), TestContext.Current.CancellationToken);
            Assert.Equal((1, ""), (run.ExitCode, run.Output));
            Assert.Contains(sentence, run.Error, StringComparison.Ordinal);
        }

        run = ToolRun.Of("watch", "--url", url, "--interval", "0.1");
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("--interval is '0.1'; give 0.5 to 3600 seconds.", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_endpoint_without_metrics_of_this_library_is_no_mistake_of_the_page()
    {
        using HttpListener listener = new();
        int port = Prometheus.FreePort();
        listener.Prefixes.Add(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/"));
        listener.Start();
        Task answering = Task.Run(async () =>
        {
            HttpListenerContext context = await listener.GetContextAsync();
            await context.Response.OutputStream.WriteAsync("up 1\n"u8.ToArray());
            context.Response.Close();
        }, TestContext.Current.CancellationToken);
        ToolRun run = await Task.Run(() => ToolRun.Of("watch", "--url", $"http://127.0.0.1:{port}"), TestContext.Current.CancellationToken);
        await answering;
        Assert.Equal(1, run.ExitCode);
        Assert.Contains($"http://127.0.0.1:{port}/metrics has no metrics of SpecDecode", run.Error, StringComparison.Ordinal);
    }
}
