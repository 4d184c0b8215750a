namespace SpecDecode.Tests.Tool;

public sealed class HelpAndMisuseTests
{
    [Theory]
    [InlineData("--help")]
    [InlineData("-h")]
    [InlineData("-?")]
    [InlineData("generate", "--help")]
    [InlineData("generate", "--model", "nowhere", "--help")]
    [InlineData("logits", "--help")]
    [InlineData("logits", "-h")]
    [InlineData("bench", "--help")]
    [InlineData("info", "--help")]
    [InlineData("prepare", "--help")]
    [InlineData("perplexity", "--help")]
    [InlineData("calibrate", "--help")]
    [InlineData("layers", "--help")]
    [InlineData("prune", "--help")]
    [InlineData("tokenize", "--help")]
    [InlineData("detokenize", "--help")]
    [InlineData("template", "--help")]
    public void Help_goes_to_stdout_and_is_no_error(params string[] arguments)
    {
        ToolRun run = ToolRun.Of(arguments);

        Assert.Equal(0, run.ExitCode);
        Assert.Equal("", run.Error);
        Assert.Contains("Usage:", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("generate", "--model --prompt --prompt-file --tokens --max-tokens --ignore-eos --threads --cache-folder --json "
        + "--draft --exit-layer --skip-attention --skip-mlp --draft-length --draft-threshold --draft-policy --prompts --output --concurrency --quiet --verify-weights")]
    [InlineData("info", "--model --json")]
    [InlineData("logits", "--model --tokens --exit-layer --skip-attention --skip-mlp --threads --cache-folder "
        + "--precision --head-precision --block-size --activations --verify-weights")]
    [InlineData("prepare", "--model --precision --head-precision --block-size --output --cache-folder --verify-weights --json")]
    [InlineData("perplexity", "--model --text --max-tokens --threads --cache-folder --precision --head-precision --block-size --activations --verify-weights --json")]
    [InlineData("calibrate", "--model --prompts --method --budget --max-tokens --seed --measure --precision --draft-precision --output --svg --json --quiet --threads --cache-folder")]
    [InlineData("layers", "--model --text --max-tokens --svg --html --json --quiet --threads --cache-folder --precision --head-precision --block-size --activations --verify-weights")]
    [InlineData("prune", "--model --drop-layers --profile --keep-ratio --method --output --text --max-tokens --json --quiet --threads --cache-folder --precision")]
    [InlineData("tokenize", "--model --tokenizer --text --file --special --parse-special --json")]
    [InlineData("detokenize", "--model --tokenizer --tokens --special --json")]
    [InlineData("template", "--template --case")]
    public void Help_of_a_command_names_each_of_its_options(string command, string options)
    {
        string help = ToolRun.Of(command, "--help").Output;

        Assert.All(options.Split(' '), option => Assert.Contains($"  {option} ", help, StringComparison.Ordinal));
    }

    [Fact]
    public void A_command_is_found_by_the_name_that_it_has() => Assert.All(
        SpecDecode.Tool.CommandLine.Commands(TextWriter.Null, TextWriter.Null, CancellationToken.None), command => Assert.Equal(command.Name, command.Create().Name));

    [Fact]
    public void Help_names_the_commands() =>
        Assert.All(
            ["generate", "info", "logits", "bench", "prepare", "perplexity", "layers", "prune", "calibrate", "tokenize", "detokenize", "template"],
            command => Assert.Contains($"  {command} ", ToolRun.Of("--help").Output, StringComparison.Ordinal));

    [Theory]
    [InlineData("no command")]
    [InlineData("unknown command", "bogus")]
    [InlineData("no model", "generate", "--tokens", "1")]
    [InlineData("no prompt", "generate", "--model", "m")]
    [InlineData("prompt and file", "generate", "--model", "m", "--prompt", "a", "--prompt-file", "f")]
    [InlineData("prompt and tokens", "generate", "--model", "m", "--prompt", "a", "--tokens", "1")]
    [InlineData("no folder", "info")]
    [InlineData("prompts and prompt", "generate", "--model", "m", "--prompts", "p", "--prompt", "a")]
    [InlineData("output of one prompt", "generate", "--model", "m", "--prompt", "a", "--output", "o")]
    [InlineData("concurrency of one prompt", "generate", "--model", "m", "--prompt", "a", "--concurrency", "2")]
    [InlineData("json for json lines", "generate", "--model", "m", "--prompts", "p", "--json")]
    [InlineData("two from standard input", "template", "--template", "-", "--case", "-")]
    [InlineData("no tokens", "logits", "--model", "m")]
    [InlineData("no template", "template", "--case", "c")]
    [InlineData("no case", "template", "--template", "t")]
    [InlineData("prompt for logits", "logits", "--model", "m", "--prompt", "a")]
    [InlineData("option without its value", "generate", "--model", "m", "--tokens")]
    [InlineData("unknown option", "generate", "--model", "m", "--tokens", "1", "--warmth", "1")]
    [InlineData("a stray word", "generate", "--model", "m", "--tokens", "1", "word")]
    [InlineData("the model twice", "generate", "--model", "m", "--model", "n", "--tokens", "1")]
    [InlineData("empty tokens", "generate", "--model", "m", "--tokens", "")]
    [InlineData("a hole in tokens", "generate", "--model", "m", "--tokens", "1,,2")]
    [InlineData("tokens of words", "generate", "--model", "m", "--tokens", "one")]
    [InlineData("negative token", "generate", "--model", "m", "--tokens", "1,-2")]
    [InlineData("fraction", "generate", "--model", "m", "--tokens", "1.5")]
    [InlineData("token beyond 32 bits", "generate", "--model", "m", "--tokens", "4294967297")]
    [InlineData("no new tokens", "generate", "--model", "m", "--tokens", "1", "--max-tokens", "0")]
    [InlineData("fewer than none", "generate", "--model", "m", "--tokens", "1", "--max-tokens", "-3")]
    [InlineData("max tokens in words", "generate", "--model", "m", "--tokens", "1", "--max-tokens", "many")]
    [InlineData("max tokens beyond 32 bits", "generate", "--model", "m", "--tokens", "1", "--max-tokens", "9999999999")]
    [InlineData("no threads", "generate", "--model", "m", "--tokens", "1", "--threads", "0")]
    [InlineData("threads for logits", "logits", "--model", "m", "--tokens", "1", "--threads", "-1")]
    [InlineData("exit layer 0", "logits", "--model", "m", "--tokens", "1", "--exit-layer", "0")]
    [InlineData("exit and skip attention", "logits", "--model", "m", "--tokens", "1", "--exit-layer", "1", "--skip-attention", "0")]
    [InlineData("exit and skip mlp", "logits", "--model", "m", "--tokens", "1", "--exit-layer", "1", "--skip-mlp", "0")]
    [InlineData("range backwards", "logits", "--model", "m", "--tokens", "1", "--skip-mlp", "3-1")]
    [InlineData("range of three", "logits", "--model", "m", "--tokens", "1", "--skip-mlp", "1-2-3")]
    [InlineData("range without end", "logits", "--model", "m", "--tokens", "1", "--skip-mlp", "1-")]
    [InlineData("range without start", "logits", "--model", "m", "--tokens", "1", "--skip-mlp", "-1")]
    [InlineData("a range of millions", "logits", "--model", "m", "--tokens", "1", "--skip-attention", "0-2147483647")]
    [InlineData("no tokenizer", "tokenize", "--text", "a")]
    [InlineData("model and tokenizer", "tokenize", "--model", "m", "--tokenizer", "t", "--text", "a")]
    [InlineData("no text", "tokenize", "--model", "m")]
    [InlineData("text and file", "tokenize", "--model", "m", "--text", "a", "--file", "f")]
    [InlineData("no tokens", "detokenize", "--model", "m")]
    [InlineData("tokens of words to text", "detokenize", "--model", "m", "--tokens", "a")]
    [InlineData("a hole in tokens to text", "detokenize", "--model", "m", "--tokens", "1,,2")]
    [InlineData("negative token to text", "detokenize", "--model", "m", "--tokens", "-1")]
    [InlineData("empty list", "logits", "--model", "m", "--tokens", "1", "--skip-attention", "")]
    public void Misuse_is_exit_code_2_with_a_hint_on_stderr(string what, params string[] arguments)
    {
        ToolRun run = ToolRun.Of(arguments);

        Assert.True(run.ExitCode == 2, $"{what}: {run.ExitCode} {run.Error}");
        Assert.Equal("", run.Output);
        string[] lines = run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.StartsWith("See: specdecode", lines[^1], StringComparison.Ordinal);
        Assert.All(lines[..^1], line => Assert.StartsWith("specdecode: ", line, StringComparison.Ordinal));
        Assert.True(lines.Length >= 2, run.Error);
    }

    [Theory]
    [InlineData("did you mean generate?", "genrate")]
    [InlineData("did you mean generate?", "gen")]
    [InlineData("did you mean detokenize?", "detokenise")]
    [InlineData("did you mean --version?", "--verson")]
    [InlineData("'frobnicate' is not a command.", "frobnicate")]
    [InlineData("'--max-token' is not an option of generate; did you mean --max-tokens?", "generate", "--model", "m", "--tokens", "1", "--max-token", "3")]
    [InlineData("'--max-token=3' is not an option of generate; did you mean --max-tokens?", "generate", "--model", "m", "--tokens", "1", "--max-token=3")]
    [InlineData("'--temprature' is not an option of bench; did you mean --temperature?", "bench", "--model", "m", "--prompts", "p", "--temprature", "1")]
    [InlineData("'--warmth' is not an option of generate.", "generate", "--model", "m", "--tokens", "1", "--warmth", "1")]
    [InlineData("did you mean --json?", "info", "--model", "m", "--jsno")]
    public void What_is_mistyped_is_answered_with_what_may_have_been_meant(string said, params string[] arguments)
    {
        ToolRun run = ToolRun.Of(arguments);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains(said, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Rounding_of_rows_where_nothing_is_quantised_is_refused()
    {
        using FixtureCheckpoint model = new();
        ToolRun run = ToolRun.On(model, "logits", "--tokens", "1", "--activations", "fp32");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("--activations has no effect", Assert.Single(run.Complaints), StringComparison.Ordinal);
        Assert.Equal(0, ToolRun.On(model, "logits", "--tokens", "1", "--activations", "fp32", "--precision", "int8").ExitCode);
    }
}
