using System.Text.Json;

namespace SpecDecode.Tests.Tool;

public sealed class SamplingCommandTests
{
    private static readonly string[] Generate = ["--tokens", "435,326,262", "--max-tokens", "24", "--ignore-eos", "--json"];
    private static readonly string[] Drafting = ["--draft", "early-exit", "--exit-layer", "2", "--draft-length", "5"];

    [Theory]
    [InlineData("--temperature", "1", "--seed", "3")]
    [InlineData("--temperature", "0.7", "--seed", "-9", "--top-k", "20")]
    [InlineData("--temperature", "1.5", "--seed", "9223372036854775807", "--top-p", "0.8", "--min-p", "0.05")]
    [InlineData("--temperature", "2", "--seed", "4", "--top-n-sigma", "1.5")]
    [InlineData("--temperature", "1", "--seed", "3", "--acceptance", "shared-noise")]
    public void A_seed_writes_the_same_text_again_and_with_drafts(params string[] sampling)
    {
        using FixtureCheckpoint model = new();
        int[] text = ToolRun.On(model, "generate", [.. Generate, .. sampling, "--draft", "none"]).Ints("tokens");
        ToolRun drafted = ToolRun.On(model, "generate", [.. Generate, .. sampling, .. Drafting]);

        Assert.Equal(24, text.Length);
        Assert.Equal(text, ToolRun.On(model, "generate", [.. Generate, .. sampling]).Ints("tokens"));
        Assert.Equal(text, drafted.Ints("tokens"));
        Assert.True(drafted.Json.GetProperty("drafted").GetInt64() > 0);
    }

    [Fact]
    public void Seeds_differ_and_without_one_every_run_does()
    {
        using FixtureCheckpoint model = new();
        HashSet<string> texts = [];
        foreach (string[] seed in (string[][])[["--seed", "1"], ["--seed", "2"], [], [], ["--seed", "1", "--acceptance", "rejection"]])
        {
            texts.Add(string.Join(',', ToolRun.On(model, "generate", [.. Generate, "--temperature", "1", .. seed, .. Drafting]).Ints("tokens")));
        }

        Assert.Equal(5, texts.Count);
    }

    [Fact]
    public void Temperature_0_and_a_choice_of_one_token_are_greedy()
    {
        using FixtureCheckpoint model = new();
        int[] greedy = ToolRun.On(model, "generate", [.. Generate, "--draft", "none"]).Ints("tokens");
        foreach (string[] sampling in (string[][])[
            ["--temperature", "0"], ["--acceptance", "greedy"],
            ["--temperature", "1", "--top-k", "1"], ["--temperature", "1", "--top-p", "1e-9", "--seed", "1"], ["--temperature", "1", "--min-p", "1"], ["--temperature", "9", "--top-n-sigma", "1e-6"],
            ["--temperature", "1e-30", "--seed", "8"]])
        {
            Assert.Equal(greedy, ToolRun.On(model, "generate", [.. Generate, .. sampling, .. Drafting]).Ints("tokens"));
        }
    }

