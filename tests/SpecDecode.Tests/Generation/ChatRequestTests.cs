using System.Text.Json;
using SpecDecode.ChatTemplates;
using SpecDecode.Generation;

#pragma warning disable xUnit1051 // Every call takes milliseconds.

namespace SpecDecode.Tests.Generation;

/// <summary>Requests with messages, on the story model with a template beside it.</summary>
public sealed class ChatRequestTests(ChatRequestTests.Models models) : IClassFixture<ChatRequestTests.Models>
{
    private const int Length = 200;

    // Refuses what does not begin with a user, as many templates do; tells of tools.
    private const string Template = """
        {{- bos_token }}{% if messages[0].role == 'assistant' %}{{ raise_exception('A user comes first.') }}{% endif %}
        {%- for message in messages %}{{ message.role }}: {{ message.content }}
        {% endfor %}{% for tool in tools or [] %}{{ tool.name }}{% endfor %}{{ mood }}{{ 'assistant:' if add_generation_prompt }}
        """;

    private static readonly ChatMessage System = new("system", "Tell short stories.");

    [Fact]
    public void Messages_are_rendered_and_encoded_with_one_bos()
    {
        TextModel model = models.Chat;
        GenerationRequest request = new() { Messages = [System, new("user", "One day <|endoftext|>")], MaxTokens = 6 };
        int[] expected = model.ChatTokenizer!.Encode(ChatTemplateInput.Of(request.Messages));

        GenerationResult result = model.Generate(request);

        Assert.Equal(model.Tokenizer!.Encode("system: Tell short stories.\nuser: One day <|endoftext|>\nassistant:"), expected);
        Assert.Equal((expected.Length, 0), (result.PromptTokens, result.DroppedMessages));
        Assert.Equal(model.Generate(new GenerationRequest { Tokens = expected, MaxTokens = 6 }).Tokens, result.Tokens);
    }

    [Fact]
    public void Tools_and_variables_reach_the_template()
    {
        GenerationRequest request = new()
        {
            Messages = [new("user", "Hi")],
            Tools = JsonSerializer.SerializeToElement(new[] { new { name = "weather" } }),
            TemplateVariables = new Dictionary<string, JsonElement> { ["mood"] = JsonSerializer.SerializeToElement(" happy ") },
            MaxTokens = 1,
        };

        Assert.Equal(models.Chat.Tokenizer!.Encode("user: Hi\nweather happy assistant:").Length, models.Chat.Generate(request).PromptTokens);
    }

    [Fact]
    public void What_contradicts_itself_is_refused()
    {
        GenerationRequest chat = new() { Messages = [System] };
        Refused<ArgumentException>(chat with { Prompt = "a" }, "A request needs one of Prompt, Tokens and Messages, and no other.");
        Refused<ArgumentException>(chat with { Tokens = [1] }, "A request needs one of Prompt, Tokens and Messages, and no other.");
        Refused<ArgumentException>(chat with { Messages = [] }, "There are no messages: give one at least.");
        Refused<ArgumentException>(chat with { Messages = [null!] }, "is null: leave it out");
        Refused<ArgumentException>(chat with { TemplateVariables = null! }, "is null: leave it out");
        Refused<ArgumentException>(chat with { Overflow = (ChatOverflow)5 }, "Overflow is 5: give Refuse or DropOldest.");
        Refused<ArgumentException>(new() { Prompt = "a", Overflow = ChatOverflow.DropOldest }, "go with Messages");
        Refused<ArgumentException>(new() { Prompt = "a", Tools = default(JsonElement) }, "go with Messages");
        Refused<ChatTemplateException>(chat with { Messages = [new("assistant", "a")] }, "A user comes first.");
    }

