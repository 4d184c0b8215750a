using System.Text.Json;

namespace SpecDecode.Tests.Tool;

public sealed class DraftCommandTests
{
    private static readonly string[] Generate = ["--tokens", "435,326,262", "--max-tokens", "24", "--ignore-eos", "--json"];

    [Theory]
    [InlineData("early-exit", "--exit-layer", "2")]
    [InlineData("early-exit", "--exit-layer", "1", "--draft-length", "7")]
    [InlineData("early-exit", "--exit-layer", "4", "--draft-length", "16", "--draft-threshold", "0.3")]
    [InlineData("early-exit", "--exit-layer", "2", "--draft-policy", "adaptive-threshold")]
    [InlineData("early-exit", "--exit-layer", "3", "--draft-policy", "Confidence-Stop", "--draft-threshold", "0.2")]
    [InlineData("layer-skip", "--skip-attention", "2")]
    [InlineData("layer-skip", "--skip-mlp", "1-2", "--skip-attention", "3")]
    [InlineData("layer-skip", "--skip-attention", "0-3", "--skip-mlp", "0-3")]
    [InlineData("early-exit", "--exit-layer", "4", "--draft-precision", "int8")]
    [InlineData("early-exit", "--exit-layer", "2", "--draft-precision", "int4", "--draft-length", "6")]
    [InlineData("layer-skip", "--skip-mlp", "1-2", "--draft-precision", "int4")]
    [InlineData("early-exit", "--exit-layer", "4", "--draft-precision", "int4", "--cascade-exits", "1,2", "--cascade-length", "2", "--draft-length", "7")]
    [InlineData("early-exit", "--exit-layer", "3", "--cascade-exits", "1", "--cascade-threshold", "0.2")]
    public void Drafting_changes_no_token_and_its_counts_add_up(params string[] draft)
    {
        using FixtureCheckpoint model = new();
        ToolRun plain = ToolRun.On(model, "generate", [.. Generate, "--draft", "none"]);
        ToolRun drafted = ToolRun.On(model, "generate", [.. Generate, "--draft", .. draft]);

        Assert.True(drafted.ExitCode == 0, drafted.Error);
        Assert.Equal(plain.Ints("tokens"), drafted.Ints("tokens"));
        JsonElement json = drafted.Json;
        long rounds = json.GetProperty("rounds").GetInt64();
        long accepted = json.GetProperty("accepted").GetInt64();
        long all = json.GetProperty("drafted").GetInt64();
        Assert.Equal(24, 1 + rounds + accepted);
        Assert.Equal(accepted, drafted.Ints("accepted_per_position").Sum());
        Assert.Equal(1 + (double)accepted / rounds, json.GetProperty("mean_acceptance_length").GetDouble(), 1e-4);
        Assert.Equal((double)accepted / all, json.GetProperty("acceptance_rate").GetDouble(), 1e-4);
    }

