using System.Diagnostics;
using System.Globalization;

namespace SpecDecode.Tests.Tool;

/// <summary>Ctrl+C as a terminal sends it, to a real process.</summary>
public sealed class SignalTests : IDisposable
{
    private readonly FixtureCheckpoint _model = new();

    public void Dispose() => _model.Dispose();

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    public async Task A_signal_ends_the_text_prints_what_there_is_and_tells_in_the_exit_code(string signal, int exitCode)
    {
        string[] arguments = ["generate", "--model", FixtureCheckpoint.Tales, "--cache-folder", _model.Cache, "--prompt", "Once", "--max-tokens", "1000", "--ignore-eos"];
        using Process process = Start(arguments);
        string first = ((char)process.StandardOutput.Read()).ToString();
        await Send(process, signal);
        ToolRun run = await ToolRun.End(process);

        Assert.Equal(exitCode, run.ExitCode);
        string output = first + run.Output;
        Assert.EndsWith("\n", output, StringComparison.Ordinal);
        ToolRun whole = ToolRun.Of(arguments);
        Assert.InRange(output.Length, 2, whole.Output.Length - 1);
        Assert.StartsWith(output.TrimEnd('\n'), whole.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_signal_while_a_bench_runs_is_exit_code_130()
    {
        string prompts = _model.Beside("prompts.txt");
        await File.WriteAllLinesAsync(prompts, Enumerable.Repeat("Once upon a time", 2000), TestContext.Current.CancellationToken);
        using Process process = Start(
            "bench", "--model", FixtureCheckpoint.Tales, "--cache-folder", _model.Cache, "--prompts", prompts, "--max-tokens", "900", "--sweep", "--sweep-exit-layers", "1");
        await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);
        await Send(process, "INT");
        ToolRun run = await ToolRun.End(process);

        Assert.Equal(130, run.ExitCode);
        Assert.Contains("cancelled", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_signal_while_a_calibration_searches_is_exit_code_130_with_what_is_known_and_the_same_command_goes_on()
    {
        string profile = _model.Beside("profile.json");
        string state = profile + ".state";
        string prompts = _model.Beside("prompts.txt");
        await File.WriteAllLinesAsync(prompts, Enumerable.Repeat("Once upon a time", 4), TestContext.Current.CancellationToken);
        string[] Arguments(string method, string budget) =>
        [
            "calibrate", "--model", FixtureCheckpoint.Tales, "--cache-folder", _model.Cache, "--prompts", prompts, "--max-tokens", "24", "--output", profile,
            "--method", method, "--budget", budget,
        ];
        using Process process = Start(Arguments("bayesian", "60"));
        while (!File.Exists(state))
        {
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        await Send(process, "INT");
        ToolRun run = await ToolRun.End(process);
        Assert.Equal(130, run.ExitCode);
        Assert.Contains($"The same command goes on with {state}.", run.Error, StringComparison.Ordinal);
        Assert.Contains("| bayesian | ", run.Output, StringComparison.Ordinal);
        Assert.True(File.Exists(state));

        ToolRun whole = ToolRun.Of(Arguments("exits", "0.05"));
        Assert.True(whole.ExitCode == 0, whole.Error);
        Assert.True(File.Exists(profile));
        Assert.False(File.Exists(state));
    }

    [Theory]
    [InlineData("tokenize", "--file")]
    [InlineData("generate", "--prompt-file")]
    [InlineData("generate", "--prompts")]
    [InlineData("bench", "--prompts")]
    [InlineData("perplexity", "--text")]
    [InlineData("calibrate", "--prompts")]
    public async Task A_signal_while_standard_input_is_waited_for_is_exit_code_130(string command, string option)
    {
        using Process process = StartWaiting([command, "--model", FixtureCheckpoint.Tales, option, "-", .. command == "tokenize" ? Array.Empty<string>() : ["--cache-folder", _model.Cache]]);

        // The handler is there before the command reads; until then the signal would end the process itself, with the same number in the shell.
        await Task.Delay(3000, TestContext.Current.CancellationToken);
        await Send(process, "INT");
        ToolRun run = await ToolRun.End(process);

        Assert.True(run.ExitCode == 130, run.Error);
        Assert.Contains("cancelled", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_signal_while_weights_are_waited_for_is_exit_code_130()
    {
        // A load that waits for another process, which is this one.
        _ = ToolRun.On(_model, "logits", "--tokens", "1");
        string weights = Assert.Single(Directory.GetFiles(_model.Cache, "*.weights"));
        File.Delete(weights);
        await using FileStream held = new(weights + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        using Process process = Start("logits", "--model", _model.Folder, "--cache-folder", _model.Cache, "--tokens", "1");
        string? said;
        do
        {
            said = await process.StandardError.ReadLineAsync(TestContext.Current.CancellationToken);
            Assert.NotNull(said);
        }
        while (!said.Contains("waiting", StringComparison.Ordinal));

        await Send(process, "INT");
        ToolRun run = await ToolRun.End(process);

        Assert.Equal(130, run.ExitCode);
    }

    [Fact]
    public async Task A_signal_leaves_the_results_of_many_prompts_that_are_finished_and_the_next_run_makes_the_others()
    {
        string prompts = _model.Beside("prompts.jsonl");
        string results = _model.Beside("results.jsonl");
        await File.WriteAllLinesAsync(prompts, Enumerable.Range(0, 60).Select(i => $$"""{ "prompt": "Once upon a time {{i}}", "max_tokens": {{5 + i}} }"""), TestContext.Current.CancellationToken);
        string[] arguments = ["generate", "--model", FixtureCheckpoint.Tales, "--cache-folder", _model.Cache, "--prompts", prompts, "--output", results, "--concurrency", "2", "--ignore-eos"];
        using Process process = Start(arguments);
        while (!process.HasExited && !(File.Exists(results) && new FileInfo(results).Length > 1000))
        {
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        await Send(process, "INT");
        ToolRun run = await ToolRun.End(process);
        Assert.True(run.ExitCode == 130, run.Error);
        Assert.Contains("The same command goes on", run.Error, StringComparison.Ordinal);
        string[] finished = await File.ReadAllLinesAsync(results, TestContext.Current.CancellationToken);
        Assert.InRange(finished.Length, 2, 59);

        Assert.Equal(0, ToolRun.Of(arguments).ExitCode);
        string[] all = await File.ReadAllLinesAsync(results, TestContext.Current.CancellationToken);
        Assert.Equal(60, all.Length);
        Assert.Equal(finished, all[..finished.Length]);
    }

    // Whoever runs tests in the background has SIGINT ignored, which a child inherits: env gives it back.
    private static Process Start(params string[] arguments)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "It needs signals, and env of GNU.");
        return ToolRun.StartInShell($"exec env --default-signal=INT {ToolRun.Command} \"$@\"", arguments);
    }

    // With a pipe as standard input that nobody writes to or closes.
    private Process StartWaiting(params string[] arguments)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "It needs signals, pipes with names, and env of GNU.");
        string pipe = _model.Beside("pipe");
        return ToolRun.StartInShell($"mkfifo '{pipe}' && exec env --default-signal=INT {ToolRun.Command} \"$@\" 0<>'{pipe}'", arguments);
    }

    private static async Task Send(Process process, string signal)
    {
        using Process kill = Process.Start("kill", [$"-{signal}", process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
    }
}
