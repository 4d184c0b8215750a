using Microsoft.Extensions.AI;
using SpecDecode.Extensions.AI;

namespace SpecDecode.Tests.Endpoints;

/// <summary>The endpoints seen through Microsoft.Extensions.AI.OpenAI give what the chat client gives that is in the process.</summary>
public sealed class OpenAIChatClientTests(StoryServer story)
{
    [Fact]
    public async Task Both_clients_say_the_same()
    {
        using IChatClient far = story.Server.Client().GetChatClient("tales-10m").AsIChatClient();
        using IChatClient near = new SpecDecodeChatClient(story.Generator);
        ChatOptions options = new() { MaxOutputTokens = 14, Temperature = 0.8f, Seed = 3 };
        ChatResponse there = await far.GetResponseAsync("Once upon a time", options, TestContext.Current.CancellationToken);
        ChatResponse here = await near.GetResponseAsync("Once upon a time", options, TestContext.Current.CancellationToken);
        ChatResponse streamed = await far.GetStreamingResponseAsync("Once upon a time", options, TestContext.Current.CancellationToken).ToChatResponseAsync(TestContext.Current.CancellationToken);
        Assert.Equal((here.Text, here.Text), (there.Text, streamed.Text));
        Assert.Equal((here.FinishReason, here.FinishReason), (there.FinishReason, streamed.FinishReason));
        Assert.Equal(here.Usage!.OutputTokenCount, there.Usage!.OutputTokenCount);
        Assert.Equal(here.Usage.OutputTokenCount, streamed.Usage!.OutputTokenCount);
    }

    [Fact]
    public async Task Functions_are_invoked_over_the_wire()
    {
        FakeGenerator fake = new(
            request => request.Messages![^1].Role == "tool" ? $"It is {request.Messages[^1].Content}." : "<tool_call>{\"name\": \"Compute\", \"arguments\": {\"a\": 6, \"b\": 7}}</tool_call>", Chats.Tools);
        await using EndpointServer server = await EndpointServer.StartAsync(fake);
        using IChatClient client = server.Client().GetChatClient("fake").AsIChatClient().AsBuilder().UseFunctionInvocation().Build();
        ChatOptions options = new() { Tools = [AIFunctionFactory.Create((int a, int b) => a * b, "Compute")] };
        Assert.Equal("It is 42.", (await client.GetResponseAsync("?", options, TestContext.Current.CancellationToken)).Text);
        ChatResponse streamed = await client.GetStreamingResponseAsync("?", options, TestContext.Current.CancellationToken).ToChatResponseAsync(TestContext.Current.CancellationToken);
        Assert.Contains("It is 42.", streamed.Text, StringComparison.Ordinal);
    }
}
