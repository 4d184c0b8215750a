namespace SpecDecode.Tests.Tool;

/// <summary>Where the command runs models, and in which element type.</summary>
public sealed class ProviderCommandTests
{
    [Theory]
    [InlineData("specdecode: --execution-provider is 'cuda', but the application's native ONNX Runtime has no CUDA in it: reference the package Microsoft.ML.OnnxRuntime.Gpu", "--execution-provider", "cuda", "--device-id", "1")]
    [InlineData("specdecode: --device-id is 1, but the execution provider 'cpu' has only device 0.", "--device-id", "1")]
    [InlineData("specdecode: --device-attention is true, but the execution provider 'cpu' is no device: leave it out, or use cuda.", "--device-attention", "on")]
    [InlineData("specdecode: --device-memory is 512, but the execution provider 'cpu' is no device: leave it out, or use cuda.", "--device-memory", "512")]
    [InlineData("specdecode: --cuda-graphs is true, but the execution provider 'cpu' has none: leave it out, or use cuda.", "--cuda-graphs")]
    [InlineData("specdecode: --device-segments is true, but the execution provider 'cpu' is no device, and has segments without it: leave it out, or use cuda.", "--device-segments")]
    public void What_cannot_be_had_is_one_sentence_in_the_commands_own_words(string sentence, params string[] options)
    {
        using FixtureCheckpoint model = new();
        ToolRun run = ToolRun.On(model, "generate", ["--tokens", "1", .. options]);

        Assert.Equal((1, ""), (run.ExitCode, run.Output));
        Assert.StartsWith(sentence, run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.TrimEnd().Split('\n'));
        Assert.False(Directory.Exists(model.Cache), "Something was read.");
    }

    [Theory]
    [InlineData("--execution-provider", "gpu")]
    [InlineData("--device-id", "-1")]
    [InlineData("--compute-precision", "int8")]
    [InlineData("--device-attention", "maybe")]
    [InlineData("--device-memory", "0")]
    public void Other_words_are_misuse(string option, string word)
    {
        using FixtureCheckpoint model = new();
        ToolRun run = ToolRun.On(model, "generate", "--tokens", "1", option, word);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains(option, run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("fp16")]
    [InlineData("BF16")]
    public void Sixteen_bits_round_logits_and_drafts_change_nothing(string precision)
    {
        using FixtureCheckpoint model = new();
        string[] options = ["--compute-precision", precision, "--execution-provider", "CPU", "--device-id", "0"];
        ToolRun exact = ToolRun.On(model, "logits", "--tokens", "5,3,8");
        ToolRun rounded = ToolRun.On(model, "logits", ["--tokens", "5,3,8", .. options]);
        Assert.True(rounded.ExitCode == 0, rounded.Error);
        Assert.NotEqual(exact.Output, rounded.Output);

        string[] text = ["--tokens", "5,3,8", "--max-tokens", "16", "--ignore-eos", "--json", .. options];
        ToolRun plain = ToolRun.On(model, "generate", [.. text, "--draft", "none"]);
        ToolRun drafted = ToolRun.On(model, "generate", [.. text, "--draft", "early-exit", "--exit-layer", "2"]);
        Assert.Equal(plain.Ints("tokens"), drafted.Ints("tokens"));
        Assert.True(drafted.Json.GetProperty("drafted").GetInt64() > 0);
    }
}
