using System.Text.Json;
using SpecDecode.Constraints;
using SpecDecode.Generation;
using SpecDecode.Tests.Generation;

#pragma warning disable xUnit1051 // Every call takes a second at most.

namespace SpecDecode.Tests.Tool;

/// <summary>The options of <c>generate</c> about what a text may have and where it ends.</summary>
[Collection(nameof(TalesModels))]
public class RequestCommandTests(TalesModels models)
{
    private static readonly string[] Command = ["generate", "--model", TestFolders.StoryModel, "--cache-folder", TestFolders.WeightCache, "--prompt", "Once upon a time"];

    [Fact]
    public void Json_tells_the_stop_the_log_probabilities_and_the_choices()
    {
        JsonElement stopped = ToolRun.Of([.. Command, "--json", "--stop", "girl", "--logprobs", "2", "--prompt-logprobs", "0", "--draft", "early-exit", "--exit-layer", "2"]).Json;
        Assert.Equal(("stop", "girl", ", there was a little "), (Text(stopped, "finish_reason"), Text(stopped, "stop"), Text(stopped, "text")));
        Assert.Equal(stopped.GetProperty("tokens").GetArrayLength(), stopped.GetProperty("logprobs").GetArrayLength());
        Assert.Equal(stopped.GetProperty("prompt_tokens").GetInt32() - 1, stopped.GetProperty("prompt_logprobs").GetArrayLength());
        JsonElement first = stopped.GetProperty("logprobs")[0];
        Assert.Equal((45, 2, 45), (first.GetProperty("token").GetInt32(), first.GetProperty("top").GetArrayLength(), first.GetProperty("top")[0].GetProperty("token").GetInt32()));
        Assert.True(first.GetProperty("logprob").GetDouble() < 0);

        JsonElement token = ToolRun.Of([.. Command, "--json", "--stop-tokens", "288", "--min-tokens", "1"]).Json;
        Assert.Equal(("stop", 288, false), (Text(token, "finish_reason"), token.GetProperty("stop_token").GetInt32(), token.TryGetProperty("stop", out _)));

        JsonElement several = ToolRun.Of([.. Command, "--json", "--max-tokens", "8", "-n", "3", "--temperature", "1", "--seed", "5"]).Json;
        JsonElement[] choices = [.. several.GetProperty("choices").EnumerateArray()];
        Assert.Equal(3, choices.Length);
        Assert.Equal(Text(several, "text"), Text(choices[0], "text"));
        Assert.All(choices, choice => Assert.Equal((8, "length"), (choice.GetProperty("tokens").GetArrayLength(), Text(choice, "finish_reason"))));

        JsonElement late = ToolRun.Of([.. Command, "--json", "--max-tokens", "100000", "--ignore-eos", "--deadline", "0.001"]).Json;
        Assert.Equal("deadline", Text(late, "finish_reason"));
    }

