using System.Text.Json;
using SpecDecode.Generation;

namespace SpecDecode.Tests.Endpoints;

/// <summary>Prompts that are continued, held to what the generator itself says.</summary>
public sealed class CompletionTests(StoryServer story)
{
    private const string Prompt = "Once upon a time";

    [Fact]
    public async Task A_prompt_is_continued_as_text_and_as_tokens()
    {
        GenerationResult expected = await story.Generator.CompleteAsync(new GenerationRequest { Prompt = Prompt, MaxTokens = 10 }, TestContext.Current.CancellationToken);
        int[] tokens = story.Generator.Tokenizer!.Encode(Prompt);
        foreach (string prompt in (string[])[JsonSerializer.Serialize(Prompt), JsonSerializer.Serialize(tokens), JsonSerializer.Serialize((string[])[Prompt]), JsonSerializer.Serialize((int[][])[tokens])])
        {
            (int status, JsonElement body, _) = await story.Server.PostAsync("/v1/completions", $$"""{"model": "tales-10m", "max_tokens": 10, "prompt": {{prompt}}}""");
            Assert.Equal(200, status);
            Assert.Equal("text_completion", body.GetProperty("object").GetString());
            Assert.Equal(expected.Text, body.GetProperty("choices")[0].GetProperty("text").GetString());
            Assert.Equal("length", body.GetProperty("choices")[0].GetProperty("finish_reason").GetString());
            Assert.Equal(expected.PromptTokens, body.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
        }
    }

    [Fact]
    public async Task Several_prompts_each_have_their_texts_and_echo_their_prompt()
    {
        (_, JsonElement body, _) = await story.Server.PostAsync("/v1/completions", """
            {"prompt": ["Once upon a time", "The dog"], "n": 2, "echo": true, "max_tokens": 6, "temperature": 1, "seed": 3}
            """);
        JsonElement[] choices = [.. body.GetProperty("choices").EnumerateArray()];
        Assert.Equal([0, 1, 2, 3], choices.Select(choice => choice.GetProperty("index").GetInt32()));
        Assert.All(choices[..2], choice => Assert.StartsWith("Once upon a time", choice.GetProperty("text").GetString(), StringComparison.Ordinal));
        Assert.All(choices[2..], choice => Assert.StartsWith("The dog", choice.GetProperty("text").GetString(), StringComparison.Ordinal));
        Assert.Equal(24, body.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        int prompts = story.Generator.Tokenizer!.Encode("Once upon a time").Length + story.Generator.Tokenizer.Encode("The dog").Length;
        Assert.Equal(prompts, body.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
    }

    [Fact]
    public async Task A_stream_is_the_same_text_in_pieces()
    {
        (_, JsonElement whole, _) = await story.Server.PostAsync("/v1/completions", """{"prompt": "Once upon a time", "max_tokens": 12, "echo": true, "include_metrics": true}""");
        (List<JsonElement> events, bool isDone) = await story.Server.StreamAsync("/v1/completions", """{"prompt": "Once upon a time", "max_tokens": 12, "echo": true, "stream": true, "include_metrics": true}""");
        Assert.True(isDone);
        Assert.Equal(whole.GetProperty("choices")[0].GetProperty("text").GetString(), string.Concat(events.Select(one => one.GetProperty("choices")[0].GetProperty("text").GetString())));
        Assert.Equal("length", events[^1].GetProperty("choices")[0].GetProperty("finish_reason").GetString());
        Assert.Equal(whole.GetProperty("metrics").GetRawText(), events[^1].GetProperty("metrics").GetRawText());
    }

    [Theory]
    [InlineData("/v1/completions", "prompt", "prompt_tokens_details")]
    [InlineData("/v1/responses", "input", "input_tokens_details")]
    public async Task Requests_with_the_same_salt_share_what_was_read_and_others_do_not(string path, string field, string details)
    {
        string prompt = JsonSerializer.Serialize($"Once upon a time a dog, a cat and a bird went to the park and found a big red ball there, number {Guid.NewGuid()}.");
        List<int> found = [];
        foreach (string salt in (string[])["a", "a", "b"])
        {
            (int status, JsonElement body, _) = await story.Server.PostAsync(path, $$"""{"{{field}}": {{prompt}}, "cache_salt": "{{salt}}"}""");
            Assert.Equal(200, status);
            found.Add(body.GetProperty("usage").GetProperty(details).GetProperty("cached_tokens").GetInt32());
        }

        Assert.True(found is [0, > 0, 0], string.Join(", ", found));
    }

    [Fact]
    public async Task The_best_of_several_texts_is_the_generators()
    {
        GenerationResult expected = await story.Generator.CompleteAsync(
            new GenerationRequest { Prompt = Prompt, MaxTokens = 8, Choices = 2, BestOf = 4, Sampling = story.Generator.Defaults.Sampling with { Temperature = 1, Seed = 6 } },
            TestContext.Current.CancellationToken);
        (_, JsonElement body, _) = await story.Server.PostAsync("/v1/completions", """{"prompt": "Once upon a time", "max_tokens": 8, "n": 2, "best_of": 4, "temperature": 1, "seed": 6, "logprobs": 0}""");
        Assert.Equal(expected.Choices.Select(choice => choice.Text), body.GetProperty("choices").EnumerateArray().Select(choice => choice.GetProperty("text").GetString()));
        Assert.All(body.GetProperty("choices").EnumerateArray(), choice => Assert.Equal(8, choice.GetProperty("logprobs").GetProperty("tokens").GetArrayLength()));
    }

    [Fact]
    public async Task Log_probabilities_are_in_columns_with_places_in_the_text()
    {
        const string body = """{"prompt": "Once upon a time", "max_tokens": 8, "logprobs": 2STREAM}""";
        (_, JsonElement whole, _) = await story.Server.PostAsync("/v1/completions", body.Replace("STREAM", "", StringComparison.Ordinal));
        string text = whole.GetProperty("choices")[0].GetProperty("text").GetString()!;
        JsonElement logprobs = whole.GetProperty("choices")[0].GetProperty("logprobs");
        string[] tokens = [.. logprobs.GetProperty("tokens").EnumerateArray().Select(token => token.GetString()!)];
        Assert.Equal(text, string.Concat(tokens));
        Assert.All(logprobs.GetProperty("text_offset").EnumerateArray().Zip(tokens), pair => Assert.Equal(pair.Second, text.Substring(pair.First.GetInt32(), pair.Second.Length)));
        Assert.All(logprobs.GetProperty("top_logprobs").EnumerateArray(), top => Assert.Equal(2, top.EnumerateObject().Count()));

        // Greedy: each token is the most probable one.
        Assert.All(
            logprobs.GetProperty("token_logprobs").EnumerateArray().Zip(logprobs.GetProperty("top_logprobs").EnumerateArray()),
            pair => Assert.Equal(pair.First.GetSingle(), pair.Second.EnumerateObject().Max(one => one.Value.GetSingle())));

        (List<JsonElement> events, _) = await story.Server.StreamAsync("/v1/completions", body.Replace("STREAM", ", \"stream\": true", StringComparison.Ordinal));
        JsonElement[] streamed = [.. events.Select(one => one.GetProperty("choices")[0]).Where(choice => choice.TryGetProperty("logprobs", out _)).Select(choice => choice.GetProperty("logprobs"))];
        Assert.Equal(tokens, streamed.SelectMany(one => one.GetProperty("tokens").EnumerateArray()).Select(token => token.GetString()!));
        Assert.Equal(
            logprobs.GetProperty("text_offset").EnumerateArray().Select(one => one.GetInt32()), streamed.SelectMany(one => one.GetProperty("text_offset").EnumerateArray()).Select(one => one.GetInt32()));
    }

    [Fact]
    public async Task With_the_echoed_prompt_its_tokens_are_told_too()
    {
        const string prompt = "Once upon a time, a café 😀 opened.";
        GenerationResult expected = await story.Generator.CompleteAsync(
            new GenerationRequest { Prompt = prompt, MaxTokens = 5, LogProbabilities = 2, PromptLogProbabilities = 2 }, TestContext.Current.CancellationToken);
        foreach ((string given, string more) in ((string, string)[])[(JsonSerializer.Serialize(prompt), ""), (JsonSerializer.Serialize(story.Generator.Tokenizer!.Encode(prompt)), ""), (JsonSerializer.Serialize(prompt), ", \"n\": 2, \"best_of\": 2")])
        {
            string body = $$"""{"prompt": {{given}}, "max_tokens": 5, "logprobs": 2, "echo": true{{more}}""";
            (_, JsonElement whole, _) = await story.Server.PostAsync("/v1/completions", body + "}");
            foreach (JsonElement choice in whole.GetProperty("choices").EnumerateArray())
            {
                string text = choice.GetProperty("text").GetString()!;
                Assert.Equal(prompt + expected.Text, text);
                JsonElement logprobs = choice.GetProperty("logprobs");
                JsonElement[] values = [.. logprobs.GetProperty("token_logprobs").EnumerateArray()];
                Assert.Equal(JsonValueKind.Null, values[0].ValueKind);
                Assert.Equal(JsonValueKind.Null, logprobs.GetProperty("top_logprobs")[0].ValueKind);
                Assert.Equal(
                    expected.PromptLogProbabilities!.Concat(expected.LogProbabilities!).Select(one => one.LogProbability), values[1..].Select(value => value.GetSingle()));
                Assert.All(logprobs.GetProperty("top_logprobs").EnumerateArray().Skip(1), top => Assert.InRange(top.EnumerateObject().Count(), 1, 2));

                // Each token stands where it says, whole characters at least; the one that begins the text is none of it.
                string[] tokens = [.. logprobs.GetProperty("tokens").EnumerateArray().Select(token => token.GetString()!)];
                int[] offsets = [.. logprobs.GetProperty("text_offset").EnumerateArray().Select(one => one.GetInt32())];
                Assert.Equal((expected.PromptTokens + 5, 0, 0), (tokens.Length, offsets[0], offsets[1]));
                Assert.All(
                    offsets.Zip(tokens).Skip(1).Where(pair => !pair.Second.Contains('\uFFFD', StringComparison.Ordinal)),
                    pair => Assert.Equal(pair.Second, text.Substring(pair.First, pair.Second.Length)));
                Assert.Contains(tokens, token => token.Contains('\uFFFD', StringComparison.Ordinal));
            }

            if (more.Length == 0)
            {
                (List<JsonElement> events, _) = await story.Server.StreamAsync("/v1/completions", body + ", \"stream\": true}");
                JsonElement[] choices = [.. events.Select(one => one.GetProperty("choices")[0])];
                Assert.Equal(prompt + expected.Text, string.Concat(choices.Select(choice => choice.GetProperty("text").GetString())));
                Assert.Equal(prompt, choices[0].GetProperty("text").GetString());
                foreach (string column in (string[])["tokens", "token_logprobs", "text_offset", "top_logprobs"])
                {
                    Assert.Equal(
                        whole.GetProperty("choices")[0].GetProperty("logprobs").GetProperty(column).EnumerateArray().Select(one => one.GetRawText()),
                        choices.Where(choice => choice.TryGetProperty("logprobs", out _)).SelectMany(choice => choice.GetProperty("logprobs").GetProperty(column).EnumerateArray()).Select(one => one.GetRawText()));
                }
            }
        }
    }

    [Fact]
    public async Task A_stop_string_ends_the_text_and_nothing_of_it_is_told()
    {
        GenerationResult plain = await story.Generator.CompleteAsync(new GenerationRequest { Prompt = Prompt, MaxTokens = 20 }, TestContext.Current.CancellationToken);
        string stop = plain.Text!.Substring(12, 5);
        string expected = plain.Text[..plain.Text.IndexOf(stop, StringComparison.Ordinal)];
        string body = $$"""{"prompt": "Once upon a time", "max_tokens": 20, "stop": [{{JsonSerializer.Serialize(stop)}}, "§"], "logprobs": 0STREAM}""";
        (_, JsonElement whole, _) = await story.Server.PostAsync("/v1/completions", body.Replace("STREAM", "", StringComparison.Ordinal));
        JsonElement choice = whole.GetProperty("choices")[0];
        Assert.Equal((expected, "stop"), (choice.GetProperty("text").GetString(), choice.GetProperty("finish_reason").GetString()));
        string told = string.Concat(choice.GetProperty("logprobs").GetProperty("tokens").EnumerateArray().Select(token => token.GetString()));
        Assert.DoesNotContain(stop, told, StringComparison.Ordinal);
        Assert.StartsWith(told[..Math.Min(told.Length, expected.Length)], expected, StringComparison.Ordinal);

        (List<JsonElement> events, _) = await story.Server.StreamAsync("/v1/completions", body.Replace("STREAM", ", \"stream\": true", StringComparison.Ordinal));
        Assert.Equal(expected, string.Concat(events.Select(one => one.GetProperty("choices")[0].GetProperty("text").GetString())));
        (_, whole, _) = await story.Server.PostAsync("/v1/completions", body.Replace("STREAM", ", \"include_stop_str_in_output\": true", StringComparison.Ordinal));
        Assert.Equal(expected + stop, whole.GetProperty("choices")[0].GetProperty("text").GetString());
    }

    [Fact]
    public async Task Bias_penalties_and_banned_words_are_the_engines()
    {
        GenerationResult plain = await story.Generator.CompleteAsync(new GenerationRequest { Prompt = Prompt, MaxTokens = 12 }, TestContext.Current.CancellationToken);
        int first = plain.Tokens[0];
        GenerationRequest request = new()
        {
            Prompt = Prompt, MaxTokens = 12, LogitBias = new Dictionary<int, float> { [first] = -100 }, BannedPhrases = ["girl"], MinTokens = 3,
            Sampling = story.Generator.Defaults.Sampling with { FrequencyPenalty = 1.5f, PresencePenalty = 0.5f, RepetitionPenalty = 1.2f },
        };
        GenerationResult expected = await story.Generator.CompleteAsync(request, TestContext.Current.CancellationToken);
        (_, JsonElement body, _) = await story.Server.PostAsync("/v1/completions", $$"""
            {"prompt": "Once upon a time", "max_tokens": 12, "logit_bias": {"{{first}}": -100}, "bad_words": ["girl"], "min_tokens": 3, "frequency_penalty": 1.5, "presence_penalty": 0.5, "repetition_penalty": 1.2}
            """);
        Assert.NotEqual(plain.Text, expected.Text);
        Assert.Equal(expected.Text, body.GetProperty("choices")[0].GetProperty("text").GetString());
    }

    [Theory]
    [InlineData("""{"prompt": []}""", "prompt")]
    [InlineData("""{"prompt": 3}""", "prompt")]
    [InlineData("""{}""", "prompt")]
    [InlineData("""{"prompt": [1, "a"]}""", "prompt[1]")]
    [InlineData("""{"prompt": ["a", {}]}""", "prompt[1]")]
    [InlineData("""{"prompt": [-1]}""", "prompt[0]")]
    [InlineData("""{"prompt": [1.5]}""", "prompt[0]")]
    [InlineData("""{"prompt": [99999999999]}""", "prompt[0]")]
    [InlineData("""{"prompt": ["a", "b"], "n": 12}""", "n")]
    [InlineData("""{"prompt": "a", "n": 0}""", "n")]
    [InlineData("""{"prompt": "a", "suffix": "b"}""", "suffix")]
    [InlineData("""{"prompt": "a", "cache_salt": ""}""", "cache_salt")]
    [InlineData("""{"prompt": "a", "n": 2, "best_of": 1}""", "best_of")]
    [InlineData("""{"prompt": "a", "best_of": 2, "stream": true}""", "best_of")]
    [InlineData("""{"prompt": "a", "best_of": 2, "include_tokens": true}""", "include_tokens")]
    [InlineData("""{"prompt": "a", "logprobs": 21}""", "logprobs")]
    [InlineData("""{"prompt": "a", "stop": ""}""", "stop")]
    [InlineData("""{"prompt": "a", "stop": [1]}""", "stop")]
    [InlineData("""{"prompt": "a", "bad_words": [""]}""", "bad_words")]
    [InlineData("""{"prompt": "a", "logit_bias": {"x": 1}}""", "logit_bias")]
    [InlineData("""{"prompt": "a", "logit_bias": {"1": 101}}""", "logit_bias")]
    [InlineData("""{"prompt": "a", "logit_bias": {"999999": 1}}""", null)]
    [InlineData("""{"prompt": "a", "frequency_penalty": 3}""", "frequency_penalty")]
    [InlineData("""{"prompt": "a", "min_tokens": -1}""", "min_tokens")]
    [InlineData("""{"prompt": "a", "max_tokens": 0}""", "max_tokens")]
    [InlineData("""{"prompt": "a", "best_of": 17}""", "best_of")]
    [InlineData("""{"prompt": [70000]}""", null)]
    [InlineData("""{"prompt": ""}""", null)]
    public async Task A_wrong_prompt_is_named(string body, string? field)
    {
        (int status, JsonElement answer, _) = await story.Server.PostAsync("/v1/completions", body);
        if (body.Contains("\"\"", StringComparison.Ordinal) && status == 200)
        {
            // A tokenizer that begins texts with a token of its own continues from that.
            return;
        }

        Assert.Equal((400, field), (status, answer.GetProperty("error").GetProperty("param").GetString()));
    }
}
