using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace SpecDecode.Tests.Packages;

/// <summary>
/// A program that is run as a person would run it: without what the test run has set for itself, and without leaving anything running.
/// It is ended, with what it has started, when the test ends or its time is over.
/// </summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    // Far beyond what anything here takes: machines are shared.
    private static readonly TimeSpan MostTime = TimeSpan.FromMinutes(10);

    // What says where .NET is and what the machine lacks; the rest is about one run.
    private static readonly string[] OfTheMachine = ["DOTNET_CLI_HOME", "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"];

    private static readonly (string Name, string Value)[] Quiet =
    [
        ("DOTNET_ROOT", Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."))),
        ("DOTNET_NOLOGO", "1"),
        ("DOTNET_CLI_TELEMETRY_OPTOUT", "1"),
        ("DOTNET_CLI_WORKLOAD_UPDATE_NOTIFY_DISABLE", "1"),
        ("DOTNET_CLI_UI_LANGUAGE", "en"),
        ("DOTNET_GENERATE_ASPNET_CERTIFICATE", "0"),
        ("DOTNET_CLI_USE_MSBUILD_SERVER", "0"),
        ("MSBUILDDISABLENODEREUSE", "1"),
        ("UseSharedCompilation", "false"),
    ];

    private readonly Process _process;
    private readonly CancellationTokenSource _end;
    private readonly StringBuilder _output = new();
    private readonly Task _outputEnd;
    private readonly Task<string> _error;

    private ChildProcess(ProcessStartInfo start, Action<string> read)
    {
        _process = Process.Start(start)!;
        _end = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        _end.Token.Register(Kill);
        _end.CancelAfter(MostTime);
        _error = _process.StandardError.ReadToEndAsync(CancellationToken.None);
        _outputEnd = Read(read);
    }

    /// <summary>Starts a program.</summary>
    /// <param name="folder">Where it runs.</param>
    /// <param name="read">Told each line that it writes.</param>
    /// <param name="program">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    public static ChildProcess Start(string folder, Action<string> read, string program, params IEnumerable<string> arguments)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        string[] left = [.. start.Environment.Keys.Where(name => IsOfTheRun(name) && !OfTheMachine.Contains(name))];
        foreach (string name in left)
        {
            start.Environment.Remove(name);
        }

        foreach ((string name, string value) in Quiet)
        {
            start.Environment[name] = value;
        }

        return new ChildProcess(start, read);
    }

    /// <summary>Runs a program to its end.</summary>
    public static async Task<Run> RunAsync(string folder, string program, params IEnumerable<string> arguments)
    {
        await using ChildProcess child = Start(folder, _ => { }, program, arguments);
        return await child.WaitForExitAsync();
    }

    /// <summary>Waits for its end.</summary>
    public async Task<Run> WaitForExitAsync()
    {
        await _outputEnd;
        string error = await _error;
        await _process.WaitForExitAsync(CancellationToken.None);
        Assert.False(_end.IsCancellationRequested, $"'{_process.StartInfo.FileName}' was ended before it was done.\n{_output}\n{error}");
        return new Run(_process.ExitCode, _output.ToString(), error);
    }

    public async ValueTask DisposeAsync()
    {
        Kill();
        await _process.WaitForExitAsync(CancellationToken.None);
        await _outputEnd;
        _process.Dispose();
        _end.Dispose();
    }

    private static bool IsOfTheRun(string name) =>
        ((string[])["DOTNET_", "MSBUILD", "COMPlus_", "CORECLR_", "ASPNETCORE_", "TESTINGPLATFORM_", "VSTEST", "NUGET_PACKAGES", "NUGET_FALLBACK_PACKAGES", "Logging__", "SpecDecode__"])
            .Any(start => name.StartsWith(start, StringComparison.OrdinalIgnoreCase));

    private void Kill()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }
    }

    private async Task Read(Action<string> read)
    {
        while (await _process.StandardOutput.ReadLineAsync(CancellationToken.None) is { } line)
        {
            _output.Append(line).Append('\n');
            read(line);
        }
    }
}

/// <summary>How a program ended, and what it wrote.</summary>
internal sealed record Run(int ExitCode, string Output, string Error)
{
    /// <summary>The output of a program that succeeded.</summary>
    public string Succeeded()
    {
        Assert.True(ExitCode == 0, $"Exit code {ExitCode}.\n{Output}\n{Error}");
        return Output;
    }
}
