using System.Text.Json;

namespace SpecDecode.Tests.Tool;

public sealed class BatchCommandTests : IDisposable
{
    private static readonly string[] Lines =
    [
        """{ "prompt": "Once upon a time", "id": "first" }""",
        """{ "tokens": [434, 337], "id": 7, "max_tokens": 9 }""",
        "",
        """{ "prompt": "The dog", "temperature": 0.8, "seed": 5, "top_p": 0.9, "note": "somebody's" }""",
        """{ "prompt": "Mia and Tom", "temperature": 0.7 }""",
        """{ "prompt": "One day", "ignore_eos": true }""",
    ];

    private readonly TemporaryFolder _folder = new();

    private string Prompts => _folder.File("prompts.jsonl");

    private string Results => _folder.File("results.jsonl");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("1")]
    [InlineData("4", "--draft", "early-exit", "--exit-layer", "2")]
    public void Each_line_has_the_text_that_generate_writes_for_it_alone(string concurrency, params string[] drafting)
    {
        ToolRun run = Batch(Lines, ["--concurrency", concurrency, .. drafting]);

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal("", run.Output);
        Dictionary<int, JsonElement> results = Read();
        Assert.Equal([1, 2, 4, 5, 6], results.Keys.Order());
        Assert.Equal("first", results[1].GetProperty("id").GetString());
        Assert.Equal(7, results[2].GetProperty("id").GetInt32());
        string drawn = results[5].GetProperty("seed").GetRawText();
        Same(results[1], "--prompt", "Once upon a time");
        Same(results[2], "--tokens", "434,337", "--max-tokens", "9");
        Same(results[4], "--prompt", "The dog", "--temperature", "0.8", "--seed", "5", "--top-p", "0.9");
        Same(results[5], "--prompt", "Mia and Tom", "--temperature", "0.7", "--seed", drawn);
        Same(results[6], "--prompt", "One day", "--ignore-eos");

        static void Same(JsonElement result, params string[] options)
        {
            string[] length = options.Contains("--max-tokens") ? [] : ["--max-tokens", "24"];
            JsonElement alone = ToolRun.Of(["generate", "--model", TestFolders.StoryModel, "--cache-folder", TestFolders.WeightCache, "--json", .. length, .. options]).Json;
            Assert.Equal(alone.GetProperty("text").GetString(), result.GetProperty("text").GetString());
            Assert.Equal(alone.GetProperty("finish_reason").GetString(), result.GetProperty("finish_reason").GetString());
            Assert.Equal(alone.GetProperty("prompt_tokens").GetInt32(), result.GetProperty("prompt_tokens").GetInt32());
            Assert.Equal(alone.GetProperty("tokens").GetArrayLength(), result.GetProperty("output_tokens").GetInt32());
        }
    }

    [Fact]
    public void A_bad_line_is_an_error_result_and_ends_nothing()
    {
        string[] bad =
        [
            "nonsense", "[]", """{ "prompt": 3 }""", """{ }""", """{ "prompt": "a", "tokens": [1] }""", """{ "tokens": [99999] }""", """{ "tokens": [] }""",
            """{ "prompt": "a", "max_tokens": 0 }""", """{ "prompt": "a", "top_p": 0.5 }""", """{ "prompt": "a", "temperature": -1 }""",
            """{ "prompt": "a", "max_token": 3 }""", """{ "messages": [{ "role": "user", "content": "hi" }] }""", """{ "prompt": "\ud800" }""",
            """{ "prompt": "a", "id": [1] }""", """{ "prompt": "a", "id": "a\ud800b" }""",
        ];
        ToolRun run = Batch([.. bad, """{ "prompt": "The dog" }"""]);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains($"{bad.Length} of {bad.Length + 1} results have an error", run.Error, StringComparison.Ordinal);
        Dictionary<int, JsonElement> results = Read();
        Assert.Equal(bad.Length + 1, results.Count);
        Assert.All(Enumerable.Range(1, bad.Length), line => Assert.NotEqual("", results[line].GetProperty("error").GetString()));
        Assert.Contains("did you mean 'max_tokens'", results[11].GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.False(results[bad.Length + 1].TryGetProperty("error", out _));
    }

    [Fact]
    public void A_second_run_does_what_is_left_and_mends_a_line_that_was_cut_off()
    {
        Assert.Equal(0, Batch(Lines).ExitCode);
        string whole = File.ReadAllText(Results);
        string[] lines = whole.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Dictionary<int, JsonElement> first = Read();

        // As a kill leaves it.
        File.WriteAllText(Results, string.Join('\n', lines[..2]) + "\n" + lines[2][..^7]);
        ToolRun second = Batch(Lines, "--draft", "early-exit", "--exit-layer", "3", "--concurrency", "2");
        Assert.True(second.ExitCode == 0, second.Error);
        Assert.Contains("3 results, 2 were there", second.Error, StringComparison.Ordinal);
        Assert.StartsWith(string.Join('\n', lines[..2]) + "\n", File.ReadAllText(Results), StringComparison.Ordinal);
        Dictionary<int, JsonElement> again = Read();
        Assert.Equal(first.Keys.Order(), again.Keys.Order());
        Assert.All((int[])[1, 2, 4, 6], line => Assert.Equal(first[line].GetProperty("text").GetString(), again[line].GetProperty("text").GetString()));

        // And as a machine that lost power does.
        File.AppendAllText(Results, new string('\0', 5000));
        string before = File.ReadAllText(Results).TrimEnd('\0');
        ToolRun third = Batch(Lines);
        Assert.True(third.ExitCode == 0, third.Error);
        Assert.Contains("0 results, 5 were there", third.Error, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllText(Results));
    }

    [Fact]
    public void A_changed_input_and_other_options_are_refused_and_the_results_stay()
    {
        Assert.Equal(0, Batch(Lines).ExitCode);
        string results = File.ReadAllText(Results);
        string[] changed = [.. Lines];
        changed[0] = """{ "prompt": "Once upon a day" }""";
        Refused("are not what they were", changed);
        Refused("are not what they were", Lines[1..]);
        Refused("are not what they were", Lines[..3]);
        Refused("another model or other options", Lines, "--temperature", "0.5");
        Refused("another model or other options", Lines, "--ignore-eos");
        Refused("another model or other options", Lines, "--precision", "int8");

        // More lines behind them are no change, and a line without a result is free.
        Assert.Equal(0, Batch([.. Lines, """{ "prompt": "Then" }"""]).ExitCode);
        Assert.StartsWith(results, File.ReadAllText(Results), StringComparison.Ordinal);

        void Refused(string said, string[] lines, params string[] options)
        {
            ToolRun run = Batch(lines, options);
            Assert.Equal(1, run.ExitCode);
            Assert.Contains(said, Assert.Single(run.Complaints), StringComparison.Ordinal);
            Assert.Equal(results, File.ReadAllText(Results));
        }
    }

    [Theory]
    [InlineData("somebody's notes\n")]
    [InlineData("somebody's notes")]
    [InlineData("{\"line\":1}\n")]
    [InlineData("{\"line\":1,\"input\":\"0\",\"options\":\"zz\"}\n")]
    public void A_file_that_holds_something_else_is_refused_and_stays(string content)
    {
        File.WriteAllText(Results, content);
        ToolRun run = Batch(Lines);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("no result of 'generate --prompts'", Assert.Single(run.Complaints), StringComparison.Ordinal);
        Assert.Equal(content, File.ReadAllText(Results));
    }

    [Fact]
    public void The_file_of_prompts_is_no_file_of_results()
    {
        File.WriteAllLines(Prompts, Lines);
        ToolRun run = ToolRun.Of("generate", "--model", TestFolders.StoryModel, "--prompts", Prompts, "--output", Path.Combine(_folder.Path, ".", "prompts.jsonl"));
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("it is the file of the prompts", run.Error, StringComparison.Ordinal);
        Assert.Equal(Lines, File.ReadAllLines(Prompts));
    }

    [Fact]
    public async Task Prompts_come_from_standard_input_and_results_go_to_standard_output()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The shell that makes the pipe is not there.");
        await File.WriteAllLinesAsync(Prompts, Lines, TestContext.Current.CancellationToken);
        using System.Diagnostics.Process process = ToolRun.StartInShell(
            $"cat '{Prompts}' | {ToolRun.Command} \"$@\"",
            "generate", "--model", TestFolders.StoryModel, "--cache-folder", TestFolders.WeightCache, "--prompts", "-", "--max-tokens", "4", "--quiet");
        ToolRun run = await ToolRun.End(process);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal("", run.Error);
        Assert.Equal(5, run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public void A_disk_that_is_full_is_a_sentence()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "It needs /dev/full.");
        File.WriteAllLines(Prompts, Lines);
        ToolRun run = ToolRun.Of(
            "generate", "--model", TestFolders.StoryModel, "--cache-folder", TestFolders.WeightCache, "--prompts", Prompts, "--max-tokens", "4", "--output", "/dev/full");
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("No space left on device", Assert.Single(run.Complaints), StringComparison.Ordinal);
    }

    [Fact]
    public void The_speed_of_a_text_is_told_on_stderr_unless_that_is_not_wanted()
    {
        string[] arguments = ["generate", "--model", TestFolders.StoryModel, "--cache-folder", TestFolders.WeightCache, "--prompt", "Once", "--max-tokens", "9"];
        Assert.Matches(@"^specdecode: 9 tokens, [0-9.]+ tokens/s, accepted \d+ % of \d+ drafted, [0-9.]+ tokens a round\s*$", ToolRun.Of([.. arguments, "--draft", "early-exit", "--exit-layer", "2"]).Complaints[^1]);
        Assert.Matches(@"tokens/s, seed \d+\s*$", ToolRun.Of([.. arguments, "--temperature", "1", "--draft", "none"]).Complaints[^1]);
        Assert.Equal("", ToolRun.Of([.. arguments, "--quiet"]).Error);
        Assert.DoesNotContain("tokens/s", ToolRun.Of([.. arguments, "--json"]).Error, StringComparison.Ordinal);
    }

    private ToolRun Batch(string[] lines, params string[] options)
    {
        File.WriteAllLines(Prompts, lines);
        return ToolRun.Of(
        [
            "generate", "--model", TestFolders.StoryModel, "--cache-folder", TestFolders.WeightCache, "--prompts", Prompts, "--output", Results, "--max-tokens", "24",
            .. options,
        ]);
    }

    private Dictionary<int, JsonElement> Read() => File.ReadAllLines(Results).Select(line =>
    {
        using JsonDocument document = JsonDocument.Parse(line);
        return document.RootElement.Clone();
    }).ToDictionary(result => result.GetProperty("line").GetInt32());
}
