using System.Text.Json;
using System.Text.Json.Nodes;
using SpecDecode.Tool;

namespace SpecDecode.Tests.Tool;

public sealed class GenerateCommandTests : IDisposable
{
    private readonly FixtureCheckpoint _model = new();

    public void Dispose() => _model.Dispose();

    [Fact]
    public void Tokens_are_continued_greedily_as_the_reference_does()
    {
        ToolRun run = Generate(_model.GreedyPrompt(), "--max-tokens", "48", "--ignore-eos");

        Assert.Equal(_model.ExpectedInts("greedy"), run.Ints("tokens"));
        Assert.Equal(8, run.Json.GetProperty("prompt_tokens").GetInt32());
        Assert.Equal("length", run.Json.GetProperty("finish_reason").GetString());
    }

    [Fact]
    public void The_json_result_is_one_line_with_exactly_the_promised_keys()
    {
        ToolRun run = Generate([5, 6, 7], "--max-tokens", "3");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(run.Output.Length - Environment.NewLine.Length, run.Output.IndexOf(Environment.NewLine, StringComparison.Ordinal));
        Assert.Equal(
            ["prompt_tokens", "tokens", "text", "finish_reason", "seed", "acceptance", "tokens_per_second", "load_seconds", "prefill_seconds", "decode_seconds",
            "rounds", "drafted", "accepted", "accepted_per_position", "mean_acceptance_length", "acceptance_rate"],
            run.Json.EnumerateObject().Select(property => property.Name));

        // Two tokens come after the first, which ends the prompt's time.
        Assert.Equal(2, run.Json.GetProperty("tokens_per_second").GetDouble() * run.Json.GetProperty("decode_seconds").GetDouble(), 0.1);
        Assert.All(["tokens_per_second", "load_seconds", "prefill_seconds", "decode_seconds"], key => Assert.True(run.Json.GetProperty(key).GetDouble() > 0, key));
    }

