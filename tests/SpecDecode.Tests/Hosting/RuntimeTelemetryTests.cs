using System.Diagnostics;

namespace SpecDecode.Tests.Hosting;

/// <summary>
/// Nothing leaves the machine: ONNX Runtime's official builds queue telemetry below the user's home unless told not to, before
/// anything is called. Each test is a process of its own with an empty home, without the variables of build servers, on which
/// ONNX Runtime is silent by itself.
/// </summary>
public sealed class RuntimeTelemetryTests : IDisposable
{
    private static readonly string[] BuildServers =
        ["CI", "TF_BUILD", "GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL", "TEAMCITY_VERSION", "TRAVIS", "CIRCLECI", "APPVEYOR", "BUILDKITE", "CODEBUILD_BUILD_ID", "BUILD_ID"];

    private readonly TemporaryFolder _home = new();

    public void Dispose() => _home.Dispose();

    [Fact]
    public async Task A_model_that_is_loaded_and_run_leaves_nothing_behind_for_telemetry() => Assert.Empty(await Left("ours"));

    [Fact]
    public async Task Where_the_option_allows_it_telemetry_is_left_to_ONNX_Runtime()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere ONNX Runtime keeps its events in other places.");
        Assert.NotEmpty(await Left("telemetry"));
    }

    [Fact]
    public async Task A_variable_of_the_process_holds_though_the_option_allows_it() => Assert.Empty(await Left("telemetry", isForbidden: true));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task In_an_applications_environment_that_may_send_telemetry_a_warning_says_so(bool isForbidden)
    {
        string output = await Run("no-pool", isForbidden);
        Assert.Equal(!isForbidden, output.Contains("whose own telemetry may be on", StringComparison.Ordinal));
    }

    private async Task<string[]> Left(string mode, bool isForbidden = false)
    {
        await Run(mode, isForbidden);
        return [.. Directory.EnumerateFiles(_home.Path, "*", SearchOption.AllDirectories).Where(file => file.Contains("onnxruntime", StringComparison.OrdinalIgnoreCase))];
    }

    private async Task<string> Run(string mode, bool isForbidden)
    {
        ProcessStartInfo start = new("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in (string[])[
            Path.Combine(AppContext.BaseDirectory, "SpecDecode.HostProbe.dll"),
            Path.Combine(TestFolders.Fixtures, "llama_base"), TestFolders.WeightCache, mode])
        {
            start.ArgumentList.Add(argument);
        }

        foreach (string name in (string[])[.. BuildServers, "ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"])
        {
            start.Environment.Remove(name);
        }

        start.Environment["HOME"] = _home.Path;
        if (isForbidden)
        {
            start.Environment["ORT_DISABLE_TELEMETRY"] = "1";
        }

        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, output + await error);
        return output;
    }
}
