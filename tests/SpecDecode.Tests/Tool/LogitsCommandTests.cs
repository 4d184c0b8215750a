using System.Text.Json;

namespace SpecDecode.Tests.Tool;

public sealed class LogitsCommandTests
{
    // Near ties in the reference may fall either way in single precision.
    private const double LogitTolerance = 5e-4;

    [Theory]
    [InlineData("llama_base")]
    [InlineData("llama_tied_bias_f32")]
    [InlineData("llama_hd8_linear_f16")]
    [InlineData("llama_hd24_mqa")]
    [InlineData("llama_rope3_sharded")]
    public void The_whole_model_an_early_exit_and_skipped_blocks_agree_with_the_reference(string fixture)
    {
        using FixtureCheckpoint model = new(fixture);
        JsonElement expected = model.Expected;

        AssertAgrees(expected, Logits(model));
        foreach (JsonProperty exit in expected.GetProperty("exit_layer").EnumerateObject())
        {
            AssertAgrees(exit.Value, Logits(model, "--exit-layer", exit.Name));
        }

        JsonElement skip = expected.GetProperty("skip");
        AssertAgrees(skip, Logits(model, "--skip-attention", List(skip, "attention"), "--skip-mlp", List(skip, "mlp")));
    }

    [Fact]
    public void The_result_is_one_object_with_a_logit_for_each_id_and_a_token_for_each_position()
    {
        using FixtureCheckpoint model = new();
        ToolRun run = Logits(model);

        Assert.Equal(["logits_last", "argmax_per_position"], run.Json.EnumerateObject().Select(property => property.Name));
        Assert.Equal(512, run.Json.GetProperty("logits_last").GetArrayLength());
        Assert.Equal(40, run.Ints("argmax_per_position").Length);
    }

    [Fact]
    public void Ranges_repeats_and_spaces_in_lists_mean_the_layers_written_out()
    {
        using FixtureCheckpoint model = new();
        string written = Logits(model, "--skip-attention", "0,1,2", "--skip-mlp", "3").Output;

        Assert.Equal(written, Logits(model, "--skip-attention", "0-2", "--skip-mlp", "3-3").Output);
        Assert.Equal(written, Logits(model, "--skip-mlp", "3,3", "--skip-attention", "2, 0 - 1,1-2").Output);
        Assert.NotEqual(written, Logits(model, "--skip-attention", "0-2").Output);
    }

    [Fact]
    public void An_exit_at_the_last_layer_is_the_whole_model()
    {
        using FixtureCheckpoint model = new();

        Assert.Equal(Logits(model).Output, Logits(model, "--exit-layer", "4").Output);
    }

    [Theory]
    [InlineData("give 1 to 4", "--exit-layer", "5")]
    [InlineData("layers 0 to 3", "--skip-attention", "4")]
    [InlineData("layers 0 to 3", "--skip-mlp", "0-4")]
    public void Layers_that_the_model_does_not_have_are_bad_input(string said, params string[] plan)
    {
        using FixtureCheckpoint model = new();
        ToolRun run = Logits(model, plan);

        Assert.Equal(1, run.ExitCode);
        Assert.Equal("", run.Output);
        Assert.Contains(said, Assert.Single(run.Complaints), StringComparison.Ordinal);
    }

    [Fact]
    public void A_sequence_as_long_as_the_model_allows_is_scored_and_a_longer_one_refused()
    {
        using FixtureCheckpoint model = new();
        string full = string.Join(',', Enumerable.Range(0, 512));

        Assert.Equal(512, ToolRun.On(model, "logits", "--tokens", full).Ints("argmax_per_position").Length);
        ToolRun longer = ToolRun.On(model, "logits", "--tokens", full + ",1");
        Assert.Equal(1, longer.ExitCode);
        Assert.Contains("513 tokens are too many", Assert.Single(longer.Complaints), StringComparison.Ordinal);
    }

    private static ToolRun Logits(FixtureCheckpoint model, params string[] plan) =>
        ToolRun.On(model, "logits", ["--tokens", string.Join(',', model.ExpectedInts("tokens")), .. plan]);

    private static string List(JsonElement skip, string key) => string.Join(',', skip.GetProperty(key).EnumerateArray().Select(layer => layer.GetInt32()));

    private static void AssertAgrees(JsonElement expected, ToolRun run)
    {
        Assert.Equal(0, run.ExitCode);
        double[] wanted = Doubles(expected.GetProperty("logits_last"));
        double[] found = Doubles(run.Json.GetProperty("logits_last"));
        Assert.Equal(wanted.Length, found.Length);
        Assert.All(wanted.Zip(found), pair => Assert.InRange(pair.Second, pair.First - LogitTolerance, pair.First + LogitTolerance));

        int[] best = run.Ints("argmax_per_position");
        double[] margins = Doubles(expected.GetProperty("margin_per_position"));
        Assert.Equal(margins.Length, best.Length);
        for (int i = 0; i < best.Length; i++)
        {
            Assert.True(
                margins[i] <= 2 * LogitTolerance || best[i] == expected.GetProperty("argmax_per_position")[i].GetInt32(), $"position {i}, margin {margins[i]}");
        }
    }

    private static double[] Doubles(JsonElement numbers) => [.. numbers.EnumerateArray().Select(number => number.GetDouble())];
}