    // " there" (407) ends the text; it comes second in it, drafted and accepted, and the bonus token behind it never comes.
    [Theory]
    [InlineData("60", "stop", 2, 1, 1.0)]
    [InlineData("2", "stop", 2, 1, 1.0)]
    [InlineData("1", "length", 1, 0, 1.0)]
    public void A_text_that_ends_within_a_draft_has_the_mean_length_that_its_rounds_gave(string maxTokens, string reason, int tokens, int rounds, double length)
    {
        using TemporaryFolder folder = new();
        foreach (string file in Directory.EnumerateFiles(TestFolders.StoryModel))
        {
            File.Copy(file, folder.File(Path.GetFileName(file)));
        }

        folder.Write("generation_config.json", """{"eos_token_id": [0, 407]}""");
        ToolRun run = ToolRun.Of(
            "generate", "--model", folder.Path, "--cache-folder", TestFolders.WeightCache, "--prompt", "Once upon a time", "--max-tokens", maxTokens,
            "--draft", "early-exit", "--exit-layer", "2", "--draft-length", "4", "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal((reason, tokens), (run.Json.GetProperty("finish_reason").GetString(), run.Ints("tokens").Length));
        Assert.Equal((rounds, length), (run.Json.GetProperty("rounds").GetInt32(), run.Json.GetProperty("mean_acceptance_length").GetDouble()));
    }

    [Fact]
    public void Without_a_draft_every_round_gives_one_token_and_there_is_no_acceptance_rate()
    {
        using FixtureCheckpoint model = new();
        JsonElement json = ToolRun.On(model, "generate", [.. Generate, "--draft", "none"]).Json;

        Assert.Equal(23, json.GetProperty("rounds").GetInt64());
        Assert.Equal(0, json.GetProperty("drafted").GetInt64());
        Assert.Equal(0, json.GetProperty("accepted_per_position").GetArrayLength());
        Assert.Equal(1, json.GetProperty("mean_acceptance_length").GetDouble());
        Assert.Equal(JsonValueKind.Null, json.GetProperty("acceptance_rate").ValueKind);
    }

    [Fact]
    public void Nothing_that_is_said_is_auto_and_changes_no_token()
    {
        using FixtureCheckpoint model = new();
        ToolRun plain = ToolRun.On(model, "generate", [.. Generate, "--draft", "none"]);
        foreach (string[] options in (string[][])[[], ["--draft", "auto"], ["--exit-layer", "2"], ["--skip-mlp", "1"], ["--draft-length", "3"]])
        {
            ToolRun drafted = ToolRun.On(model, "generate", [.. Generate, .. options]);
            Assert.True(drafted.ExitCode == 0, drafted.Error);
            Assert.Equal(plain.Ints("tokens"), drafted.Ints("tokens"));
        }
    }

    [Fact]
    public void A_draft_precision_alone_drafts_at_full_depth_on_a_copy_of_the_weights_and_changes_no_token()
    {
        using FixtureCheckpoint model = new();
        ToolRun plain = ToolRun.On(model, "generate", [.. Generate, "--draft", "none"]);
        ToolRun drafted = ToolRun.On(model, "generate", [.. Generate, "--draft-precision", "int8", "--draft-length", "3"]);

        Assert.True(drafted.ExitCode == 0, drafted.Error);
        Assert.Equal(plain.Ints("tokens"), drafted.Ints("tokens"));
        Assert.True(drafted.Json.GetProperty("acceptance_rate").GetDouble() > 0.8, drafted.Output);
    }

    [Fact]
    public void A_head_of_drafts_in_a_precision_of_its_own_changes_no_token()
    {
        using FixtureCheckpoint model = new();
        ToolRun plain = ToolRun.On(model, "generate", [.. Generate, "--draft", "none"]);
        foreach (string precision in (string[])["int8", "int4"])
        {
            ToolRun drafted = ToolRun.On(model, "generate", [.. Generate, "--draft", "early-exit", "--exit-layer", "2", "--draft-head-precision", precision]);

            Assert.True(drafted.ExitCode == 0, drafted.Error);
            Assert.Equal(plain.Ints("tokens"), drafted.Ints("tokens"));
        }
    }

    [Theory]
    [InlineData("--draft-head-precision is int8, and the head is stored as int8: give int4, or leave it out.", "--precision", "int8", "--draft-head-precision", "int8")]
    [InlineData("--draft-head-precision is int4, which needs the library's own kernels: leave it out, or set --kernels to Own", "--kernels", "onnxruntime", "--draft-head-precision", "int4")]
    [InlineData("give the model a higher --precision, or leave it out", "--precision", "int4", "--draft-precision", "int4")]
    [InlineData("give the model a higher --precision, or leave it out", "--precision", "int4", "--draft-precision", "int8")]
    public void A_draft_precision_that_is_not_lower_is_bad_input(string said, params string[] precisions)
    {
        using FixtureCheckpoint model = new();
        ToolRun run = ToolRun.On(model, "generate", ["--tokens", "1", .. precisions]);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains(said, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_default_draft_length_is_4()
    {
        using FixtureCheckpoint model = new();
        ToolRun run = ToolRun.On(model, "generate", [.. Generate, "--draft", "early-exit", "--exit-layer", "4"]);

        Assert.Equal(4, run.Ints("accepted_per_position").Length);
    }

    [Theory]
    [InlineData("needs --exit-layer", "--draft", "early-exit")]
    [InlineData("needs --skip-attention or --skip-mlp", "--draft", "layer-skip")]
    [InlineData("takes no layers to skip", "--draft", "early-exit", "--exit-layer", "1", "--skip-mlp", "1")]
    [InlineData("takes no --exit-layer", "--draft", "layer-skip", "--exit-layer", "1", "--skip-mlp", "1")]
    [InlineData("--draft auto, the default, finds where to stop by itself; leave --draft-threshold out", "--draft-threshold", "0.5")]
    [InlineData("--draft auto, the default, takes --exit-layer or layers to skip, not both", "--exit-layer", "1", "--skip-mlp", "1")]
    [InlineData("give a whole number from 1 to 64", "--draft", "early-exit", "--exit-layer", "1", "--draft-length", "0")]
    [InlineData("give a whole number from 1 to 64", "--draft", "early-exit", "--exit-layer", "1", "--draft-length", "65")]
    [InlineData("give a probability", "--draft", "early-exit", "--exit-layer", "1", "--draft-threshold", "1.5")]
    [InlineData("give a probability", "--draft", "early-exit", "--exit-layer", "1", "--draft-threshold", "NaN")]
    [InlineData("--draft auto decides by itself how far to draft; leave --draft-policy out", "--draft", "auto", "--draft-policy", "confidence-stop")]
    [InlineData("--draft lookup decides by itself how far to draft; leave --draft-policy out", "--draft", "lookup", "--draft-policy", "fixed")]
    [InlineData("finds its threshold; leave --draft-threshold out", "--draft", "early-exit", "--exit-layer", "1", "--draft-policy", "adaptive-threshold", "--draft-threshold", "0.5")]
    [InlineData("--cascade-length has no effect without --cascade-exits", "--draft", "early-exit", "--exit-layer", "3", "--cascade-length", "2")]
    [InlineData("--draft auto takes no cascade; leave --cascade-exits out", "--draft", "auto", "--cascade-exits", "2")]
    [InlineData("so --cascade-exits has no effect", "--draft", "none", "--cascade-exits", "2")]
    [InlineData("--draft auto, the default, takes no cascade; leave --cascade-exits out", "--cascade-exits", "2")]
    [InlineData("--draft-profile says how to draft; leave --cascade-exits out", "--draft-profile", "p.json", "--cascade-exits", "2")]
    [InlineData("give a whole number from 1 to 64", "--draft", "early-exit", "--exit-layer", "3", "--cascade-exits", "1", "--cascade-length", "0")]
    [InlineData("so --draft-policy has no effect", "--draft", "none", "--draft-policy", "confidence-stop")]
    [InlineData("--draft auto, the default, decides by itself how far to draft; leave --draft-policy out", "--draft-policy", "confidence-stop")]
    [InlineData("--draft-profile says how to draft; leave --draft-policy out", "--draft-profile", "p.json", "--draft-policy", "confidence-stop")]
    [InlineData("eager", "--draft", "early-exit", "--exit-layer", "1", "--draft-policy", "eager")]
    [InlineData("telepathy", "--draft", "telepathy")]
    [InlineData("int8", "--draft-precision", "fp32")]
    [InlineData("int8", "--draft-head-precision", "fp32")]
    [InlineData("drafts nothing", "--draft", "none", "--draft-precision", "int4")]
    [InlineData("so --draft-head-precision has no effect", "--draft", "none", "--draft-head-precision", "int4")]
    [InlineData("--draft lookup runs no layers to draft; leave --exit-layer, layers to skip, --draft-precision, --draft-vocabulary and --draft-head-precision out", "--draft", "lookup", "--draft-head-precision", "int4")]
    [InlineData("--draft-precision without --draft drafts with all layers; leave --exit-layer", "--exit-layer", "1", "--draft-precision", "int4")]
    public void Drafting_options_that_do_not_fit_are_misuse(string said, params string[] draft)
    {
        ToolRun run = ToolRun.Of(["generate", "--model", "m", "--tokens", "1", .. draft]);

        Assert.Equal(2, run.ExitCode);
        Assert.Equal("", run.Output);
        Assert.Contains(said, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_draft_beyond_the_models_layers_is_bad_input()
    {
        using FixtureCheckpoint model = new();
        ToolRun run = ToolRun.On(model, "generate", "--tokens", "1", "--draft", "early-exit", "--exit-layer", "5");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("give 1 to 4", run.Error, StringComparison.Ordinal);
    }
}
