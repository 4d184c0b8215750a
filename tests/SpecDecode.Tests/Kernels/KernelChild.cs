using System.Diagnostics;

namespace SpecDecode.Tests.Kernels;

/// <summary>These tests' own program as another process, in which <see cref="KernelChecks"/> runs with other settings of .NET.</summary>
internal static class KernelChild
{
    /// <summary>Set where buffers end where memory does.</summary>
    public const string GuardVariable = "SPECDECODE_TEST_GUARDED_BUFFERS";

    /// <summary>Names the file that takes what the process says of itself.</summary>
    public const string ReportVariable = "SPECDECODE_TEST_KERNEL_REPORT";

    /// <summary>Runs the checks.</summary>
    /// <param name="settings">Environment variables.</param>
    /// <returns>The name of the instruction set that its kernels used, and a hash of all results.</returns>
    public static async Task<(string Set, string Hash)> Run(params (string Name, string Value)[] settings)
    {
        using TemporaryFolder folder = new();
        string report = folder.File("report");
        ProcessStartInfo start = new(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            [Path.Combine(AppContext.BaseDirectory, "SpecDecode.Tests.dll"), "-class", typeof(KernelChecks).FullName!, "-noColor"])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        start.Environment[ReportVariable] = report;
        foreach ((string name, string value) in settings)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0 && File.Exists(report), $"Exit code {process.ExitCode}: {output}{await error}");
        string[] lines = await File.ReadAllLinesAsync(report, TestContext.Current.CancellationToken);
        return (lines[0], lines[1]);
    }
}
