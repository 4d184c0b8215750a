using System.Diagnostics;

namespace SpecDecode.Tests.Tool;

public sealed class ChildProcessTests : IDisposable
{
    private readonly FixtureCheckpoint _model = new();

    public void Dispose() => _model.Dispose();

    [Fact]
    public async Task Two_processes_that_prepare_the_same_weights_at_once_agree_and_leave_one_file()
    {
        string[] arguments = ["logits", "--model", _model.Folder, "--cache-folder", _model.Cache, "--tokens", "1,2,3", "--threads", "2"];
        using Process first = ToolRun.Start(arguments);
        using Process second = ToolRun.Start(arguments);
        ToolRun[] runs = await Task.WhenAll(ToolRun.End(first), ToolRun.End(second));

        Assert.All(runs, run => Assert.True(run.ExitCode == 0, run.Error));
        Assert.Equal(runs[0].Output, runs[1].Output);
        string weights = Assert.Single(Directory.EnumerateFiles(_model.Cache, "*.weights"));
        Assert.Empty(Directory.EnumerateFiles(_model.Cache, "*.tmp"));
        Assert.Equal(2, Directory.EnumerateFiles(_model.Cache, "*.stamp").Count());
        Assert.True(File.Exists(weights + ".stamp"));
    }

    [Fact]
    public async Task Bad_input_in_a_process_of_its_own_is_exit_code_1_and_a_sentence_on_stderr()
    {
        _model.Config(("num_attention_heads", 0));
        using Process process = ToolRun.Start("generate", "--model", _model.Folder, "--cache-folder", _model.Cache, "--tokens", "1");
        ToolRun run = await ToolRun.End(process);

        Assert.Equal(1, run.ExitCode);
        Assert.Equal("", run.Output);
        Assert.Contains("num_attention_heads", Assert.Single(run.Complaints), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_bundled_model_continues_a_prompt_with_letters_beyond_ascii()
    {
        using Process process = ToolRun.Start(
            "generate", "--model", FixtureCheckpoint.Tales, "--cache-folder", _model.Cache, "--prompt", "@Zoë said: \"-Żółw\"\n", "--max-tokens", "12", "--json");
        ToolRun run = await ToolRun.End(process);

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(12, run.Ints("tokens").Length);
        Assert.NotEqual("", run.Json.GetProperty("text").GetString());
    }

    [Fact]
    public async Task A_prompt_comes_from_a_file_and_from_standard_input_as_from_the_command_line()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The shell that makes the pipe is not there.");
        const string Prompt = "Once upon a time, Zoë\n";
        string[] arguments = ["generate", "--model", FixtureCheckpoint.Tales, "--cache-folder", _model.Cache, "--max-tokens", "5", "--json"];
        string path = Path.Combine(_model.Folder, "prompt.txt");
        await File.WriteAllTextAsync(path, Prompt, TestContext.Current.CancellationToken);

        int[] expected = ToolRun.Of([.. arguments, "--prompt", Prompt]).Ints("tokens");
        Assert.Equal(expected, ToolRun.Of([.. arguments, "--prompt-file", path]).Ints("tokens"));
        using Process piped = ToolRun.StartInShell($"cat '{path}' | {ToolRun.Command} \"$@\"", [.. arguments, "--prompt-file", "-"]);
        Assert.Equal(expected, (await ToolRun.End(piped)).Ints("tokens"));
        using Process tokenized = ToolRun.StartInShell(
            $"cat '{path}' | {ToolRun.Command} \"$@\"", ["tokenize", "--model", FixtureCheckpoint.Tales, "--file", "-", "--json"]);
        Assert.Equal(
            ToolRun.Of("tokenize", "--model", FixtureCheckpoint.Tales, "--text", Prompt, "--json").Ints("ids"), (await ToolRun.End(tokenized)).Ints("ids"));
    }

    [Fact]
    public void A_prompt_beyond_what_an_argument_holds_comes_from_a_file()
    {
        string path = Path.Combine(_model.Folder, "long.txt");
        File.WriteAllText(path, string.Concat(Enumerable.Repeat("once upon a time ", 9000)));
        ToolRun run = ToolRun.Of("generate", "--model", FixtureCheckpoint.Tales, "--cache-folder", _model.Cache, "--prompt-file", path);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("1024", Assert.Single(run.Complaints), StringComparison.Ordinal);
        Assert.Contains("cannot be read", ToolRun.Of("generate", "--model", FixtureCheckpoint.Tales, "--prompt-file", path + "x").Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("generate --prompt Once --max-tokens 3", ">&-")]
    [InlineData("generate --prompt Once --max-tokens 3", ">/dev/full")]
    [InlineData("generate --prompt Once --max-tokens 3 --json", ">/dev/full")]
    [InlineData("logits --tokens 1,2", ">&-")]
    [InlineData("logits --tokens 1,2", ">/dev/full")]
    public async Task A_result_that_cannot_be_written_is_a_sentence_and_exit_code_1(string command, string redirection)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "It needs /dev/full and a shell.");
        using Process process = ToolRun.StartInShell(
            $"{ToolRun.Command} \"$@\" {redirection}", [.. command.Split(' '), "--model", FixtureCheckpoint.Tales, "--cache-folder", _model.Cache]);
        ToolRun run = await ToolRun.End(process);
        Assert.Equal(1, run.ExitCode);
        Assert.Matches("^specdecode: .*(No space left on device|Bad file descriptor)", Assert.Single(run.Complaints));
    }

    [Fact]
    public async Task A_reader_who_leaves_early_is_no_error()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The shell that makes the pipe is not there.");
        using Process process = ToolRun.StartInShell(
            $"({ToolRun.Command} \"$@\"; echo $? >&2) | head -c 1",
            ["logits", "--tokens", "1,2,3", "--model", FixtureCheckpoint.Tales, "--cache-folder", _model.Cache]);
        ToolRun run = await ToolRun.End(process);
        Assert.Equal("0", run.Complaints[^1]);
    }
}
