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
    [InlineData("""{"prompt": "a", "max_tokens": 0}""", "max_tokens")]
    [InlineData("""{"prompt": "a", "best_of": 4}""", "best_of")]
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