    [Fact]
    public void There_are_128_new_tokens_by_default_and_never_more_than_the_model_has_room_for()
    {
        Assert.Equal(128, Generate([5], "--ignore-eos").Ints("tokens").Length);

        ToolRun full = Generate([.. Enumerable.Repeat(5, 500)], "--ignore-eos", "--max-tokens", "2147483647");
        Assert.Equal(12, full.Ints("tokens").Length);
        Assert.Equal("length", full.Json.GetProperty("finish_reason").GetString());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void End_of_sequence_ids_of_both_config_files_end_the_text(bool inConfig)
    {
        int[] greedy = _model.ExpectedInts("greedy");
        int end = greedy[6];
        int other = Enumerable.Range(0, 512).First(id => !greedy.Contains(id));
        _model.Config(("eos_token_id", inConfig ? end : other));
        _model.Write("generation_config.json", new JsonObject { ["eos_token_id"] = new JsonArray(other, inConfig ? other : end) }.ToJsonString());

        ToolRun run = Generate(_model.GreedyPrompt(), "--max-tokens", "48");
        Assert.Equal(greedy[..(Array.IndexOf(greedy, end) + 1)], run.Ints("tokens"));
        Assert.Equal("stop", run.Json.GetProperty("finish_reason").GetString());
        Assert.Equal(greedy, Generate(_model.GreedyPrompt(), "--max-tokens", "48", "--ignore-eos").Ints("tokens"));
    }

    [Fact]
    public void Without_a_tokenizer_token_ids_work_and_the_text_is_null_with_a_warning()
    {
        ToolRun run = Generate([5, 6], "--max-tokens", "2");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(JsonValueKind.Null, run.Json.GetProperty("text").ValueKind);
        Assert.Contains("specdecode: warning: ", run.Error, StringComparison.Ordinal);
        Assert.Contains("tokenizer.json", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "model": { "type": "WordLevel", "vocab": {} } }""", "WordLevel")]
    [InlineData("""{ "model": { "type": "WordPiece", "vocab": {} } }""", "WordPiece")]
    public void A_tokenizer_kind_that_is_not_supported_is_a_warning_and_prompts_of_text_are_refused(string tokenizer, string kind)
    {
        _model.Write("tokenizer.json", tokenizer);

        ToolRun ids = Generate([5, 6], "--max-tokens", "2");
        Assert.Equal(0, ids.ExitCode);
        Assert.Equal(JsonValueKind.Null, ids.Json.GetProperty("text").ValueKind);
        Assert.Contains(kind, ids.Error, StringComparison.Ordinal);
        Assert.Empty(ids.Complaints);

        ToolRun text = ToolRun.On(_model, "generate", "--prompt", "a");
        Assert.Equal(1, text.ExitCode);
        Assert.Equal("", text.Output);
        Assert.Single(text.Complaints);
    }

    [Fact]
    public void What_a_tokenizer_warns_of_goes_to_stderr_with_the_model()
    {
        _model.Write("tokenizer.json", """
            { "added_tokens": [ { "id": 7, "content": "a", "special": false } ], "model": { "type": "BPE", "vocab": { "a": 0 }, "merges": [] } }
            """);

        ToolRun run = Generate([5, 6], "--max-tokens", "2");

        Assert.Equal(0, run.ExitCode);
        Assert.Empty(run.Complaints);
        Assert.Contains("'added_tokens[0]' gives the token 'a' the id 7, but it counts as 0", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_json_and_tokenizer_stdout_is_the_new_ids()
    {
        ToolRun run = ToolRun.On(_model, "generate", "--tokens", string.Join(',', _model.GreedyPrompt()), "--max-tokens", "5", "--ignore-eos");

        Assert.Equal(string.Join(',', _model.ExpectedInts("greedy")[..5]) + Environment.NewLine, run.Output);
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("")]
    [InlineData("@file.txt")]
    [InlineData("@")]
    [InlineData("-x")]
    [InlineData("-h")]
    [InlineData("--json")]
    [InlineData("--help")]
    [InlineData("--prompt")]
    [InlineData("a \"quoted\" 'word' \\ back")]
    [InlineData("two\nlines\n")]
    [InlineData(" spaces around ")]
    [InlineData("a=b:c,d")]
    public void Any_prompt_is_taken_as_it_is_and_encoded_with_bos(string prompt)
    {
        _model.AddTokenizer();
        ToolRun run = ToolRun.On(_model, "generate", "--prompt", prompt, "--max-tokens", "3", "--json");

        Assert.Equal("", run.Error);
        Assert.Equal(0, run.ExitCode);
        Assert.Equal(prompt.Length + 1, run.Json.GetProperty("prompt_tokens").GetInt32());

        // The characters' ids, written by hand: 3 is the line break, and the printable characters follow.
        int[] ids = [1, .. prompt.Select(character => character == '\n' ? 3 : character - 0x20 + 4)];
        Assert.Equal(Generate(ids, "--max-tokens", "3").Ints("tokens"), run.Ints("tokens"));
    }

    [Fact]
    public void A_prompt_may_stand_behind_an_equals_sign()
    {
        _model.AddTokenizer();
        ToolRun run = ToolRun.On(_model, "generate", "--prompt=-a=b", "--max-tokens", "1", "--json");

        Assert.Equal(5, run.Json.GetProperty("prompt_tokens").GetInt32());
    }

    [Fact]
    public void The_streamed_text_is_the_text_of_the_json_result_and_a_line_break()
    {
        _model.AddTokenizer();
        string[] arguments = ["--prompt", "text", "--max-tokens", "40", "--ignore-eos"];
        ToolRun json = ToolRun.On(_model, "generate", [.. arguments, "--json"]);
        ToolRun text = ToolRun.On(_model, "generate", arguments);

        Assert.Equal(json.Json.GetProperty("text").GetString() + Environment.NewLine, text.Output);
        Assert.NotEqual(Environment.NewLine, text.Output);
    }

    [Theory]
    [InlineData("512", "Token id 512")]
    [InlineData("1,2,2147483647,3", "number 3 of 4")]
    public void Token_ids_beyond_the_vocabulary_are_refused(string tokens, string said)
    {
        ToolRun run = ToolRun.On(_model, "generate", "--tokens", tokens, "--json");

        Assert.Equal(1, run.ExitCode);
        Assert.Equal("", run.Output);
        Assert.Contains(said, Assert.Single(run.Complaints), StringComparison.Ordinal);
    }

    [Fact]
    public void A_tokenizer_with_more_ids_than_the_model_warns_and_refuses_the_texts_that_need_them()
    {
        _model.Config(("vocab_size", 4)).Tensors(tensor =>
            tensor.Name is "model.embed_tokens.weight" or "lm_head.weight" ? tensor with { Shape = [4, 64], Bytes = tensor.Bytes[..(4 * 64 * 2)] } : tensor);
        _model.AddTokenizer();

        ToolRun fits = ToolRun.On(_model, "generate", "--prompt", "\n", "--max-tokens", "2", "--json");
        Assert.Equal(0, fits.ExitCode);
        Assert.Contains("specdecode: warning: ", fits.Error, StringComparison.Ordinal);
        ToolRun beyond = ToolRun.On(_model, "generate", "--prompt", "a", "--max-tokens", "2", "--json");
        Assert.Equal(1, beyond.ExitCode);
        Assert.Contains("is not in the vocabulary", Assert.Single(beyond.Complaints), StringComparison.Ordinal);
    }

    [Fact]
    public void A_prompt_that_leaves_no_room_for_a_new_token_is_refused()
    {
        ToolRun run = Generate([.. Enumerable.Repeat(5, 512)], "--max-tokens", "1");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("512", Assert.Single(run.Complaints), StringComparison.Ordinal);
        Assert.Single(Generate([.. Enumerable.Repeat(5, 511)], "--max-tokens", "1").Ints("tokens"));
    }

    [Fact]
    public void A_text_that_is_cancelled_is_printed_as_far_as_it_is()
    {
        _model.AddTokenizer();
        using CancellationTokenSource interrupted = new();
        using CancellingWriter output = new(interrupted);
        using StringWriter error = new();
        int code = CommandLine.Run(
            ["generate", "--model", _model.Folder, "--cache-folder", _model.Cache, "--prompt", "text", "--ignore-eos"], output, error, interrupted.Token);

        Assert.Equal(130, code);
        Assert.StartsWith("specdecode: ", Assert.Single(error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries), line => line.Contains(" tokens", StringComparison.Ordinal)), StringComparison.Ordinal);
        string whole = ToolRun.On(_model, "generate", "--prompt", "text", "--ignore-eos").Output;
        string part = output.ToString().TrimEnd();
        Assert.StartsWith(part, whole, StringComparison.Ordinal);
        Assert.True(part.Length < 4, part);
    }

    [Fact]
    public void A_cancelled_text_says_so_in_json()
    {
        using CancellationTokenSource interrupted = new();
        using StringWriter output = new();

        // The warning about the missing tokenizer comes when the model is loaded, right before the text begins.
        using CancellingWriter error = new(interrupted);
        int code = CommandLine.Run(
            ["generate", "--model", _model.Folder, "--cache-folder", _model.Cache, "--tokens", "5", "--json"], output, error, interrupted.Token);

        ToolRun run = new(code, output.ToString(), error.ToString());
        Assert.Equal(130, run.ExitCode);
        Assert.Equal("cancelled", run.Json.GetProperty("finish_reason").GetString());
        Assert.Empty(run.Ints("tokens"));
    }

    [Theory]
    [InlineData("generate", "--json")]
    [InlineData("logits", "--skip-mlp=0")]
    public void Cancelled_before_there_is_a_result_is_a_sentence_and_leaves_no_half_written_weights(string command, string option)
    {
        using StringWriter output = new();
        using StringWriter error = new();
        int code = CommandLine.Run(
            [command, "--model", _model.Folder, "--cache-folder", _model.Cache, "--tokens", "5", option], output, error, new CancellationToken(true));

        Assert.Equal(130, code);
        Assert.Equal("", output.ToString());
        Assert.Contains("cancelled", error.ToString(), StringComparison.Ordinal);
        Assert.False(Directory.Exists(_model.Cache) && Directory.EnumerateFiles(_model.Cache, "*.tmp").Any());
    }

    private ToolRun Generate(int[] tokens, params string[] more) =>
        ToolRun.On(_model, "generate", ["--tokens", string.Join(',', tokens), "--json", .. more]);

    /// <summary>Cancels at the first thing that is written and holds.</summary>
    private sealed class CancellingWriter(CancellationTokenSource source) : StringWriter
    {
        public override void Write(string? value)
        {
            base.Write(value);
            if (value?.Length > 0)
            {
                source.Cancel();
            }
        }

        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            source.Cancel();
        }
    }
}
