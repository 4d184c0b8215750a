using System.Text.Json;
using Microsoft.Extensions.AI;
using OpenAI.Responses;
using SpecDecode.Generation;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;

namespace SpecDecode.Tests.Endpoints;

/// <summary>Responses by OpenAI's own client, by that of Microsoft.Extensions.AI on top of it, and as they are sent.</summary>
public sealed class ResponseTests(StoryServer story)
{
    private const string Path = "/v1/responses";
    private const string Reply = "<think>\nI add.\n</think>\n\nWait.\n<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1}}\n</tool_call>";

    [Fact]
    public async Task The_official_client_reads_the_generators_text_at_once_and_streamed()
    {
        GenerationResult expected = await story.Generator.CompleteAsync(
            new GenerationRequest { Messages = [new("system", "Tell."), new("user", "Once upon a time")], MaxTokens = 12 }, TestContext.Current.CancellationToken);
        ResponsesClient client = story.Server.Client().GetResponsesClient();
        CreateResponseOptions options = new() { Model = "tales-10m", Instructions = "Tell.", MaxOutputTokenCount = 12, StoredOutputEnabled = false };
        options.InputItems.Add(ResponseItem.CreateUserMessageItem("Once upon a time"));
        ResponseResult response = await client.CreateResponseAsync(options, TestContext.Current.CancellationToken);
        Assert.Equal(expected.Text, response.GetOutputText());
        Assert.Equal((expected.PromptTokens, expected.Tokens.Count), (response.Usage.InputTokenCount, response.Usage.OutputTokenCount));
        Assert.Equal(ResponseStatus.Incomplete, response.Status);

        options.StreamingEnabled = true;
        List<StreamingResponseUpdate> updates = [];
        await foreach (StreamingResponseUpdate update in await client.CreateResponseStreamingAsync(options, TestContext.Current.CancellationToken))
        {
            updates.Add(update);
        }

        Assert.Equal(Enumerable.Range(0, updates.Count), updates.Select(update => update.SequenceNumber));
        Assert.Equal(expected.Text, string.Concat(updates.OfType<StreamingResponseOutputTextDeltaUpdate>().Select(update => update.Delta)));
        Assert.Equal(expected.Text, Assert.Single(updates.OfType<StreamingResponseOutputTextDoneUpdate>()).Text);
        Assert.Equal(expected.Text, Assert.IsType<StreamingResponseIncompleteUpdate>(updates[^1]).Response.GetOutputText());
    }

