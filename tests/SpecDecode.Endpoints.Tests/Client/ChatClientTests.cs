using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using SpecDecode.Drafting;
using SpecDecode.Extensions.AI;
using SpecDecode.Generation;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;

namespace SpecDecode.Tests.Endpoints;

/// <summary>The chat client with the story model, held to what the generator itself says.</summary>
public sealed class ChatClientTests(StoryServer story)
{
    private static readonly ChatMessage[] Conversation =
    [
        new(ChatRole.System, "Tell stories."), new(ChatRole.User, "A story!"), new(ChatRole.Assistant, "Lily had a dog."), new(ChatRole.User, "Another one!"),
    ];

    private SpecDecodeChatClient Client => new(story.Generator);

    [Fact]
    public async Task A_request_of_one_message_is_answered()
    {
        ChatResponse response = await Client.GetResponseAsync("Once upon a time", cancellationToken: TestContext.Current.CancellationToken);
        GenerationResult expected = await Expected([new("user", "Once upon a time")]);
        Assert.Equal(expected.Text, response.Text);
        Assert.Equal((ChatRole.Assistant, ChatFinishReason.Length, "tales-10m"), (response.Messages.Single().Role, response.FinishReason, response.ModelId));
        Assert.NotNull(response.ResponseId);
        Assert.Equal(expected.Text, Assert.IsType<GenerationResult>(response.RawRepresentation).Text);
    }

    [Fact]
    public async Task A_conversation_and_instructions_are_rendered_by_the_template()
    {
        ChatResponse response = await Client.GetResponseAsync(Conversation, new ChatOptions { Instructions = "Be short." }, TestContext.Current.CancellationToken);
        GenerationResult expected = await Expected([new("system", "Be short."), .. Conversation.Select(message => new SpecDecode.ChatTemplates.ChatMessage(message.Role.Value, message.Text))]);
        Assert.Equal(expected.Text, response.Text);
        Assert.Equal(expected.PromptTokens, response.Usage!.InputTokenCount);
    }

    [Fact]
    public async Task Empty_messages_are_messages()
    {
        ChatResponse response = await Client.GetResponseAsync(
            [new(ChatRole.System, []), new(ChatRole.User, []), new(ChatRole.Assistant, []), new(ChatRole.User, "Hi")], cancellationToken: TestContext.Current.CancellationToken);
        Assert.NotEmpty(response.Text);
    }

    [Fact]
    public async Task A_stream_is_the_same_text_an_update_for_each_token_with_usage_and_reason_in_the_last()
    {
        GenerationResult expected = await Expected([new("user", "Once upon a time")]);
        List<ChatResponseUpdate> updates = [];
        await foreach (ChatResponseUpdate update in Client.GetStreamingResponseAsync("Once upon a time", cancellationToken: TestContext.Current.CancellationToken))
        {
            updates.Add(update);
        }

        Assert.Equal(expected.Text, string.Concat(updates.Select(update => update.Text)));
        Assert.InRange(updates.Count, expected.Tokens.Count / 2, expected.Tokens.Count);
        Assert.Single(updates.Select(update => (update.ResponseId, update.MessageId, update.Role, update.ModelId)).Distinct());
        Assert.All(updates[..^1], update => Assert.Null(update.FinishReason));
        Assert.Equal(ChatFinishReason.Length, updates[^1].FinishReason);
        UsageDetails usage = updates.SelectMany(update => update.Contents).OfType<UsageContent>().Single().Details;
        Assert.Same(updates[^1], updates.Single(update => update.Contents.OfType<UsageContent>().Any()));
        AssertUsage(expected, usage);
        Assert.Equal(expected.Drafting.Accepted, updates.Count(update => ((GenerationUpdate)update.RawRepresentation!).Source == TokenSource.AcceptedDraft));
    }

    [Fact]
    public async Task Usage_tells_of_drafting_in_counts_that_can_be_added_up()
    {
        ChatResponse first = await Client.GetResponseAsync("Once upon a time", cancellationToken: TestContext.Current.CancellationToken);
        GenerationResult expected = await Expected([new("user", "Once upon a time")]);
        AssertUsage(expected, first.Usage!);
        UsageDetails sum = new();
        sum.Add(first.Usage!);
        sum.Add(first.Usage!);
        Assert.Equal(2 * expected.Drafting.Accepted, sum.AdditionalCounts![SpecDecodeCounts.AcceptedTokens]);
    }

