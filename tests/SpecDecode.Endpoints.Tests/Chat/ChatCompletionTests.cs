using System.ClientModel;
using System.Text;
using System.Text.Json;
using OpenAI.Chat;
using SpecDecode.Generation;

namespace SpecDecode.Tests.Endpoints;

/// <summary>Chats with the story model by OpenAI's own client, held to what the generator itself says.</summary>
public sealed class ChatCompletionTests(StoryServer story)
{
    private static readonly SystemChatMessage System = new("Tell stories.");
    private static readonly UserChatMessage User = new("Once upon a time, a girl named Lily");

    private ChatClient Client => story.Server.Client().GetChatClient("tales-10m");

    [Fact]
    public async Task An_answer_is_the_generators_with_its_usage()
    {
        GenerationResult expected = await Expected();
        ChatCompletion answer = await Client.CompleteChatAsync([System, User], cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(expected.Text, answer.Content[0].Text);
        Assert.Equal(ChatFinishReason.Length, answer.FinishReason);
        Assert.Equal("tales-10m", answer.Model);
        Assert.StartsWith("chatcmpl-", answer.Id, StringComparison.Ordinal);
        Assert.Equal((expected.PromptTokens, expected.Tokens.Count), (answer.Usage.InputTokenCount, answer.Usage.OutputTokenCount));
        Assert.Equal(answer.Usage.InputTokenCount + answer.Usage.OutputTokenCount, answer.Usage.TotalTokenCount);

        // What the generator has read is found again, in whole pages of 16.
        Assert.Equal((expected.PromptTokens - 1) / 16 * 16, answer.Usage.InputTokenDetails.CachedTokenCount);
        Assert.True(expected.Drafting.Accepted > 0, "Nothing was accepted, so nothing is tested.");
        Assert.Equal((expected.Drafting.Accepted, expected.Drafting.Discarded), (answer.Usage.OutputTokenDetails.AcceptedPredictionTokenCount, answer.Usage.OutputTokenDetails.RejectedPredictionTokenCount));
    }

    [Fact]
    public async Task A_stream_is_the_same_text_in_pieces_with_usage_at_its_end()
    {
        GenerationResult expected = await Expected();
        StringBuilder text = new();
        int updates = 0;
        ChatTokenUsage? usage = null;
        ChatFinishReason? reason = null;
        await foreach (StreamingChatCompletionUpdate update in Client.CompleteChatStreamingAsync([System, User], cancellationToken: TestContext.Current.CancellationToken))
        {
            updates++;
            foreach (ChatMessageContentPart part in update.ContentUpdate)
            {
                text.Append(part.Text);
            }

            usage = update.Usage ?? usage;
            reason = update.FinishReason ?? reason;
        }

        Assert.Equal(expected.Text, text.ToString());
        Assert.True(updates > 10, $"{updates} updates");
        Assert.Equal(ChatFinishReason.Length, reason);
        Assert.Equal(expected.Tokens.Count, usage!.OutputTokenCount);
    }

    [Fact]
    public async Task A_stream_has_no_usage_unless_it_is_asked_for()
    {
        const string body = """{"model": "tales-10m", "stream": true, "max_tokens": 3, "messages": [{"role": "user", "content": "Hi"}]}""";
        (List<JsonElement> events, bool isDone) = await story.Server.StreamAsync("/v1/chat/completions", body);
        Assert.True(isDone);
        Assert.All(events, one => Assert.False(one.TryGetProperty("usage", out _)));
        Assert.All(events, one => Assert.Equal("chat.completion.chunk", one.GetProperty("object").GetString()));
        Assert.Equal("assistant", events[0].GetProperty("choices")[0].GetProperty("delta").GetProperty("role").GetString());
        Assert.Equal("length", events[^1].GetProperty("choices")[0].GetProperty("finish_reason").GetString());

        (events, isDone) = await story.Server.StreamAsync("/v1/chat/completions", body.Replace("\"stream\": true", "\"stream\": true, \"stream_options\": {\"include_usage\": true}", StringComparison.Ordinal));
        Assert.True(isDone);
        Assert.Empty(events[^1].GetProperty("choices").EnumerateArray());
        Assert.Equal(3, events[^1].GetProperty("usage").GetProperty("completion_tokens").GetInt32());
    }

    [Fact]
    public async Task A_seed_repeats_a_drawn_text_and_each_of_several_answers_is_one_of_its_own()
    {
        ChatCompletionOptions options = new() { Temperature = 0.9f, TopP = 0.95f, MaxOutputTokenCount = 16 };
        options.Seed = 11;
        ChatCompletion first = await Client.CompleteChatAsync([User], options, TestContext.Current.CancellationToken);
        ChatCompletion second = await Client.CompleteChatAsync([User], options, TestContext.Current.CancellationToken);
        Assert.Equal(first.Content[0].Text, second.Content[0].Text);

        (int status, JsonElement body, _) = await story.Server.PostAsync("/v1/chat/completions", """
            {"model": "tales-10m", "n": 3, "temperature": 0.9, "top_p": 0.95, "seed": 11, "max_completion_tokens": 16, "messages": [{"role": "user", "content": "Once upon a time, a girl named Lily"}]}
            """);
        Assert.Equal(200, status);
        string[] texts = [.. body.GetProperty("choices").EnumerateArray().Select(choice => choice.GetProperty("message").GetProperty("content").GetString()!)];
        Assert.Equal(first.Content[0].Text, texts[0]);
        Assert.Equal(3, texts.Distinct().Count());
        Assert.Equal([0, 1, 2], body.GetProperty("choices").EnumerateArray().Select(choice => choice.GetProperty("index").GetInt32()));
        Assert.Equal(3 * 16, body.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        Assert.Equal(first.Usage.InputTokenCount, body.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
    }

    [Fact]
    public async Task Several_answers_stream_beside_each_other()
    {
        (List<JsonElement> events, bool isDone) = await story.Server.StreamAsync("/v1/chat/completions", """
            {"model": "tales-10m", "n": 2, "stream": true, "temperature": 1, "seed": 4, "max_tokens": 12, "messages": [{"role": "user", "content": "The dog"}]}
            """);
        (_, JsonElement whole, _) = await story.Server.PostAsync("/v1/chat/completions", """
            {"model": "tales-10m", "n": 2, "temperature": 1, "seed": 4, "max_tokens": 12, "messages": [{"role": "user", "content": "The dog"}]}
            """);
        Assert.True(isDone);
        for (int choice = 0; choice < 2; choice++)
        {
            string text = string.Concat(events.Select(one => one.GetProperty("choices")[0]).Where(one => one.GetProperty("index").GetInt32() == choice)
                .Select(one => one.GetProperty("delta").TryGetProperty("content", out JsonElement piece) ? piece.GetString() : ""));
            Assert.Equal(whole.GetProperty("choices")[choice].GetProperty("message").GetProperty("content").GetString(), text);
        }
    }

    [Fact]
    public async Task A_request_may_have_exits_that_guess_for_its_drafter()
    {
        const string body = """{"model": "tales-10m", "include_metrics": true, "drafting": DRAFTING, "messages": [{"role": "user", "content": "Once upon a time"}]}""";
        (_, JsonElement plain, _) = await story.Server.PostAsync("/v1/chat/completions", body.Replace("DRAFTING", """{"strategy": "none"}""", StringComparison.Ordinal));
        (_, JsonElement guessed, _) = await story.Server.PostAsync("/v1/chat/completions", body.Replace(
            "DRAFTING", """{"strategy": "early-exit", "exit_layer": 6, "cascade_exits": [1, 2], "cascade_length": 2, "cascade_threshold": 0.1}""", StringComparison.Ordinal));
        (int status, JsonElement error, _) = await story.Server.PostAsync("/v1/chat/completions", body.Replace(
            "DRAFTING", """{"strategy": "early-exit", "exit_layer": 6, "cascade_exits": [6]}""", StringComparison.Ordinal));

        Assert.Equal(Text(plain), Text(guessed));
        Assert.True(guessed.GetProperty("metrics").GetProperty("speculative_decoding").GetProperty("num_accepted_draft_tokens").GetInt64() > 0);
        Assert.Equal(400, status);
        Assert.Contains("give layers from 1 to 5", error.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Drafting_is_a_requests_own_and_changes_nothing_about_its_text()
    {
        const string body = """{"model": "tales-10m", "include_metrics": true, "drafting": DRAFTING, "messages": [{"role": "user", "content": "Once upon a time"}]}""";
        (_, JsonElement drafted, _) = await story.Server.PostAsync("/v1/chat/completions", body.Replace("DRAFTING", """{"strategy": "early-exit", "exit_layer": 2, "draft_length": 3}""", StringComparison.Ordinal));
        (_, JsonElement plain, _) = await story.Server.PostAsync("/v1/chat/completions", body.Replace("DRAFTING", """{"strategy": "none"}""", StringComparison.Ordinal));

        Assert.Equal(Text(plain), Text(drafted));
        JsonElement metrics = drafted.GetProperty("metrics").GetProperty("speculative_decoding");
        long accepted = metrics.GetProperty("num_accepted_draft_tokens").GetInt64();
        JsonElement histogram = metrics.GetProperty("acceptance_histogram");
        Assert.True(accepted > 0);
        Assert.Equal(accepted, histogram.EnumerateObject().Sum(bucket => int.Parse(bucket.Name, global::System.Globalization.CultureInfo.InvariantCulture) * bucket.Value.GetInt64()));
        Assert.Equal(metrics.GetProperty("num_spec_steps").GetInt64(), histogram.EnumerateObject().Sum(bucket => bucket.Value.GetInt64()));
        Assert.Equal(1 + ((double)accepted / metrics.GetProperty("num_spec_steps").GetInt64()), metrics.GetProperty("mean_acceptance_length").GetDouble(), 6);
        Assert.Equal((double)accepted / metrics.GetProperty("num_draft_tokens").GetInt64(), metrics.GetProperty("draft_acceptance_rate").GetDouble(), 6);
        Assert.Equal(3, metrics.GetProperty("num_spec_tokens").GetInt32());
        JsonProperty[] lengths = [.. metrics.GetProperty("acceptance_histogram_by_draft_length").EnumerateObject()];
        Assert.Equal(metrics.GetProperty("num_spec_steps").GetInt64(), lengths.Sum(length => length.Value.EnumerateObject().Sum(bucket => bucket.Value.GetInt64())));
        Assert.Equal(
            metrics.GetProperty("num_draft_tokens").GetInt64(),
            lengths.Sum(length => int.Parse(length.Name, global::System.Globalization.CultureInfo.InvariantCulture) * length.Value.EnumerateObject().Sum(bucket => bucket.Value.GetInt64())));
        metrics = plain.GetProperty("metrics").GetProperty("speculative_decoding");
        Assert.Equal((0, JsonValueKind.Null, JsonValueKind.Null), (metrics.GetProperty("num_draft_tokens").GetInt64(), metrics.GetProperty("draft_acceptance_rate").ValueKind, metrics.GetProperty("num_spec_tokens").ValueKind));
    }

    [Fact]
    public async Task Tokens_tell_how_they_came_as_the_engine_counts_it()
    {
        const string body = """{"model": "tales-10m", "include_tokens": true, "messages": [{"role": "user", "content": "Once upon a time"}]STREAM}""";
        (_, JsonElement whole, _) = await story.Server.PostAsync("/v1/chat/completions", body.Replace("STREAM", "", StringComparison.Ordinal));
        (List<JsonElement> events, _) = await story.Server.StreamAsync("/v1/chat/completions", body.Replace("STREAM", ", \"stream\": true", StringComparison.Ordinal));
        JsonElement[] tokens = [.. whole.GetProperty("choices")[0].GetProperty("tokens").EnumerateArray()];
        Assert.Equal(24, tokens.Length);
        Assert.Equal(Text(whole), string.Concat(tokens.Select(token => token.GetProperty("text").GetString())));
        Assert.Equal(
            whole.GetProperty("usage").GetProperty("completion_tokens_details").GetProperty("accepted_prediction_tokens").GetInt32(),
            tokens.Count(token => token.GetProperty("source").GetString() == "accepted_draft"));
        string[] streamed = [.. events.SelectMany(one => one.GetProperty("choices")[0].TryGetProperty("tokens", out JsonElement some) ? some.EnumerateArray().Select(token => token.GetRawText()) : [])];
        Assert.Equal(tokens.Select(token => token.GetRawText()), streamed);
    }

    [Fact]
    public async Task Log_probabilities_are_the_generators_whole_and_streamed()
    {
        ChatCompletionOptions options = new() { IncludeLogProbabilities = true, TopLogProbabilityCount = 3, MaxOutputTokenCount = 6 };
        GenerationResult expected = await story.Generator.CompleteAsync(
            new GenerationRequest { Messages = [new("user", User.Content[0].Text)], LogProbabilities = 3, MaxTokens = 6 }, TestContext.Current.CancellationToken);
        ChatCompletion answer = await Client.CompleteChatAsync([User], options, TestContext.Current.CancellationToken);
        Assert.Equal(expected.LogProbabilities!.Select(token => token.LogProbability), answer.ContentTokenLogProbabilities.Select(token => token.LogProbability));
        Assert.All(answer.ContentTokenLogProbabilities, token => Assert.Equal(3, token.TopLogProbabilities.Count));
        Assert.Equal(answer.Content[0].Text, string.Concat(answer.ContentTokenLogProbabilities.Select(token => token.Token)));
        Assert.Equal(answer.Content[0].Text, string.Concat(answer.ContentTokenLogProbabilities.Select(token => Encoding.UTF8.GetString(token.Utf8Bytes!.Value.Span))));

        List<float> streamed = [];
        await foreach (StreamingChatCompletionUpdate update in Client.CompleteChatStreamingAsync([User], options, TestContext.Current.CancellationToken))
        {
            streamed.AddRange(update.ContentTokenLogProbabilities.Select(token => token.LogProbability));
        }

        Assert.Equal(expected.LogProbabilities!.Select(token => token.LogProbability), streamed);
    }

    [Fact]
    public async Task A_stop_sequence_ends_the_answer()
    {
        GenerationResult expected = await Expected();
        string stop = expected.Text!.Substring(15, 4);
        ChatCompletion answer = await Client.CompleteChatAsync([System, User], new ChatCompletionOptions { StopSequences = { stop } }, TestContext.Current.CancellationToken);
        Assert.Equal((expected.Text[..expected.Text.IndexOf(stop, StringComparison.Ordinal)], ChatFinishReason.Stop), (answer.Content[0].Text, answer.FinishReason));
    }

    [Fact]
    public async Task A_client_that_leaves_ends_its_text()
    {
        FakeGenerator endless = new("") { IsEndless = true };
        await using EndpointServer server = await EndpointServer.StartAsync(endless);
        using CancellationTokenSource leaving = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        AsyncCollectionResult<StreamingChatCompletionUpdate> updates = server.Client().GetChatClient("fake").CompleteChatStreamingAsync([User], cancellationToken: leaving.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            int read = 0;
            await foreach (StreamingChatCompletionUpdate _ in updates)
            {
                if (++read == 5)
                {
                    await leaving.CancelAsync();
                }
            }
        });
        await endless.Cancelled.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal(0, endless.Live);
    }

    [Fact]
    public async Task Messages_reach_the_template_as_it_takes_them()
    {
        FakeGenerator fake = new("Hi");
        await using EndpointServer server = await EndpointServer.StartAsync(fake);
        (int status, _, _) = await server.PostAsync("/v1/chat/completions", """
            {"messages": [{"role": "developer", "content": "Be kind."}, {"role": "user", "content": [{"type": "text", "text": "Who "}, {"type": "text", "text": "are you?"}], "name": "ann"},
              {"role": "assistant", "content": null, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{\"a\": 1}"}}]},
              {"role": "tool", "tool_call_id": "c1", "content": "2"}], "user": "u", "metadata": {"a": "b"}, "store": false, "service_tier": "auto", "temperature": null}
            """);
        Assert.Equal(200, status);
        IReadOnlyList<SpecDecode.ChatTemplates.ChatMessage> messages = fake.Requests[0].Messages!;

        // Of a template that knows no developer they are the system's.
        Assert.Equal(["system: Be kind.", "user: Who are you?", "assistant: ", "tool: 2"], messages.Select(message => $"{message.Role}: {message.Content}"));
        Assert.Equal("ann", messages[1].Fields["name"].GetString());
        Assert.Equal(1, messages[2].Fields["tool_calls"][0].GetProperty("function").GetProperty("arguments").GetProperty("a").GetInt32());
        Assert.Equal("c1", messages[3].Fields["tool_call_id"].GetString());
    }

    private Task<GenerationResult> Expected() => story.Generator.CompleteAsync(
        new GenerationRequest { Messages = [new("system", System.Content[0].Text), new("user", User.Content[0].Text)] }, TestContext.Current.CancellationToken);

    private static string? Text(JsonElement answer) => answer.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString();
}
