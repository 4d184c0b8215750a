using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Reflection;
using System.Text.Json;

namespace SpecDecode.Tests.Samples;

/// <summary>The sample service as a process of its own, on a free port of this machine; ended with the test, whatever happens.</summary>
internal sealed class ServiceProcess : IAsyncDisposable
{
    // No test takes so long, on no machine: what does hangs. Its test then fails by name, and no process outlives it.
    private static readonly TimeSpan MostTime = TimeSpan.FromMinutes(10 + TestScale.LoadMinutes);

    private readonly Process _process;
    private readonly Task<string> _error;
    private readonly TaskCompletionSource<Uri?> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _output;
    private readonly CancellationTokenSource _end = new(MostTime);
    private volatile bool _isOverdue;

    private ServiceProcess(string[] launcher, string[] options)
    {
        string program = Metadata("Service")!;
        string[] caches = [.. (Metadata("CacheKeys") ?? "SpecDecode:Model:CacheFolder").Split(' ').Select(key => $"--{key}={TestFolders.WeightCache}")];
        Assert.True(File.Exists(program), $"{program} is not there: build the solution.");
        ProcessStartInfo start = new(launcher.FirstOrDefault("dotnet")) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in (string[])[.. launcher.Length > 0 ? [.. launcher[1..], "dotnet"] : Array.Empty<string>(), program, .. caches, "--urls=http://127.0.0.1:0", .. options])
        {
            start.ArgumentList.Add(argument);
        }

        _process = Process.Start(start)!;
        _end.Token.Register(() =>
        {
            _isOverdue = true;
            Kill();
        });
        _error = _process.StandardError.ReadToEndAsync();
        _output = ReadOutput();
    }

    private static string? Metadata(string key) =>
        typeof(ServiceProcess).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().SingleOrDefault(data => data.Key == key)?.Value;

    public int Id => _process.Id;

    public HttpClient Client { get; } = new() { Timeout = MostTime };

    /// <summary>Starts a service and waits until it listens.</summary>
    public static Task<ServiceProcess> StartAsync(params string[] options) => StartAsync([], options);

    /// <summary>Starts a service by another program, which becomes it, and waits until it listens.</summary>
    public static async Task<ServiceProcess> StartAsync(string[] launcher, string[] options)
    {
        ServiceProcess service = new(launcher, options);
        Uri? address = await service._address.Task;
        if (address is null)
        {
            (int code, string error) = await service.WaitForExitAsync();
            await service.DisposeAsync();
            Assert.Fail($"The service has not started: exit code {code}, {error}");
        }

        service.Client.BaseAddress = address;
        return service;
    }

    /// <summary>Starts a service that ends by itself; its exit code and what it says on stderr.</summary>
    public static Task<(int ExitCode, string Error)> RunAsync(params string[] options) => RunAsync([], options);

    /// <summary>The same by another program, which becomes it.</summary>
    public static async Task<(int ExitCode, string Error)> RunAsync(string[] launcher, string[] options)
    {
        await using ServiceProcess service = new(launcher, options);
        return await service.WaitForExitAsync();
    }

    public async Task<(int ExitCode, string Error)> WaitForExitAsync()
    {
        string error = await _error;
        await _output;
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (_process.ExitCode, error);
    }

    /// <summary>Asks the process to end.</summary>
    public async Task Terminate()
    {
        using Process kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Asks for a text; the response once it has begun.</summary>
    public Task<HttpResponseMessage> Ask(object body) => Client.SendAsync(
        new HttpRequestMessage(HttpMethod.Post, "/generate") { Content = JsonContent.Create(body) }, HttpCompletionOption.ResponseHeadersRead,
        TestContext.Current.CancellationToken);

    /// <summary>The events of a stream, as they come.</summary>
    public static async IAsyncEnumerable<(string Event, JsonElement Data)> Events(HttpResponseMessage response)
    {
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        using StreamReader reader = new(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        string name = "";
        while (await reader.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            if (line.StartsWith("event: ", StringComparison.Ordinal))
            {
                name = line[7..];
            }
            else if (line.StartsWith("data: ", StringComparison.Ordinal))
            {
                yield return (name, JsonElement.Parse(line[6..]));
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        Kill();
        await _process.WaitForExitAsync(CancellationToken.None);
        await _output;
        _process.Dispose();
        _end.Dispose();
        Client.Dispose();
        Assert.False(_isOverdue, $"The service ran for {MostTime.TotalMinutes} minutes and was ended: its test hangs.");
    }

    private void Kill()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }
    }

    private async Task ReadOutput()
    {
        const string Listening = "Now listening on: ";
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.Contains(Listening, StringComparison.Ordinal))
            {
                _address.TrySetResult(new Uri(line.Trim()[Listening.Length..]));
            }
        }

        _address.TrySetResult(null);
    }
}
