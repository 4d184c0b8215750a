using System.Diagnostics;

namespace SpecDecode.Tests.Hosting;

/// <summary>ONNX Runtime has one environment in a process, so each of these runs in a process of its own.</summary>
public sealed class ForeignEnvironmentTests
{
    [Fact]
    public async Task Without_an_environment_of_the_applications_there_is_one_pool_and_no_warning()
    {
        string[] lines = await Run("ours");
        Assert.DoesNotContain(lines, line => line.StartsWith("warning: The application", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("tokens: ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_second_model_that_asks_for_another_number_of_threads_is_refused_with_the_mend()
    {
        string[] lines = await Run("ours");
        Assert.Contains(lines, line => line.StartsWith("error: Threads is 1, but an earlier model", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("pool", "with a thread pool of its own")]
    [InlineData("no-pool", "without a thread pool")]
    public async Task In_an_applications_environment_the_model_runs_says_so_and_writes_the_same(string mode, string warning)
    {
        string[] lines = await Run(mode);
        Assert.Contains(lines, line => line.StartsWith("warning: ", StringComparison.Ordinal) && line.Contains(warning, StringComparison.Ordinal));
        Assert.Contains((await Run("ours")).Single(line => line.StartsWith("tokens: ", StringComparison.Ordinal)), lines);
    }

    private static async Task<string[]> Run(string mode)
    {
        ProcessStartInfo start = new("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in (string[])[
            Path.Combine(AppContext.BaseDirectory, "SpecDecode.HostProbe.dll"),
            Path.Combine(TestFolders.Fixtures, "llama_base"), TestFolders.WeightCache, mode])
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, output + await error);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }
}
