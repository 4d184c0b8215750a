using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace SpecDecode.Tests.Hosting;

/// <summary>The sample as a stranger starts it: a process of its own, with another setting on the command line here and there.</summary>
public class QuickStartTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_tells_the_story_and_ends_with_the_table()
    {
        using Process process = Start(["dotnet"], "MaxTokens=40");
        (int exitCode, string output, string error) = await End(process);
        Assert.True(exitCode == 0, output + error);
        Assert.Equal("", error);
        Assert.StartsWith("Once upon a time, there was a little bird who could not sing.", output, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', output);
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        Assert.Matches(@"^plain +[\d.]+ tokens/s$", lines[^6]);
        Assert.Matches(@"^speculative +[\d.]+ tokens/s, [\d.]+ times as fast$", lines[^5]);
        Assert.Matches(@"^same text +yes$", lines[^4]);
        Assert.Matches(@"^acceptance rate +\d+ ?% of \d+ drafted tokens$", lines[^3]);
        Assert.Matches(@"^tokens a round +[\d.]+$", lines[^2]);
        Assert.Matches(@"^accepted by position +1: \d+  2: \d+", lines[^1]);
    }

    [Theory]
    [InlineData("Model:Path=nowhere", "does not exist")]
    [InlineData("Drafting:ExitLayer=13", "SpecDecode:Drafting:ExitLayer is 13, but the model has 12 layers: give 1 to 12.")]
    [InlineData("Drafting:DraftLength=-1", "SpecDecode:Drafting:DraftLength is -1: give 1 to 64, or Strategy none to draft nothing.")]
    [InlineData("Drafting:Strategy=turbo", "SpecDecode:Drafting:Strategy is 'turbo': give one of none, auto, early-exit, layer-skip, lookup, swift.")]
    [InlineData("Runtime:ExecutionProvider=cuda", "SpecDecode:Runtime:ExecutionProvider is 'cuda', but the application's native ONNX Runtime has no CUDA in it")]
    public async Task A_wrong_setting_ends_it_with_one_sentence_on_stderr(string setting, string sentence)
    {
        using Process process = Start(["dotnet"], setting);
        (int exitCode, string output, string error) = await End(process);
        Assert.Equal((1, ""), (exitCode, output));
        Assert.Contains(sentence, error, StringComparison.Ordinal);
        Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task Ctrl_C_in_the_middle_of_the_story_ends_it_without_a_trace()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The signal is sent with 'kill', which is not there.");

        // Processes that are started in the background inherit that SIGINT is ignored; 'env' undoes that. Long drafts of a single layer
        // make a story that takes its time.
        using Process process = Start(
            ["env", "--default-signal=INT", "dotnet"], "MaxTokens=900", "Drafting:ExitLayer=1", "Drafting:DraftLength=64", "Drafting:Threshold=0");
        StringBuilder output = new();
        while (output.Length < 100)
        {
            int letter = process.StandardOutput.Read();
            Assert.True(letter >= 0, $"It ended by itself: {output}");
            output.Append((char)letter);
        }

        using (Process kill = Process.Start("kill", ["-INT", process.Id.ToString(CultureInfo.InvariantCulture)]))
        {
            await kill.WaitForExitAsync(Cancellation);
        }

        (int exitCode, string rest, string error) = await End(process);
        Assert.Equal((130, ""), (exitCode, error));
        Assert.DoesNotContain("   at ", rest, StringComparison.Ordinal);
        Assert.DoesNotContain("tokens/s", rest, StringComparison.Ordinal);
    }

    private static Process Start(string[] command, params string[] settings)
    {
        ProcessStartInfo start = new(command[0]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in (string[])[
            .. command[1..], Path.Combine(AppContext.BaseDirectory, "QuickStart.dll"),
            $"--SpecDecode:Model:CacheFolder={TestFolders.WeightCache}", .. settings.Select(setting => $"--SpecDecode:{setting}")])
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }

    private static async Task<(int ExitCode, string Output, string Error)> End(Process process)
    {
        Task<string> error = process.StandardError.ReadToEndAsync(Cancellation);
        string output = await process.StandardOutput.ReadToEndAsync(Cancellation);
        await process.WaitForExitAsync(Cancellation);
        return (process.ExitCode, output, await error);
    }
}