    [Fact]
    public void A_model_without_a_template_that_can_be_used_loads_and_says_which_file_it_is_when_asked()
    {
        using StoryFolder none = new();
        using StoryFolder wrong = new();
        wrong.WriteTemplate("{% if %}");
        foreach ((StoryFolder folder, string said) in ((StoryFolder, string)[])[(none, "has no chat template"), (wrong, Path.Combine(wrong.Path, "chat_template.jinja"))])
        {
            using TextModel model = Models.Load(folder.Path);
            Assert.Null(model.ChatTokenizer);
            Assert.Empty(model.Warnings);
            Assert.Single(model.Generate(new GenerationRequest { Prompt = "One day", MaxTokens = 1 }).Tokens);
            string sentence = Assert.Throws<SpecDecodeException>(() => model.Generate(new GenerationRequest { Messages = [System] })).Message;
            Assert.StartsWith("The model takes no messages, since its chat template cannot be used. ", sentence, StringComparison.Ordinal);
            Assert.Contains(folder.Path, sentence, StringComparison.Ordinal);
            Assert.Contains(said, sentence, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_conversation_that_is_too_long_is_refused_with_the_numbers()
    {
        GenerationRequest request = new() { Messages = Conversation(12), MaxTokens = 30 };
        int tokens = Count(request.Messages);

        Assert.Equal(
            $"The conversation has {tokens} tokens and asks for 30 new ones (MaxTokens), but a sequence of this model holds {Length}, new tokens included. "
            + "Shorten it, or let its oldest turns be left out (Overflow: DropOldest).",
            Assert.Throws<SpecDecodeException>(() => models.Chat.Generate(request)).Message);

        // One that fits, though not with all that it asks for, is answered as far as there is room.
        ChatMessage[] fitting = Conversation(4);
        GenerationResult result = models.Chat.Generate(new GenerationRequest { Messages = fitting, MaxTokens = 10_000, IgnoreEndOfSequence = true });
        Assert.Equal(Length, result.PromptTokens + result.Tokens.Count);
    }

    [Theory]
    [InlineData(10, 30)]
    [InlineData(40, 30)]
    [InlineData(1000, 1)]
    [InlineData(1000, 99)]
    public void As_few_of_the_oldest_turns_as_are_enough_are_left_out(int turns, int maxTokens)
    {
        ChatMessage[] messages = Conversation(turns);
        GenerationResult result = models.Chat.Generate(Dropping(messages, maxTokens) with { IgnoreEndOfSequence = true });

        // Two messages a turn; the system's stays.
        Assert.Equal(0, result.DroppedMessages % 2);
        Assert.InRange(result.DroppedMessages, 2, (turns - 1) * 2);
        Assert.Equal(maxTokens, result.Tokens.Count);
        Assert.Equal(Count([System, .. messages.Skip(1 + result.DroppedMessages)]), result.PromptTokens);
        Assert.True(result.PromptTokens + maxTokens <= Length);
        Assert.True(Count([System, .. messages.Skip(1 + result.DroppedMessages - 2)]) + maxTokens > Length);
    }

    [Fact]
    public void A_conversation_that_fits_loses_nothing()
    {
        ChatMessage[] messages = Conversation(3);
        Assert.Equal(0, models.Chat.Generate(Dropping(messages, Length - Count(messages))).DroppedMessages);
        Assert.Equal(2, models.Chat.Generate(Dropping(messages, Length - Count(messages) + 1)).DroppedMessages);

        // More than a sequence holds is wanted: half of it is kept free.
        GenerationResult whole = models.Chat.Generate(Dropping(messages, 10_000) with { IgnoreEndOfSequence = true });
        Assert.Equal((0, Length), (whole.DroppedMessages, whole.PromptTokens + whole.Tokens.Count));
        Assert.InRange(models.Chat.Generate(Dropping(Conversation(30), 10_000)).PromptTokens, Length / 4, Length / 2);
    }

    [Fact]
    public void Tools_results_go_with_their_turn_and_developers_stay()
    {
        string words = string.Concat(Enumerable.Repeat(" word", 30));
        ChatMessage[] messages =
        [
            System, new("user", words), new("assistant", "call"), new("tool", "four"), new("developer", "Be kind."), new("assistant", "Four."),
            new("user", words), new("tool", "five"), new("assistant", "Five."), new("user", "And now?"),
        ];
        int left = Count([System, new("developer", "Be kind."), .. messages.Skip(6)]);

        GenerationResult result = models.Chat.Generate(Dropping(messages, Length - left));

        Assert.Equal((4, left), (result.DroppedMessages, result.PromptTokens));
    }

    [Fact]
    public void A_last_turn_that_is_too_long_alone_is_refused_with_the_numbers()
    {
        string words = string.Concat(Enumerable.Repeat(" word", 300));
        ChatMessage[] messages = [System, new("user", "Hi"), new("assistant", "Hi"), new("user", words)];

        string sentence = Assert.Throws<SpecDecodeException>(() => models.Chat.Generate(Dropping(messages, 20))).Message;

        Assert.Equal(
            $"Even without its 2 oldest messages the conversation has {Count([System, messages[3]])} tokens and asks for 20 new ones (MaxTokens), "
            + $"but a sequence of this model holds {Length}, new tokens included. Shorten the last turn or the system message.", sentence);

        // One that leaves some room gets that, and nothing of it goes to what could be left out.
        ChatMessage[] nearly = [System, new("user", "Hi"), new("assistant", "Hi"), new("user", string.Concat(Enumerable.Repeat(" word", 150)))];
        GenerationResult result = models.Chat.Generate(Dropping(nearly, 199) with { IgnoreEndOfSequence = true });
        Assert.Equal((2, Length), (result.DroppedMessages, result.PromptTokens + result.Tokens.Count));
        Assert.Equal(Count([System, nearly[3]]), result.PromptTokens);
    }

    [Fact]
    public void Turns_are_left_out_for_the_memory_of_keys_and_values_too()
    {
        using StoryFolder folder = new();
        folder.WriteTemplate(Template);
        using TextModel small = PlainModel.Load(
            folder.Path, new ModelOptions { CacheFolder = TestFolders.WeightCache }, new RuntimeOptions { MaxSequenceLength = Length, KvCacheMegabytes = 2 });
        GenerationResult result = small.Generate(Dropping(Conversation(30), 20) with { IgnoreEndOfSequence = true });
        Assert.Equal(20, result.Tokens.Count);
        Assert.InRange(result.PromptTokens, 10, models.Chat.Generate(Dropping(Conversation(30), 20)).PromptTokens - 1);
    }

    [Fact]
    public void Twenty_megabytes_in_a_message_and_a_million_messages_are_refused()
    {
        string huge = string.Concat(Enumerable.Repeat("some words ", 2_000_000));
        foreach (ChatOverflow overflow in (ChatOverflow[])[ChatOverflow.Refuse, ChatOverflow.DropOldest])
        {
            GenerationRequest request = new() { Messages = [System, new("user", "Hi"), new("user", huge)], Overflow = overflow };
            Assert.Contains($"more than {2 * Length} tokens", Assert.Throws<SpecDecodeException>(() => models.Chat.Generate(request)).Message, StringComparison.Ordinal);
        }

        ChatMessage[] many = [.. Enumerable.Repeat(new ChatMessage("user", "Hi"), 1_000_000)];
        Assert.Contains(
            $"more than {2 * Length} tokens",
            Assert.Throws<SpecDecodeException>(() => models.Chat.Generate(new GenerationRequest { Messages = many })).Message, StringComparison.Ordinal);
        Assert.InRange(models.Chat.Generate(Dropping(many, 20)).DroppedMessages, 999_000, 999_999);
    }

    private static GenerationRequest Dropping(IReadOnlyList<ChatMessage> messages, int maxTokens) =>
        new() { Messages = messages, MaxTokens = maxTokens, Overflow = ChatOverflow.DropOldest };

    private static ChatMessage[] Conversation(int turns) =>
        [System, .. Enumerable.Range(0, turns).SelectMany(i => (ChatMessage[])[new("user", $"Question {i}, please."), new("assistant", $"Answer {i}.")])];

    private int Count(IEnumerable<ChatMessage> messages) => models.Chat.ChatTokenizer!.Encode(ChatTemplateInput.Of(messages)).Length;

    private void Refused<T>(GenerationRequest request, string said)
        where T : Exception => Assert.Contains(said, Assert.Throws<T>(() => models.Chat.Generate(request)).Message, StringComparison.Ordinal);

    public sealed class Models : IDisposable
    {
        private readonly StoryFolder _folder = new();

        public Models()
        {
            _folder.WriteTemplate(Template);
            Chat = Load(_folder.Path);
        }

        public TextModel Chat { get; }

        public static TextModel Load(string folder) =>
            PlainModel.Load(folder, new ModelOptions { CacheFolder = TestFolders.WeightCache }, new RuntimeOptions { MaxSequenceLength = Length });

        public void Dispose()
        {
            Chat.Dispose();
            _folder.Dispose();
        }
    }
}