    [Theory]
    [InlineData("--include-stop", "--include-stop has no effect without --stop")]
    [InlineData("--logprobs 3", "--logprobs has no effect without --json")]
    [InlineData("--logprobs 21 --json", "give a whole number from 0 to 20")]
    [InlineData("--penalty-window 3", "--penalty-window has no effect without a penalty")]
    [InlineData("--priority 1", "--priority has no effect without --prompts")]
    [InlineData("--frequency-penalty 3", "give a number from -2 to 2")]
    [InlineData("--repetition-penalty 0", "give a number above 0, at most 100")]
    [InlineData("--logit-bias 1", "'1' is not a token id and a number")]
    [InlineData("--logit-bias 1=2,1=3", "names token 1 twice")]
    [InlineData("--deadline 0", "give seconds above 0")]
    [InlineData("-n 3 --best-of 2", "--best-of is less than -n")]
    [InlineData("-n 0", "give a whole number from 1 to 128")]
    public void What_is_wrong_or_has_no_effect_is_refused(string words, string sentence)
    {
        ToolRun run = ToolRun.Of([.. Command, .. words.Split(' ')]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(sentence, run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--logit-bias 99999=1", "The token 99999 of LogitBias is not in the vocabulary")]
    [InlineData("--min-tokens 9 --max-tokens 8", "MinTokens is 9: give 0 to MaxTokens, which is 8")]
    public void What_does_not_go_with_the_model_or_the_rest_is_refused(string words, string sentence)
    {
        ToolRun run = ToolRun.Of([.. Command, .. words.Split(' ')]);
        Assert.Equal(1, run.ExitCode);
        Assert.DoesNotContain("Parameter", run.Error, StringComparison.Ordinal);
        Assert.Contains(sentence, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Lines_of_many_prompts_say_it_for_themselves()
    {
        using TemporaryFolder folder = new();
        string file = Path.Combine(folder.Path, "prompts.jsonl");
        File.WriteAllLines(file,
        [
            """{"prompt":"Once upon a time","stop":["girl","boy"],"logprobs":1}""",
            """{"prompt":"Once upon a time","stop":"named","include_stop":true,"min_tokens":3}""",
            """{"prompt":"Once upon a time","ban":"little girl","logit_bias":{"407":-100},"repetition_penalty":1.2,"n":2,"max_tokens":6}""",
            """{"prompt":"Once upon a time","stop":[]}""",
            """{"prompt":"Once upon a time","logit_bias":{"x":1}}""",
            """{"prompt":"Once upon a time","frequency_penalty":9}""",
        ]);
        ToolRun run = ToolRun.Of("generate", "--model", TestFolders.StoryModel, "--cache-folder", TestFolders.WeightCache, "--prompts", file, "--quiet");
        JsonElement[] lines = [.. run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize<JsonElement>(line)).OrderBy(line => line.GetProperty("line").GetInt32())];
        Assert.Equal((", there was a little ", "girl"), (Text(lines[0], "text"), Text(lines[0], "stop")));
        Assert.Equal(lines[0].GetProperty("output_tokens").GetInt32(), lines[0].GetProperty("logprobs").GetArrayLength());
        Assert.EndsWith("named", Text(lines[1], "text"), StringComparison.Ordinal);
        Assert.Equal(2, lines[2].GetProperty("choices").GetArrayLength());
        Assert.Equal("'stop' must be a text or an array of texts, none of them empty.", Text(lines[3], "error"));
        Assert.Equal("'logit_bias' must be an object of numbers by token id.", Text(lines[4], "error"));
        Assert.Equal("'frequency_penalty' must be a number from -2 to 2.", Text(lines[5], "error"));
    }

    [Fact]
    public void The_constraint_that_the_page_shows_does_what_it_says()
    {
        GenerationRequest request = new() { Prompt = "Once upon a time", MaxTokens = 120, IgnoreEndOfSequence = true, Constraints = [new NoRepeatedPair()] };
        int[] all = [.. models.Wide.Tokenizer!.Encode(request.Prompt), .. models.Wide.Generate(request).Tokens];
        Assert.Equal(all.Length - 1, all.Zip(all.Skip(1)).Distinct().Count());
        Assert.Equal(all[^120..], models.Wide.Generate(request with { Drafting = SpecDecode.Drafting.DraftingOptions.EarlyExit(2) }).Tokens);

        string page = File.ReadAllText(Path.Combine(TestFolders.Repository, "docs", "requests.md"));
        Assert.Contains("if (_tokens[i - 1] == _tokens[^1])\n                {\n                    logits[_tokens[i]] = float.NegativeInfinity;", page, StringComparison.Ordinal);
    }

    private static string? Text(JsonElement json, string key) => json.GetProperty(key).GetString();

    private sealed class NoRepeatedPair : ITokenConstraint
    {
        public ITokenConstraintState Begin(TokenConstraintContext context) => new State(context.Prompt.ToArray());

        private sealed class State(IEnumerable<int> prompt) : ITokenConstraintState
        {
            private readonly List<int> _tokens = [.. prompt];

            public void Advance(int token) => _tokens.Add(token);

            public void Rollback(int count) => _tokens.RemoveRange(_tokens.Count - count, count);

            public void Process(Span<float> logits)
            {
                for (int i = 1; i < _tokens.Count; i++)
                {
                    if (_tokens[i - 1] == _tokens[^1])
                    {
                        logits[_tokens[i]] = float.NegativeInfinity;
                    }
                }
            }
        }
    }
}
