using System.Text;
using System.Text.Json;
using OpenAI.Chat;

namespace SpecDecode.Tests.Endpoints;

/// <summary>Tools and reasoning by OpenAI's own client.</summary>
public sealed class ToolCallTests
{
    private const string Reply = "<think>\nI add.\n</think>\n\nWait.\n<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1, \"b\": [2]}}\n</tool_call>\n<tool_call>{\"name\": \"weather\", \"arguments\": {}}</tool_call>";

    private static readonly ChatTool Add = ChatTool.CreateFunctionTool("add", "Adds.", BinaryData.FromString("""{"type": "object", "properties": {"a": {"type": "integer"}}}"""));
    private static readonly ChatTool Weather = ChatTool.CreateFunctionTool("weather");

    [Fact]
    public async Task Calls_are_read_and_go_back_with_their_results()
    {
        FakeGenerator fake = new(request => request.Messages!.Any(message => message.Role == "tool") ? "3, then." : Reply, Chats.Tools);
        await using EndpointServer server = await EndpointServer.StartAsync(fake);
        ChatClient client = server.Client().GetChatClient("fake");
        List<ChatMessage> messages = [new UserChatMessage("1 + 2?")];
        ChatCompletionOptions options = new() { Tools = { Add, Weather } };

        ChatCompletion answer = await client.CompleteChatAsync(messages, options, TestContext.Current.CancellationToken);
        Assert.Equal(ChatFinishReason.ToolCalls, answer.FinishReason);
        Assert.Equal(["add({\"a\": 1, \"b\": [2]})", "weather({})"], answer.ToolCalls.Select(call => $"{call.FunctionName}({call.FunctionArguments})"));
        Assert.Equal(2, answer.ToolCalls.Select(call => call.Id).Distinct().Count());
        Assert.Equal("Wait.\n", answer.Content[0].Text);
        string prompt = Chats.Prompt(fake.ChatTokenizer!, fake.Requests[0]);
        Assert.Contains("\"name\": \"add\"", prompt, StringComparison.Ordinal);
        Assert.Contains("\"description\": \"Adds.\"", prompt, StringComparison.Ordinal);

        messages.Add(new AssistantChatMessage(answer));
        messages.AddRange(answer.ToolCalls.Select(call => new ToolChatMessage(call.Id, "3")));
        answer = await client.CompleteChatAsync(messages, options, TestContext.Current.CancellationToken);
        Assert.Equal("3, then.", answer.Content[0].Text);
        Assert.Equal(ChatFinishReason.Stop, answer.FinishReason);
        Assert.Contains("<tool_call>{\"name\": \"add\", \"arguments\": {\"a\": 1, \"b\": [2]}}</tool_call>", Chats.Prompt(fake.ChatTokenizer!, fake.Requests[1]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Calls_and_reasoning_stream_apart_from_text()
    {
        await using EndpointServer server = await EndpointServer.StartAsync(new FakeGenerator(Reply, Chats.Tools));
        StringBuilder text = new();
        Dictionary<int, (string? Name, string Arguments)> calls = [];
        ChatFinishReason? reason = null;
        await foreach (StreamingChatCompletionUpdate update in server.Client().GetChatClient("fake").CompleteChatStreamingAsync(
            [new UserChatMessage("1 + 2?")], new ChatCompletionOptions { Tools = { Add, Weather } }, TestContext.Current.CancellationToken))
        {
            text.Append(string.Concat(update.ContentUpdate.Select(part => part.Text)));
            foreach (StreamingChatToolCallUpdate call in update.ToolCallUpdates)
            {
                calls[call.Index] = (call.FunctionName ?? calls[call.Index].Name, (calls.TryGetValue(call.Index, out var before) ? before.Arguments : "") + call.FunctionArgumentsUpdate);
            }

            reason = update.FinishReason ?? reason;
        }

        Assert.Equal("Wait.\n", text.ToString());
        Assert.Equal([("add", "{\"a\": 1, \"b\": [2]}"), ("weather", "{}")], calls.OrderBy(call => call.Key).Select(call => call.Value));
        Assert.Equal(ChatFinishReason.ToolCalls, reason);
    }

    [Fact]
    public async Task Reasoning_is_a_field_of_its_own_and_counted()
    {
        FakeGenerator fake = new(Reply, Chats.Tools);
        await using EndpointServer server = await EndpointServer.StartAsync(fake);
        (_, JsonElement body, _) = await server.PostAsync("/v1/chat/completions", """{"messages": [{"role": "user", "content": "Hi"}], "reasoning_effort": "none"}""");
        JsonElement message = body.GetProperty("choices")[0].GetProperty("message");
        Assert.Equal("I add.", message.GetProperty("reasoning_content").GetString());

        // Without tools a call is text.
        Assert.StartsWith("Wait.\n<tool_call>", message.GetProperty("content").GetString(), StringComparison.Ordinal);
        Assert.InRange(body.GetProperty("usage").GetProperty("completion_tokens_details").GetProperty("reasoning_tokens").GetInt32(), 3, 8);
        Assert.Contains("<think>\n\n</think>", Chats.Prompt(fake.ChatTokenizer!, fake.Requests[0]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tools_that_may_not_be_called_are_not_told_of()
    {
        FakeGenerator fake = new("Hi", Chats.Tools);
        await using EndpointServer server = await EndpointServer.StartAsync(fake);
        await server.Client().GetChatClient("fake").CompleteChatAsync(
            [new UserChatMessage("Hi")], new ChatCompletionOptions { Tools = { Add }, ToolChoice = ChatToolChoice.CreateNoneChoice() }, TestContext.Current.CancellationToken);
        Assert.Null(fake.Requests[0].Tools);
    }

    [Theory]
    [InlineData("""{"messages": [{"role": "user", "content": "x"}], "tools": [{"type": "function", "function": {"name": "a b"}}]}""", "tools[0].function.name")]
    [InlineData("""{"messages": [{"role": "user", "content": "x"}], "tools": [{"type": "web_search"}]}""", "tools[0]")]
    [InlineData("""{"messages": [{"role": "user", "content": "x"}], "tools": [{"type": "function", "function": {"name": "a"}}, {"type": "function", "function": {"name": "a"}}]}""", "tools[1].function.name")]
    [InlineData("""{"messages": [{"role": "user", "content": "x"}], "tools": [{"type": "function", "function": {"name": "a", "parameters": 3}}]}""", "tools[0].function.parameters")]
    [InlineData("""{"messages": [{"role": "user", "content": "x"}], "tools": {}}""", "tools")]
    [InlineData("""{"messages": [{"role": "user", "content": "x"}], "tool_choice": "auto"}""", "tool_choice")]
    [InlineData("""{"messages": [{"role": "user", "content": "x"}], "tool_choice": 3}""", "tool_choice")]
    [InlineData("""{"messages": [{"role": "user", "content": "x"}], "tools": [{"type": "function", "function": {"name": "a"}}], "tool_choice": {"type": "function", "function": {"name": "b"}}}""", "tool_choice")]
    [InlineData("""{"messages": [{"role": "user", "content": "x"}], "tools": [{"type": "function", "function": {"name": "a", "parameters": {"contains": {}}}}], "tool_choice": "required"}""", "tools")]
    [InlineData("""{"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "a", "arguments": "[1]"}}]}]}""", "messages[0].tool_calls[0].function.arguments")]
    [InlineData("""{"messages": [{"role": "assistant", "tool_calls": [3]}]}""", "messages[0].tool_calls[0]")]
    public async Task A_wrong_tool_is_named(string body, string field)
    {
        await using EndpointServer server = await EndpointServer.StartAsync(new FakeGenerator("Hi", Chats.Tools));
        (int status, JsonElement answer, _) = await server.PostAsync("/v1/chat/completions", body);
        Assert.Equal((400, field), (status, answer.GetProperty("error").GetProperty("param").GetString()));
    }

    [Fact]
    public async Task A_model_whose_template_takes_no_tools_says_so()
    {
        await using EndpointServer server = await EndpointServer.StartAsync(new FakeGenerator("Hi"));
        (int status, JsonElement answer, _) = await server.PostAsync(
            "/v1/chat/completions", """{"messages": [{"role": "user", "content": "x"}], "tools": [{"type": "function", "function": {"name": "a"}}]}""");
        Assert.Equal((400, "tools"), (status, answer.GetProperty("error").GetProperty("param").GetString()));
    }
}