    [Fact]
    public async Task The_chat_client_on_it_calls_functions_and_sends_the_whole_conversation()
    {
        FakeGenerator fake = new(request => request.Messages!.Any(message => message.Role == "tool") ? "It is 3." : Reply, Chats.Tools);
        await using EndpointServer server = await EndpointServer.StartAsync(fake);
        List<int> added = [];
        using IChatClient client = server.Client().GetResponsesClient().AsIChatClient("fake").AsBuilder().UseFunctionInvocation().Build();
        ChatOptions options = new() { Tools = [AIFunctionFactory.Create((int a) => { added.Add(a); return a + 2; }, "add", "Adds.")], MaxOutputTokens = 100, Temperature = 0.5f };

        // Its streams are of another version of the client below it: those are read by that one itself.
        ChatResponse response = await client.GetResponseAsync([new ChatMessage(ChatRole.User, "1 + 2?")], options, TestContext.Current.CancellationToken);
        Assert.Equal("Wait.\nIt is 3.", string.Concat(response.Messages.SelectMany(message => message.Contents).OfType<TextContent>().Select(text => text.Text)));
        Assert.Contains(response.Messages.SelectMany(message => message.Contents), content => content is FunctionCallContent { Name: "add" });
        Assert.True(response.Usage!.InputTokenCount > 0 && response.Usage.OutputTokenCount > 0);
        Assert.Equal([1], added);
        Assert.Equal(2, fake.Requests.Length);
        GenerationRequest second = fake.Requests[1];
        Assert.Equal(["user", "assistant", "tool"], second.Messages!.Select(message => message.Role));
        Assert.Equal("add", second.Messages![1].Fields["tool_calls"][0].GetProperty("function").GetProperty("name").GetString());
        Assert.Equal("3", second.Messages[2].Content);
        Assert.Equal((100, 0.5f), (second.MaxTokens, second.Sampling!.Temperature));
        Assert.Contains("\"description\": \"Adds.\"", Chats.Prompt(fake.ChatTokenizer!, second), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_schema_holds_the_answer()
    {
        using IChatClient client = story.Server.Client().GetResponsesClient().AsIChatClient("tales-10m");
        ChatOptions options = new()
        {
            MaxOutputTokens = 60, Temperature = 1, ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse("""{"type": "object", "properties": {"pet": {"enum": ["cat", "dog"]}}, "required": ["pet"], "additionalProperties": false}"""), "pet"),
        };
        ChatResponse response = await client.GetResponseAsync([new ChatMessage(ChatRole.User, "Which?")], options, TestContext.Current.CancellationToken);
        Assert.Contains(JsonElement.Parse(response.Text).GetProperty("pet").GetString(), (string[])["cat", "dog"]);
    }

    [Fact]
    public async Task Items_are_told_in_their_order_and_events_say_the_same()
    {
        await using EndpointServer server = await EndpointServer.StartAsync(new FakeGenerator(Reply, Chats.Tools));
        const string body = """{"input": "1 + 2?", "tools": [{"type": "function", "name": "add"}], "store": false, "include_metrics": true, "metadata": {"a": "b"}""";
        (int status, JsonElement whole, _) = await server.PostAsync(Path, body + "}");
        Assert.Equal(200, status);
        Assert.Equal(["reasoning", "message", "function_call"], whole.GetProperty("output").EnumerateArray().Select(item => item.GetProperty("type").GetString()));
        Assert.Equal(["I add.", "Wait.\n"], whole.GetProperty("output").EnumerateArray().Take(2).Select(item => item.GetProperty("content")[0].GetProperty("text").GetString()));
        Assert.Equal("{\"a\": 1}", whole.GetProperty("output")[2].GetProperty("arguments").GetString());
        Assert.Equal(("completed", false, "b"), (whole.GetProperty("status").GetString(), whole.GetProperty("store").GetBoolean(), whole.GetProperty("metadata").GetProperty("a").GetString()));
        Assert.True(whole.GetProperty("metrics").GetProperty("speculative_decoding").GetProperty("num_draft_tokens").GetInt64() > 0);
        Assert.InRange(whole.GetProperty("usage").GetProperty("output_tokens_details").GetProperty("reasoning_tokens").GetInt32(), 3, 8);

        JsonElement[] events = await StreamAsync(server, body + ", \"stream\": true}");
        Assert.Equal(Enumerable.Range(0, events.Length), events.Select(one => one.GetProperty("sequence_number").GetInt32()));
        Assert.Equal(["response.created", "response.in_progress", "response.output_item.added"], events[..3].Select(one => one.GetProperty("type").GetString()));
        JsonElement end = events[^1].GetProperty("response");
        Assert.Equal("response.completed", events[^1].GetProperty("type").GetString());
        JsonElement[] done = [.. events.Where(one => one.GetProperty("type").GetString() == "response.output_item.done").Select(one => one.GetProperty("item"))];
        Assert.Equal(end.GetProperty("output").EnumerateArray().Select(item => item.GetRawText()), done.Select(item => item.GetRawText()));
        Assert.Equal(end.GetProperty("usage").GetRawText(), whole.GetProperty("usage").GetRawText());
        Assert.Equal("I add.", string.Concat(events.Where(one => one.GetProperty("type").GetString() == "response.reasoning_text.delta").Select(one => one.GetProperty("delta").GetString())));
    }

    [Fact]
    public async Task What_goes_wrong_in_the_middle_is_told_and_the_answer_has_failed()
    {
        await using EndpointServer server = await EndpointServer.StartAsync(new FakeGenerator("One two three") { Error = new SpecDecodeException("/secret/folder"), ErrorAfter = 2 });
        JsonElement[] events = await StreamAsync(server, """{"input": "Hi", "stream": true}""");
        Assert.Equal(["error", "response.failed"], events[^2..].Select(one => one.GetProperty("type").GetString()));
        Assert.Equal("failed", events[^1].GetProperty("response").GetProperty("status").GetString());
        Assert.All(events, one => Assert.DoesNotContain("secret", one.GetRawText(), StringComparison.Ordinal));

        await using EndpointServer stopping = await EndpointServer.StartAsync(new FakeGenerator("Half a") { Reason = FinishReason.Shutdown });
        (int status, JsonElement answer, _) = await stopping.PostAsync(Path, """{"input": "Hi"}""");
        Assert.Equal((503, "shutting_down"), (status, answer.GetProperty("error").GetProperty("code").GetString()));
    }

    [Fact]
    public async Task Items_of_an_earlier_answer_are_one_message_of_the_model()
    {
        FakeGenerator fake = new("Hi", Chats.Tools);
        await using EndpointServer server = await EndpointServer.StartAsync(fake);
        (int status, _, _) = await server.PostAsync(Path, """
            {"instructions": "Be kind.", "input": [
              {"role": "user", "content": [{"type": "input_text", "text": "1 + "}, {"type": "input_text", "text": "2?"}]},
              {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "I add."}]},
              {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [{"type": "output_text", "text": "Wait.", "annotations": []}]},
              {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "add", "arguments": "{\"a\": 1}", "status": "completed"},
              {"type": "function_call_output", "call_id": "call_1", "output": "3"}]}
            """);
        Assert.Equal(200, status);
        SpecDecode.ChatTemplates.ChatMessage[] messages = [.. fake.Requests[0].Messages!];
        Assert.Equal(["system: Be kind.", "user: 1 + 2?", "assistant: Wait.", "tool: 3"], messages.Select(message => $"{message.Role}: {message.Content}"));
        Assert.Equal("I add.", messages[2].Fields["reasoning_content"].GetString());
        Assert.Equal("call_1", messages[2].Fields["tool_calls"][0].GetProperty("id").GetString());
        Assert.Equal("call_1", messages[3].Fields["tool_call_id"].GetString());
    }

    [Theory]
    [InlineData("""{"input": "x", "store": true}""", "store", "unsupported_parameter")]
    [InlineData("""{"input": "x", "previous_response_id": "resp_1"}""", "previous_response_id", "unsupported_parameter")]
    [InlineData("""{"input": "x", "conversation": "conv_1"}""", "conversation", "unsupported_parameter")]
    [InlineData("""{"input": "x", "background": true}""", "background", "unsupported_parameter")]
    [InlineData("""{"input": "x", "truncation": "auto"}""", "truncation", "unsupported_parameter")]
    [InlineData("""{"input": "x", "include": ["file_search_call.results"]}""", "include", "unsupported_parameter")]
    [InlineData("""{"input": "x", "prompt": {"id": "p"}}""", "prompt", "unsupported_parameter")]
    [InlineData("""{"input": "x", "messages": []}""", "messages", "unsupported_parameter")]
    [InlineData("""{"input": "x", "n": 2}""", "n", "unsupported_parameter")]
    [InlineData("""{"input": "x", "text": {"verbosity": "low"}}""", "text.verbosity", "unsupported_parameter")]
    [InlineData("""{"input": "x", "text": {"format": {"type": "json_schema", "name": "a", "schema": {"uniqueItems": true}}}}""", "text.format.schema", null)]
    [InlineData("""{"input": "x", "text": {"format": {"type": "grammar"}}}""", "text.format", "unsupported_parameter")]
    [InlineData("""{"input": "x", "reasoning": {"summary": "auto"}}""", "reasoning.summary", "unsupported_parameter")]
    [InlineData("""{"input": "x", "reasoning": {"effort": "low"}}""", "reasoning.effort", "unsupported_parameter")]
    [InlineData("""{"input": "x", "max_output_tokens": 0}""", "max_output_tokens", null)]
    [InlineData("""{"input": "x", "temperature": -1}""", "temperature", null)]
    [InlineData("""{"input": "x", "tools": [{"type": "web_search"}]}""", "tools[0]", "unsupported_parameter")]
    [InlineData("""{"input": "x", "tools": [{"type": "function", "name": "a b"}]}""", "tools[0].name", null)]
    [InlineData("""{"input": [{"role": "king", "content": "x"}]}""", "input[0].role", null)]
    [InlineData("""{"instructions": "y", "input": [{"role": "user", "content": "x"}, {"role": "user"}]}""", "input[1].content", null)]
    [InlineData("""{"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "data:"}]}]}""", "input[0].content[0]", "unsupported_parameter")]
    [InlineData("""{"input": [{"type": "item_reference", "id": "msg_1"}]}""", "input[0]", "unsupported_parameter")]
    [InlineData("""{"input": [{"type": "function_call_output", "output": "3"}]}""", "input[0]", null)]
    [InlineData("""{"input": []}""", "input", null)]
    [InlineData("""{}""", "input", null)]
    public async Task A_field_that_keeps_something_or_is_wrong_is_named_as_it_is_called_here(string body, string field, string? code)
    {
        FakeGenerator fake = new("Hi");
        await using EndpointServer server = await EndpointServer.StartAsync(fake);
        (int status, JsonElement answer, _) = await server.PostAsync(Path, body);
        JsonElement error = answer.GetProperty("error");
        Assert.Equal((400, field, code), (status, error.GetProperty("param").GetString(), error.GetProperty("code").GetString()));
        Assert.Empty(fake.Requests);
        Assert.DoesNotContain("messages[", error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    // The events, whose names stand before them too.
    private static async Task<JsonElement[]> StreamAsync(EndpointServer server, string json)
    {
        HttpResponseMessage response = await server.Http.PostAsync(Path, new StringContent(json, System.Text.Encoding.UTF8, "application/json"), TestContext.Current.CancellationToken);
        string text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return [.. text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(one =>
        {
            string[] lines = one.Split('\n');
            JsonElement data = JsonElement.Parse(lines[1]["data: ".Length..]);
            Assert.Equal("event: " + data.GetProperty("type").GetString(), lines[0]);
            return data;
        })];
    }
}