    [Theory]
    [InlineData("--temperature", "-0.1", "0 or more")]
    [InlineData("--temperature", "NaN", "0 or more")]
    [InlineData("--temperature", "Infinity", "0 or more")]
    [InlineData("--temperature", "warm", "0 or more")]
    [InlineData("--top-k", "-1", "0 or more")]
    [InlineData("--top-k", "2.5", "0 or more")]
    [InlineData("--top-p", "0", "above 0, at most 1")]
    [InlineData("--top-p", "1.01", "above 0, at most 1")]
    [InlineData("--top-p", "NaN", "above 0, at most 1")]
    [InlineData("--min-p", "-0.5", "from 0 to 1")]
    [InlineData("--min-p", "2", "from 0 to 1")]
    [InlineData("--top-n-sigma", "-1", "0 or more")]
    [InlineData("--top-n-sigma", "NaN", "0 or more")]
    [InlineData("--top-n-sigma", "1", "no effect without a --temperature")]
    [InlineData("--seed", "1.5", "64 bits")]
    [InlineData("--seed", "99999999999999999999", "64 bits")]
    [InlineData("--acceptance", "rejection", "no effect without a --temperature")]
    [InlineData("--acceptance", "shared-noise", "no effect without a --temperature")]
    [InlineData("--top-k", "5", "no effect without a --temperature")]
    [InlineData("--top-p", "0.5", "no effect without a --temperature")]
    [InlineData("--min-p", "0.1", "no effect without a --temperature")]
    [InlineData("--seed", "7", "no effect without a --temperature")]
    public void Sampling_values_out_of_range_are_misuse(string option, string value, string said)
    {
        foreach (string[] command in (string[][])[["generate", "--model", "m", "--tokens", "1"], ["bench", "--model", "m", "--prompts", "p"]])
        {
            ToolRun run = ToolRun.Of([.. command, option, value]);

            Assert.Equal(2, run.ExitCode);
            Assert.Equal("", run.Output);
            Assert.Contains(option, run.Error, StringComparison.Ordinal);
            Assert.Contains(said, run.Error, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData]
    [InlineData("--draft", "early-exit", "--exit-layer", "2")]
    [InlineData("--acceptance", "rejection", "--draft", "early-exit", "--exit-layer", "2")]
    public void A_seed_that_was_drawn_is_told_and_writes_the_text_again(params string[] options)
    {
        using FixtureCheckpoint model = new();
        ToolRun drawn = ToolRun.On(model, "generate", [.. Generate, "--temperature", "1", .. options]);
        string seed = drawn.Json.GetProperty("seed").GetRawText();
        Assert.Equal(options.Contains("rejection") ? "rejection" : "shared-noise", drawn.Json.GetProperty("acceptance").GetString());
        Assert.Equal(drawn.Ints("tokens"), ToolRun.On(model, "generate", [.. Generate, "--temperature", "1", "--seed", seed, .. options]).Ints("tokens"));
        Assert.NotEqual(seed, ToolRun.On(model, "generate", [.. Generate, "--temperature", "1"]).Json.GetProperty("seed").GetRawText());
        Assert.Equal(JsonValueKind.Null, ToolRun.On(model, "generate", Generate).Json.GetProperty("seed").ValueKind);
    }

    [Fact]
    public void A_rule_that_there_is_not_is_misuse() => Assert.Contains(
        "shared-noise", ToolRun.Of("generate", "--model", "m", "--tokens", "1", "--temperature", "1", "--acceptance", "always").Error,
        StringComparison.Ordinal);

    [Fact]
    public void Greedy_acceptance_of_what_is_drawn_is_misuse() => Assert.Contains(
        "belongs to temperature 0", ToolRun.Of("generate", "--model", "m", "--tokens", "1", "--temperature", "1", "--acceptance", "greedy").Error,
        StringComparison.Ordinal);

    [Theory]
    [InlineData(JsonValueKind.True, "--seed", "4")]
    [InlineData(JsonValueKind.Null)]
    [InlineData(JsonValueKind.Null, "--seed", "4", "--acceptance", "rejection")]
    public void A_bench_compares_outputs_unless_they_are_drawn_by_rejection(JsonValueKind identical, params string[] sampling)
    {
        using TemporaryFolder folder = new();
        string prompts = Path.Combine(folder.Path, "prompts.txt");
        File.WriteAllText(prompts, "Once upon a time\nThe dog\n");
        ToolRun run = ToolRun.Of(
            ["bench", "--model", TestFolders.StoryModel, "--cache-folder", TestFolders.WeightCache, "--prompts", prompts, "--max-tokens", "16",
             "--repeat", "1", "--concurrency", "2", "--json", "--temperature", "0.9", .. sampling, .. Drafting]);

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(identical, run.Json.GetProperty("identical_outputs").ValueKind);
        Assert.Equal(JsonValueKind.Null, run.Json.GetProperty("first_difference").ValueKind);
        Assert.True(run.Json.GetProperty("acceptance_rate").GetDouble() > 0.1);
    }
}
