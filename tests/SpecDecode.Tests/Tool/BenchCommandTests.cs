using System.Text.Json;
using SpecDecode.Kernels;
using SpecDecode.Tool.Bench;

namespace SpecDecode.Tests.Tool;

public sealed class BenchCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    // Processors that no kernels were written for are left to ONNX Runtime.
    private static string Own => InstructionSets.IsKnown ? $"own, {InstructionSets.Current.Name()}" : "ONNX Runtime";

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("1")]
    [InlineData("3")]
    public void A_bench_compares_outputs_and_accounts_for_its_time(string concurrency)
    {
        ToolRun run = Bench(
            "Once upon a time\n\nThe dog saw\nMia and Tom\n", "prompts.txt",
            "--max-tokens", "20", "--repeat", "2", "--concurrency", concurrency, "--draft", "early-exit", "--exit-layer", "2", "--json");

        Assert.True(run.ExitCode == 0, run.Error);
        JsonElement json = run.Json;
        Assert.True(json.GetProperty("identical_outputs").GetBoolean());
        Assert.Equal(JsonValueKind.Null, json.GetProperty("first_difference").ValueKind);
        foreach (string side in (string[])["plain", "speculative"])
        {
            JsonElement one = json.GetProperty(side);
            Assert.Equal(1000, one.GetProperty("tokens_per_second").GetDouble() * one.GetProperty("ms_per_token").GetDouble(), 2.0);
            Assert.True(one.GetProperty("prefill_tokens_per_second").GetDouble() > 0);
        }

        double Number(string key) => json.GetProperty(key).GetDouble();
        Assert.InRange(Number("speedup"), Number("speedup_min"), Number("speedup_max"));
        Assert.InRange(Number("acceptance_rate"), 0.2, 1);
        Assert.InRange(Number("mean_acceptance_length"), 1.2, 5);
        Assert.InRange(Number("outside_runtime_share"), 0, 1);
        Assert.InRange(Number("draft_share") + Number("verify_share"), 0.5, 1.0001);
        Assert.InRange(Number("managed_bytes_per_token"), 0, 8192);
        Assert.True(Number("peak_rss_mb") > 20);
        Assert.Equal(Own, json.GetProperty("kernels").GetString());
    }

    [Fact]
    public void A_sweep_measures_every_cell_and_names_the_best()
    {
        ToolRun run = Bench(
            "Once upon a time", "prompts.txt",
            "--max-tokens", "12", "--repeat", "1", "--sweep", "--sweep-exit-layers", "2,12", "--sweep-draft-lengths", "1-2", "--json");

        Assert.True(run.ExitCode == 0, run.Error);
        JsonElement[] cells = [.. run.Json.GetProperty("cells").EnumerateArray()];
        Assert.Equal(
            [(2, 1), (2, 2), (12, 1), (12, 2)],
            cells.Select(cell => (cell.GetProperty("exit_layer").GetInt32(), cell.GetProperty("draft_length").GetInt32())));
        Assert.All(cells, cell => Assert.True(cell.GetProperty("predicted_speedup").GetDouble() > 0));
        Assert.Equal(
            cells.Max(cell => cell.GetProperty("speedup").GetDouble()),
            run.Json.GetProperty("best").GetProperty("speedup").GetDouble());
        Assert.Equal(Own, run.Json.GetProperty("kernels").GetString());
    }

    [Fact]
    public void A_sweep_tries_thresholds_and_predicts_only_what_has_a_length()
    {
        ToolRun run = Bench(
            "Once upon a time", "prompts.txt", "--max-tokens", "12", "--repeat", "1",
            "--sweep", "--sweep-exit-layers", "2", "--sweep-draft-lengths", "3", "--sweep-thresholds", "0,1", "--json");

        Assert.True(run.ExitCode == 0, run.Error);
        JsonElement[] cells = [.. run.Json.GetProperty("cells").EnumerateArray()];
        Assert.Equal([0, 1], cells.Select(cell => cell.GetProperty("threshold").GetDouble()));
        Assert.Equal([JsonValueKind.Number, JsonValueKind.Null], cells.Select(cell => cell.GetProperty("predicted_speedup").ValueKind));

        // No token is certain, so drafts that end at 1 have one token.
        Assert.InRange(cells[1].GetProperty("mean_acceptance_length").GetDouble(), 1, 2);
    }

    [Theory]
    [InlineData("1")]
    [InlineData("3")]
    public void Settings_are_compared_within_one_run(string concurrency)
    {
        ToolRun run = Bench(
            "Once upon a time\nThe dog saw\nMia and Tom\n", "prompts.txt", "--max-tokens", "20", "--repeat", "2", "--concurrency", concurrency,
            "--compare", "early-exit exit-layer=2 draft-length=3", "--compare", "LOOKUP", "--compare", "none",
            "--compare", "layer-skip skip-attention=3,5-7 skip-mlp=4 length=1 draft-threshold=0.5", "--json");

        Assert.True(run.ExitCode == 0, run.Error);
        JsonElement[] settings = [.. run.Json.GetProperty("settings").EnumerateArray()];
        Assert.Equal(
            ["early-exit exit-layer=2 draft-length=3", "LOOKUP", "none", "layer-skip skip-attention=3,5-7 skip-mlp=4 length=1 draft-threshold=0.5"],
            settings.Select(setting => setting.GetProperty("setting").GetString()));
        Assert.All(settings, setting => Assert.True(setting.GetProperty("identical_outputs").GetBoolean()));
        Assert.All(settings, setting => Assert.InRange(
            setting.GetProperty("speedup").GetDouble(), setting.GetProperty("speedup_min").GetDouble(), setting.GetProperty("speedup_max").GetDouble()));

        // Each drafts as it says: three tokens a round at most, looked up, nothing, and one with one layer less.
        Assert.InRange(settings[0].GetProperty("mean_acceptance_length").GetDouble(), 1.2, 4);
        Assert.Equal(settings[1].GetProperty("drafted_tokens").GetInt64(), settings[1].GetProperty("looked_up_tokens").GetInt64());
        Assert.Equal(0, settings[2].GetProperty("drafted_tokens").GetInt64());
        Assert.Equal(["disabled"], settings[2].GetProperty("decisions").EnumerateObject().Select(reason => reason.Name));
        Assert.InRange(settings[3].GetProperty("mean_acceptance_length").GetDouble(), 1.01, 2);
        Assert.True(run.Json.GetProperty("plain").GetProperty("tokens_per_second").GetDouble() > 0);
    }

    [Fact]
    public void A_comparison_is_a_table_with_a_row_for_each_setting()
    {
        string[] lines = Bench(
            "Once upon a time", "prompts.txt", "--max-tokens", "12", "--repeat", "1", "--explain",
            "--compare", "early-exit exit-layer=2 length=2", "--compare", "none").Output.ReplaceLineEndings("\n").Split('\n');

        Assert.StartsWith("| setting ", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("| (plain) ", lines[2], StringComparison.Ordinal);
        Assert.Matches(@"^\| early-exit exit-layer=2 length=2 \| [\d.]+ \| [\d.]+ \| [\d.]+ \| [\d.]+ \| [01]\.\d+ \| [1-3]\.\d+ \| yes \|$", lines[3]);
        Assert.Matches(@"^\| none +\| [\d.]+ \| [\d.]+ \| [\d.]+ \| [\d.]+ \| none \| 1\.000 \| yes \|$", lines[4]);
        Assert.Contains(lines, line => line.StartsWith("early-exit exit-layer=2 length=2: drafted ", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith($"kernels: {Own}, ", StringComparison.Ordinal));
    }

    [Fact]
    public void A_setting_without_a_strategy_drafts_on_the_copy_of_the_weights()
    {
        ToolRun run = Bench(
            "Once upon a time", "prompts.txt", "--max-tokens", "12", "--repeat", "1", "--draft-precision", "int8", "--compare", "length=3", "--json");

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.True(run.Json.GetProperty("settings")[0].GetProperty("acceptance_rate").GetDouble() > 0.7);
    }

    [Fact]
    public void A_layer_beyond_the_model_is_refused_in_a_setting()
    {
        ToolRun run = Bench("Once upon a time", "prompts.txt", "--compare", "early-exit exit-layer=13");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("--exit-layer is 13, but the model has 12 layers", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void One_new_token_leaves_no_decode_step_and_no_speed()
    {
        ToolRun run = Bench("Once upon a time", "prompts.txt", "--max-tokens", "1", "--repeat", "1", "--draft", "early-exit", "--exit-layer", "2", "--json");

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(JsonValueKind.Null, run.Json.GetProperty("speedup").ValueKind);
    }

    [Fact]
    public void Nothing_that_is_said_measures_auto()
    {
        ToolRun run = Bench("Once upon a time", "prompts.txt", "--max-tokens", "24", "--repeat", "1", "--json");

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.True(run.Json.GetProperty("speculative").GetProperty("tokens_per_second").GetDouble() > 0);
        Assert.True(run.Json.GetProperty("identical_outputs").GetBoolean());
        Assert.False(run.Json.GetProperty("decisions").TryGetProperty("disabled", out _), run.Output);
    }

    [Fact]
    public void Steps_with_as_many_texts_as_may_be_written_at_a_time_count_and_without_any_it_says_so()
    {
        string prompts = string.Concat(Enumerable.Range(0, 9).Select(i => $"Tom had {i} cats\n"));
        ToolRun run = Bench(prompts, "prompts.txt", "--max-tokens", "16", "--repeat", "1", "--concurrency", "2", "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.True(run.Json.GetProperty("speedup").GetDouble() > 0);

        run = Bench(prompts, "prompts.txt", "--max-tokens", "1", "--repeat", "1", "--concurrency", "2");
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("No step wrote 2 texts at a time without reading a prompt", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_drafting_plain_is_compared_with_plain()
    {
        ToolRun run = Bench("Once upon a time", "prompts.txt", "--max-tokens", "8", "--repeat", "1", "--draft", "none");

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains("identical", run.Output, StringComparison.Ordinal);
        Assert.Contains("plain again", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("speculative", run.Output, StringComparison.Ordinal);
        Assert.Contains($"kernels      {Own}\n", run.Output.ReplaceLineEndings("\n"), StringComparison.Ordinal);

        JsonElement json = Bench("Once upon a time", "prompts.txt", "--max-tokens", "4", "--repeat", "1", "--draft", "none", "--json").Json;
        Assert.True(json.GetProperty("plain_again").GetProperty("tokens_per_second").GetDouble() > 0);
        Assert.False(json.TryGetProperty("speculative", out _));
    }

    [Fact]
    public void A_bench_says_when_the_kernels_are_ONNX_Runtimes()
    {
        string[] options = ["--max-tokens", "4", "--repeat", "1", "--kernels", "onnxruntime"];
        Assert.Contains("kernels      ONNX Runtime\n", Bench("Once upon a time", "prompts.txt", options).Output.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        Assert.Equal("ONNX Runtime", Bench("Once upon a time", "prompts.txt", [.. options, "--json"]).Json.GetProperty("kernels").GetString());

        string sweep = Bench("Once upon a time", "prompts.txt", [.. options, "--sweep", "--sweep-exit-layers", "2", "--sweep-draft-lengths", "1"]).Output;
        Assert.EndsWith("kernels: ONNX Runtime\n", sweep.ReplaceLineEndings("\n"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_cell_beyond_the_model_is_refused_before_anything_is_measured()
    {
        ToolRun run = Bench("Once upon a time", "prompts.txt", "--sweep", "--sweep-exit-layers", "12-13");

        Assert.Equal(1, run.ExitCode);
        Assert.Equal("", run.Output);
        Assert.Contains("--sweep-exit-layers", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Json_lines_give_their_prompt_or_their_first_turn()
    {
        string file = _folder.File("turns.jsonl");
        File.WriteAllText(file, "{\"prompt\": \"a\"}\n\n{\"turns\": [\"b\", \"c\"]}\n");
        Assert.Equal(["a", "b"], PromptFile.Read(file, TestContext.Current.CancellationToken));

        ToolRun run = Bench(
            "{\"prompt\": \"Once upon a time\"}\n{\"turns\": [\"The dog\", \"never read\"], \"category\": \"x\"}\n", "prompts.jsonl",
            "--max-tokens", "4", "--repeat", "1", "--draft", "early-exit", "--exit-layer", "2", "--json");

        Assert.True(run.ExitCode == 0, run.Error);
    }

    [Theory]
    [InlineData("prompts.jsonl", "{\"prompt\": 3}", "line 1")]
    [InlineData("prompts.jsonl", "{\"prompt\": \"a\"}\n[]", "line 2")]
    [InlineData("prompts.jsonl", "{\"prompt\"", "not JSON")]
    [InlineData("prompts.jsonl", "{\"prompt\": \"\\ud800\"}", "line 1")]
    [InlineData("prompts.txt", "\n  \n", "no prompt")]
    public void A_file_without_usable_prompts_is_bad_input(string name, string content, string said)
    {
        ToolRun run = Bench(content, name, "--draft", "early-exit", "--exit-layer", "2");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains(said, run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("exit layers begin at 1", "--sweep", "--sweep-exit-layers", "0-3")]
    [InlineData("leave --draft out", "--sweep", "--draft", "early-exit", "--exit-layer", "2")]
    [InlineData("leave --draft out", "--sweep", "--draft", "none")]
    [InlineData("--draft none drafts nothing, so --draft-length has no effect", "--draft", "none", "--draft-length", "3")]
    [InlineData("--draft none drafts nothing, so --draft-threshold has no effect", "--draft", "none", "--draft-threshold", "0.5")]
    [InlineData("--draft none drafts nothing, so --exit-layer has no effect", "--draft", "none", "--exit-layer", "2")]
    [InlineData("no effect without --sweep", "--draft", "early-exit", "--exit-layer", "2", "--sweep-draft-lengths", "1")]
    [InlineData("draft lengths go from 1 to 64", "--sweep", "--sweep-draft-lengths", "0-3")]
    [InlineData("no effect without --sweep", "--sweep-thresholds", "0.5")]
    [InlineData("'2' is not a probability", "--sweep", "--sweep-thresholds", "0,2")]
    [InlineData("both say what to try", "--sweep", "--compare", "auto")]
    [InlineData("leave --draft out", "--compare", "auto", "--draft", "lookup")]
    [InlineData("leave --draft-length out", "--compare", "auto", "--draft-length", "3", "--draft-precision", "int8")]
    [InlineData("so --draft-vocabulary has no effect", "--compare", "lookup", "--draft-vocabulary", "512")]
    [InlineData("so --draft-head-precision has no effect", "--compare", "lookup", "--draft-head-precision", "int8")]
    [InlineData("give --draft-head-precision beside --compare", "--compare", "auto draft-head-precision=int4")]
    [InlineData("did you mean early-exit?", "--compare", "ealry-exit exit-layer=2")]
    [InlineData("did you mean exit-layer?", "--compare", "early-exit exit-layr=2")]
    [InlineData("'frob' is not a word of a setting: give one of exit-layer, ", "--compare", "auto frob=2")]
    [InlineData("'sometimes' is not a way to draft: give one of none, auto, ", "--compare", "sometimes")]
    [InlineData("'exit-layer' needs a value", "--compare", "early-exit exit-layer")]
    [InlineData("'exit-layer=' has no value", "--compare", "early-exit exit-layer=")]
    [InlineData("--compare \"early-exit\": --draft early-exit needs --exit-layer.", "--compare", "early-exit")]
    [InlineData("--exit-layer is 'two'", "--compare", "early-exit exit-layer=two")]
    [InlineData("--draft auto, the default, finds where to stop by itself", "--compare", "threshold=0.5")]
    [InlineData("--sweep chooses how to draft; leave --draft-length out", "--sweep", "--draft-length", "3")]
    [InlineData("give --draft-precision beside --compare", "--compare", "auto precision=int4")]
    [InlineData("it is empty", "--compare", "")]
    public void Options_that_do_not_fit_are_misuse(string said, params string[] options)
    {
        ToolRun run = ToolRun.Of(["bench", "--model", "m", "--prompts", "p", .. options]);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains(said, run.Error, StringComparison.Ordinal);
    }

    private ToolRun Bench(string prompts, string name, params string[] options)
    {
        string file = _folder.File(name);
        File.WriteAllText(file, prompts);
        return ToolRun.Of(["bench", "--model", TestFolders.StoryModel, "--cache-folder", TestFolders.WeightCache, "--prompts", file, .. options]);
    }
}
