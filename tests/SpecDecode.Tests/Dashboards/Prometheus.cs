using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace SpecDecode.Tests.Dashboards;

/// <summary>
/// A real Prometheus on this machine, which scrapes one address of it; ended with the test. Its programs are looked for in the folder that
/// SPECDECODE_TEST_PROMETHEUS names, and in the path.
/// </summary>
internal sealed class Prometheus : IAsyncDisposable
{
    public const string Job = "specdecode";

    private readonly TemporaryFolder _folder;
    private readonly HttpClient _client;
    private readonly Process _process;
    private readonly Task<string> _error;

    private Prometheus(TemporaryFolder folder, Process process, Uri address)
    {
        _folder = folder;
        _process = process;
        _error = process.StandardError.ReadToEndAsync();
        _client = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromSeconds(30) };
    }

    /// <summary>Skips the test where there is none.</summary>
    public static void SkipWithout() => Assert.SkipUnless(
        Find("prometheus") is not null && Find("promtool") is not null, "There are no prometheus and promtool (Debian's package prometheus); SPECDECODE_TEST_PROMETHEUS may name their folder.");

    /// <summary>A port of this machine that is free now.</summary>
    public static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Runs promtool; its exit code and what it says.</summary>
    public static async Task<(int ExitCode, string Output)> Promtool(params string[] arguments)
    {
        ProcessStartInfo start = new(Find("promtool")!, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = GrafanaDashboard.Folder };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, output + await error);
    }

    /// <summary>Starts one that scrapes a port of this machine every second, with the rules of the samples over shorter times.</summary>
    public static async Task<Prometheus> StartAsync(int target, int windowSeconds, int holdSeconds)
    {
        TemporaryFolder folder = new();
        foreach (string rules in RuleFile.Names)
        {
            await File.WriteAllTextAsync(folder.File(rules), RuleFile.Hurried(rules, windowSeconds, holdSeconds), TestContext.Current.CancellationToken);
        }

        await File.WriteAllTextAsync(
            folder.File("prometheus.yml"),
            $"""
            global: {"{"} scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s {"}"}
            rule_files: [{string.Join(", ", RuleFile.Names)}]
            scrape_configs:
              - job_name: {Job}
                static_configs: [{"{"} targets: ['127.0.0.1:{target}'] {"}"}]

            """,
            TestContext.Current.CancellationToken);
        int port = FreePort();
        ProcessStartInfo start = new(Find("prometheus")!)
        {
            ArgumentList =
            {
                $"--config.file={folder.File("prometheus.yml")}", $"--storage.tsdb.path={folder.File("data")}", $"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
            },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        Prometheus prometheus = new(folder, Process.Start(start)!, new Uri($"http://127.0.0.1:{port}"));
        await prometheus.UntilAsync(async () =>
        {
            try
            {
                using HttpResponseMessage ready = await prometheus._client.GetAsync(new Uri("/-/ready", UriKind.Relative), TestContext.Current.CancellationToken);
                return ready.IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        }, "Prometheus does not come to be ready");
        return prometheus;
    }

    /// <summary>Evaluates an expression now.</summary>
    public Task<JsonElement[]> Query(string expression) => Get($"/api/v1/query?query={Uri.EscapeDataString(expression)}");

    /// <summary>Evaluates an expression over the last seconds.</summary>
    public Task<JsonElement[]> QueryRange(string expression, DateTimeOffset end, int seconds, int step) => Get(string.Create(
        CultureInfo.InvariantCulture,
        $"/api/v1/query_range?query={Uri.EscapeDataString(expression)}&start={end.ToUnixTimeSeconds() - seconds}&end={end.ToUnixTimeSeconds()}&step={step}"));

    /// <summary>Every rule as Prometheus evaluates it.</summary>
    public async Task<JsonElement[]> Rules()
    {
        JsonElement data = await Data("/api/v1/rules");
        return [.. data.GetProperty("groups").EnumerateArray().SelectMany(group => group.GetProperty("rules").EnumerateArray())];
    }

    /// <summary>The alerts that fire now.</summary>
    public async Task<HashSet<string>> Firing() => [.. (await Rules())
        .Where(rule => rule.GetProperty("type").GetString() == "alerting" && rule.GetProperty("state").GetString() == "firing")
        .Select(rule => rule.GetProperty("name").GetString()!)];

    /// <summary>Waits until something holds, a minute at most.</summary>
    public async Task UntilAsync(Func<Task<bool>> holds, string or)
    {
        long start = Stopwatch.GetTimestamp();
        while (!await holds())
        {
            Assert.False(_process.HasExited, $"Prometheus has ended: {(_process.HasExited ? await _error : "")}");
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(60), or + ".");
            await Task.Delay(200, TestContext.Current.CancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
        _client.Dispose();
        _folder.Dispose();
    }

    private static string? Find(string program) => new[] { Environment.GetEnvironmentVariable("SPECDECODE_TEST_PROMETHEUS") ?? "" }
        .Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator))
        .Where(folder => folder.Length > 0)
        .Select(folder => Path.Combine(folder, program))
        .FirstOrDefault(File.Exists);

    private async Task<JsonElement[]> Get(string path) => [.. (await Data(path)).GetProperty("result").EnumerateArray()];

    private async Task<JsonElement> Data(string path)
    {
        using HttpResponseMessage response = await _client.GetAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);
        string body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, $"{Uri.UnescapeDataString(path)}: {body}");
        JsonElement answer = JsonElement.Parse(body);
        Assert.Equal("success", answer.GetProperty("status").GetString());
        Assert.False(answer.TryGetProperty("warnings", out JsonElement warnings), $"{Uri.UnescapeDataString(path)}: {warnings}");
        return answer.GetProperty("data");
    }
}