    [Fact]
    public async Task A_streamed_answer_can_be_appended_to_the_history()
    {
        List<ChatMessage> history = [new(ChatRole.User, "Once upon a time")];
        await history.AddMessagesAsync(Client.GetStreamingResponseAsync(history, cancellationToken: TestContext.Current.CancellationToken), cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(2, history.Count);
        Assert.Equal(ChatRole.Assistant, history[1].Role);
        Assert.NotEmpty(history[1].Contents.OfType<TextContent>().Single().Text);
        Assert.NotEmpty((await Client.GetResponseAsync([.. history, new(ChatRole.User, "And then?")], cancellationToken: TestContext.Current.CancellationToken)).Text);
    }

    [Fact]
    public async Task Sampling_options_are_the_engines()
    {
        ChatOptions options = new() { Temperature = 0.9f, TopP = 0.9f, TopK = 20, Seed = 5, MaxOutputTokens = 9, ModelId = "tales-10m", ResponseFormat = ChatResponseFormat.Text };
        ChatResponse first = await Client.GetResponseAsync("The dog", options, TestContext.Current.CancellationToken);
        ChatResponse second = await Client.GetResponseAsync("The dog", options, TestContext.Current.CancellationToken);
        GenerationResult expected = await story.Generator.CompleteAsync(
            new GenerationRequest
            {
                Messages = [new("user", "The dog")], MaxTokens = 9,
                Sampling = story.Generator.Defaults.Sampling with { Temperature = 0.9f, TopP = 0.9f, TopK = 20, Seed = 5 },
            },
            TestContext.Current.CancellationToken);
        Assert.Equal((expected.Text, expected.Text, 9L), (first.Text, second.Text, first.Usage!.OutputTokenCount));
    }

    [Fact]
    public async Task Stop_sequences_and_penalties_are_the_engines()
    {
        GenerationResult plain = await Expected([new("user", "Once upon a time")]);
        string stop = plain.Text!.Substring(10, 4);
        ChatResponse response = await Client.GetResponseAsync("Once upon a time", new ChatOptions { StopSequences = [stop] }, TestContext.Current.CancellationToken);
        Assert.Equal((plain.Text[..plain.Text.IndexOf(stop, StringComparison.Ordinal)], ChatFinishReason.Stop), (response.Text, response.FinishReason));

        GenerationResult penalised = await story.Generator.CompleteAsync(
            new GenerationRequest { Messages = [new("user", "Once upon a time")], Sampling = story.Generator.Defaults.Sampling with { FrequencyPenalty = 2, PresencePenalty = 2 } }, TestContext.Current.CancellationToken);
        response = await Client.GetResponseAsync("Once upon a time", new ChatOptions { FrequencyPenalty = 2, PresencePenalty = 2 }, TestContext.Current.CancellationToken);
        Assert.NotEqual(plain.Text, penalised.Text);
        Assert.Equal(penalised.Text, response.Text);
    }

    [Fact]
    public async Task Without_a_seed_a_drawn_text_is_another_each_time()
    {
        ChatOptions options = new() { Temperature = 1.5f, MaxOutputTokens = 24 };
        string[] texts = await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ => (await Client.GetResponseAsync("Once", options, TestContext.Current.CancellationToken)).Text));
        Assert.True(texts.Distinct().Count() > 1);
    }

    [Fact]
    public async Task Engine_options_travel_in_the_raw_representation()
    {
        ChatOptions options = new() { RawRepresentationFactory = _ => new GenerationRequest { Drafting = DraftingOptions.None, MaxTokens = 5, StopTokens = [1] } };
        ChatResponse plain = await Client.GetResponseAsync("Once upon a time", options, TestContext.Current.CancellationToken);
        ChatResponse drafted = await Client.GetResponseAsync("Once upon a time", new ChatOptions { MaxOutputTokens = 5 }, TestContext.Current.CancellationToken);
        Assert.Equal((drafted.Text, 0L), (plain.Text, plain.Usage!.AdditionalCounts![SpecDecodeCounts.DraftedTokens]));
        Assert.True(drafted.Usage!.AdditionalCounts![SpecDecodeCounts.DraftedTokens] > 0);
    }

    [Fact]
    public async Task Callers_that_must_not_share_name_a_scope()
    {
        string question = $"Tell me a story of a dog, a cat and a bird who went to the park and found a big red ball there, number {Guid.NewGuid()}.";
        ChatOptions Scoped(string? scope) => new() { MaxOutputTokens = 2, RawRepresentationFactory = _ => new GenerationRequest { CacheScope = scope } };
        List<long?> found = [];
        foreach (string? scope in (string?[])["a", "a", "b", null, "b"])
        {
            found.Add((await Client.GetResponseAsync(question, Scoped(scope), TestContext.Current.CancellationToken)).Usage!.CachedInputTokenCount);
        }

        // What the template begins with may have been read for others without a scope.
        Assert.Equal((0, 0), (found[0], found[2]));
        Assert.True(found[1] > 0 && found[4] == found[1] && found[3] < found[1], string.Join(", ", found));
    }

    [Fact]
    public async Task Callers_may_ask_at_the_same_time()
    {
        SpecDecodeChatClient client = Client;
        string[] alone = new string[6];
        for (int i = 0; i < alone.Length; i++)
        {
            alone[i] = (await client.GetResponseAsync($"Story {i}", cancellationToken: TestContext.Current.CancellationToken)).Text;
        }

        string[] together = await Task.WhenAll(Enumerable.Range(0, alone.Length).Select(async i => (await client.GetResponseAsync($"Story {i}", cancellationToken: TestContext.Current.CancellationToken)).Text));
        Assert.Equal(alone, together);
    }

    [Fact]
    public async Task Cancelling_ends_the_text()
    {
        FakeGenerator endless = new("") { IsEndless = true };
        using CancellationTokenSource leaving = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        Task<ChatResponse> response = new SpecDecodeChatClient(endless).GetResponseAsync("Hi", cancellationToken: leaving.Token);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => response);
        await endless.Cancelled.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        // So does leaving the enumeration.
        endless = new FakeGenerator("") { IsEndless = true };
        await foreach (ChatResponseUpdate _ in new SpecDecodeChatClient(endless).GetStreamingResponseAsync("Hi", cancellationToken: TestContext.Current.CancellationToken))
        {
            break;
        }

        Assert.Equal(0, endless.Live);
    }

    [Fact]
    public void Metadata_and_the_generator_are_services_of_the_client()
    {
        SpecDecodeChatClient client = Client;
        ChatClientMetadata metadata = client.GetRequiredService<ChatClientMetadata>();
        Assert.Equal(("specdecode", "tales-10m"), (metadata.ProviderName, metadata.DefaultModelId));
        Assert.Same(story.Generator, client.GetService<ITextGenerator>());
        Assert.Same(client, client.GetService<SpecDecodeChatClient>());
        Assert.Same(client, client.GetService<IChatClient>());
        Assert.Null(client.GetService<IChatClient>("key"));
        Assert.Null(client.GetService<string>());
    }

    [Fact]
    public void Clients_are_registered_with_and_without_a_key()
    {
        FakeGenerator one = new("one"), two = new("two");
        ServiceCollection services = new();
        services.AddSingleton<ITextGenerator>(one);
        services.AddKeyedSingleton<ITextGenerator>("small", two);
        services.AddSpecDecodeChatClient();
        services.AddKeyedSpecDecodeChatClient("chat", "small").UseLogging();
        services.AddLogging();
        using ServiceProvider provider = services.BuildServiceProvider();
        Assert.Same(one, provider.GetRequiredService<IChatClient>().GetService<ITextGenerator>());
        Assert.Same(two, provider.GetRequiredKeyedService<IChatClient>("chat").GetService<ITextGenerator>());
    }

    private Task<GenerationResult> Expected(SpecDecode.ChatTemplates.ChatMessage[] messages) =>
        story.Generator.CompleteAsync(new GenerationRequest { Messages = messages }, TestContext.Current.CancellationToken);

    private static void AssertUsage(GenerationResult expected, UsageDetails usage)
    {
        Assert.True(expected.Drafting.Accepted > 0, "Nothing was accepted, so nothing is tested.");
        Assert.Equal((expected.PromptTokens, expected.Tokens.Count), (usage.InputTokenCount, usage.OutputTokenCount));
        Assert.Equal(usage.InputTokenCount + usage.OutputTokenCount, usage.TotalTokenCount);
        Assert.Equal((0L, 0L), (usage.CachedInputTokenCount, usage.ReasoningTokenCount));
        Assert.Equal(
            (expected.Drafting.Drafted, expected.Drafting.Accepted, expected.Drafting.Rounds),
            (usage.AdditionalCounts![SpecDecodeCounts.DraftedTokens], usage.AdditionalCounts[SpecDecodeCounts.AcceptedTokens], usage.AdditionalCounts[SpecDecodeCounts.Rounds]));
    }
}
