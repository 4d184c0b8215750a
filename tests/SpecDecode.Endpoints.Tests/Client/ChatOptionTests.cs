using Microsoft.Extensions.AI;
using SpecDecode.Extensions.AI;
using SpecDecode.Generation;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;

namespace SpecDecode.Tests.Endpoints;

/// <summary>Every option is mapped, or refused by its name; so is every content.</summary>
public sealed class ChatOptionTests
{
    public static TheoryData<string, ChatOptions> NotServed => new()
    {
        { "ConversationId", new() { ConversationId = "c" } },
        { "ModelId", new() { ModelId = "other" } },
        { "ToolMode", new() { ToolMode = ChatToolMode.RequireAny } },
        { "Tools", new() { Tools = [AIFunctionFactory.Create(() => 1, "one")] } },
        { "Tools", new() { Tools = [new HostedWebSearchTool()] } },
        { "Reasoning.Effort", new() { Reasoning = new ReasoningOptions { Effort = ReasoningEffort.High } } },
        { "Reasoning.Output", new() { Reasoning = new ReasoningOptions { Output = ReasoningOutput.Summary } } },
        { "RawRepresentationFactory", new() { RawRepresentationFactory = _ => "text" } },
#pragma warning disable MEAI001
        { "AllowBackgroundResponses", new() { AllowBackgroundResponses = true } },
#pragma warning restore MEAI001
    };

    [Theory]
    [MemberData(nameof(NotServed), DisableDiscoveryEnumeration = true)]
    public async Task An_option_that_is_not_served_is_refused_by_its_name(string name, ChatOptions options)
    {
        FakeGenerator fake = new("Hi");
        SpecDecodeChatClient client = new(fake);
        NotSupportedException error = await Assert.ThrowsAsync<NotSupportedException>(() => client.GetResponseAsync("Hi", options, TestContext.Current.CancellationToken));
        Assert.Contains("ChatOptions." + name, error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<NotSupportedException>(async () => await client.GetStreamingResponseAsync("Hi", options, TestContext.Current.CancellationToken).ToChatResponseAsync(TestContext.Current.CancellationToken));
        Assert.Empty(fake.Requests);
    }

    [Fact]
    public void No_option_was_forgotten()
    {
        // A new version of the abstractions may have others: each is to be mapped or refused.
        string[] known =
        [
            "AdditionalProperties", "AllowBackgroundResponses", "AllowMultipleToolCalls", "ContinuationToken", "ConversationId", "FrequencyPenalty", "Instructions", "MaxOutputTokens", "ModelId",
            "PresencePenalty", "RawRepresentationFactory", "Reasoning", "ResponseFormat", "Seed", "StopSequences", "Temperature", "ToolMode", "Tools", "TopK", "TopP",
        ];
        Assert.Equal(known, typeof(ChatOptions).GetProperties().Select(property => property.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Contents_that_a_model_of_text_cannot_take_are_refused_by_their_names()
    {
        SpecDecodeChatClient client = new(new FakeGenerator("Hi"));
        foreach (AIContent content in (AIContent[])[new DataContent(new byte[3], "image/png"), new DataContent(new byte[3], "application/pdf"), new UriContent("http://localhost/a.png", "image/png"), new ErrorContent("x")])
        {
            NotSupportedException error = await Assert.ThrowsAsync<NotSupportedException>(
                () => client.GetResponseAsync([new ChatMessage(ChatRole.User, [new TextContent("What is it?"), content])], cancellationToken: TestContext.Current.CancellationToken));
            Assert.Contains(content.GetType().Name, error.Message, StringComparison.Ordinal);
            Assert.Equal(content is DataContent data, error.Message.Contains((content as DataContent)?.MediaType ?? "image", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task A_raw_request_with_a_prompt_of_its_own_contradicts_the_chat()
    {
        SpecDecodeChatClient client = new(new FakeGenerator("Hi"));
        await Assert.ThrowsAsync<ArgumentException>(() => client.GetResponseAsync(
            "Hi", new ChatOptions { RawRepresentationFactory = _ => new GenerationRequest { Prompt = "x" } }, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_model_without_a_template_says_what_to_do()
    {
        SpecDecodeException error = await Assert.ThrowsAsync<SpecDecodeException>(
            () => new SpecDecodeChatClient(new FakeGenerator("Hi", template: null)).GetResponseAsync("Hi", cancellationToken: TestContext.Current.CancellationToken));
        Assert.Contains("ChatTemplate", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Effort_switches_reasoning_where_the_template_knows_a_switch()
    {
        FakeGenerator fake = new("<think>\nHm.\n</think>\n\nHi", Chats.Tools);
        SpecDecodeChatClient client = new(fake);
        ChatResponse response = await client.GetResponseAsync("Hi", new ChatOptions { Reasoning = new ReasoningOptions { Effort = ReasoningEffort.None } }, TestContext.Current.CancellationToken);
        Assert.False(fake.Requests[0].TemplateVariables["enable_thinking"].GetBoolean());
        Assert.Equal(["Hm."], response.Messages[0].Contents.OfType<TextReasoningContent>().Select(content => content.Text));
        Assert.Equal("Hi", response.Text);
        Assert.True(response.Usage!.ReasoningTokenCount > 0);

        response = await client.GetResponseAsync("Hi", new ChatOptions { Reasoning = new ReasoningOptions { Effort = ReasoningEffort.High, Output = ReasoningOutput.None } }, TestContext.Current.CancellationToken);
        Assert.True(fake.Requests[1].TemplateVariables["enable_thinking"].GetBoolean());
        Assert.Empty(response.Messages[0].Contents.OfType<TextReasoningContent>());
        Assert.Equal("Hi", response.Text);
    }

    [Fact]
    public async Task Reasoning_of_an_earlier_answer_goes_back_as_what_it_is()
    {
        FakeGenerator fake = new("Hi", Chats.Tools);
        await new SpecDecodeChatClient(fake).GetResponseAsync(
            [new(ChatRole.Assistant, [new TextReasoningContent("Hm."), new TextContent("One."), new UsageContent(new UsageDetails())]) { AuthorName = "ann" }, new(ChatRole.User, "Two?")],
            cancellationToken: TestContext.Current.CancellationToken);
        SpecDecode.ChatTemplates.ChatMessage message = fake.Requests[0].Messages![0];
        Assert.Equal(("One.", "Hm.", "ann"), (message.Content, message.Fields["reasoning_content"].GetString(), message.Fields["name"].GetString()));
    }

    [Fact]
    public async Task An_end_by_the_service_is_a_reason_of_its_own()
    {
        ChatResponse response = await new SpecDecodeChatClient(new FakeGenerator("Half a") { Reason = FinishReason.Shutdown }).GetResponseAsync("Hi", cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(("Half a", "shutdown"), (response.Text, response.FinishReason!.Value.Value));
    }
}
