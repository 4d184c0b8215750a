using System.Text.Json;
using Microsoft.Extensions.AI;
using SpecDecode.Constraints;
using SpecDecode.Drafting;
using SpecDecode.Extensions.AI;
using SpecDecode.Generation;
using SpecDecode.Grammars;
using SpecDecode.Replies;
using SpecDecode.Tokenizers;

namespace SpecDecode.Tests.Endpoints;

/// <summary>With tools and a form, a reply is an answer of the form or a valid call, and nothing else; drafts change nothing about it.</summary>
public sealed class AnswerOrCallTests(StoryServer story)
{
    private const string Schema = """
        {"type": "object", "properties": {"mood": {"enum": ["sad", "happy"]}, "count": {"type": "integer", "minimum": 0, "maximum": 99}}, "required": ["mood", "count"], "additionalProperties": false}
        """;

    private static readonly Grammar Answer = Grammar.OfJsonSchema(Schema, new JsonGrammarOptions { WhiteSpace = JsonWhiteSpace.Spaced });

    public static TheoryData<string, string> Formats => new()
    {
        { "{% if tools %}<tool_call></tool_call>{% endif %}", "<tool_call>" },
        { "{% if tools %}<tool_call></tool_call>{% endif %}<think></think>", "<tool_call>" },
        { "{% if tools %}[TOOL_CALLS]{% endif %}", "[TOOL_CALLS]" },
        { "{{ message['tools'] }}<|tool|>", "functools[" },
        { "<|start_header_id|>{% if tools %}\"parameters\"{% endif %}", "{\"name\"" },
        { "{% if tools %}[TOOL_CALLS][ARGS]{% endif %}", "[TOOL_CALLS]" },
    };

    [Theory]
    [MemberData(nameof(Formats))]
    public void Whatever_is_drawn_is_an_answer_or_a_call(string template, string opening)
    {
        ReplyFormat format = ReplyFormat.Of(template);
        TextTokenizer tokenizer = story.Generator.Tokenizer!;
        AnswerOrCallConstraint constraint = AnswerOrCallConstraint.Of(format, CallWalk.Tools, Answer)!;
        int answers = 0, calls = 0;
        for (int seed = 0; seed < 80; seed++)
        {
            CallWalk walk = CallWalk.Draw(format, tokenizer, 4096, constraint, seed);
            if (!walk.HasEnded)
            {
                continue;
            }

            if (walk.Calls.Count > 0)
            {
                calls++;
                Assert.All(walk.Calls, call => CallWalk.AssertValid(call, walk.Text));
                Assert.Contains((char[])[opening[0], '<'], first => walk.Text.TrimStart()[0] == first);
            }
            else
            {
                answers++;
                AssertAnswer(walk.Text);
            }
        }

        Assert.True(answers > 0 && calls > 0, $"{answers} answers, {calls} calls");
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task The_model_writes_one_of_them_drafted_as_plainly(string template, string opening)
    {
        ReplyFormat format = ReplyFormat.Of(template);
        TextTokenizer tokenizer = story.Generator.Tokenizer!;
        int ended = 0;
        foreach ((string? begin, float temperature) in ((string?, float)[])[(null, 0), (null, 1.2f), (opening, 0), (opening, 1.2f), ("{\"mood\"", 1.2f)])
        {
            // Its first token is what a model that wants to call, or to answer, would begin with.
            Dictionary<int, float> bias = new()
            {
                // Where a list may end it does, and white space is no end.
                [tokenizer.Encode("]", addSpecialTokens: false)[^1]] = 50, [tokenizer.Encode("\n", addSpecialTokens: false)[^1]] = -50, [tokenizer.Encode(" ", addSpecialTokens: false)[^1]] = -50,
            };
            if (begin is not null)
            {
                bias[tokenizer.Encode(begin, addSpecialTokens: false)[0]] = 60;
            }

            GenerationRequest request = new()
            {
                Prompt = "Once upon a time", MaxTokens = 300, LogitBias = bias, Sampling = story.Generator.Defaults.Sampling with { Temperature = temperature, Seed = 3 },
                Constraints = [AnswerOrCallConstraint.Of(format, CallWalk.Tools, Answer)!],
            };
            GenerationResult plain = await story.Generator.CompleteAsync(request with { Drafting = DraftingOptions.None }, TestContext.Current.CancellationToken);
            foreach (DraftingOptions drafting in (DraftingOptions[])[DraftingOptions.EarlyExit(2), new() { Strategy = DraftingStrategy.Lookup }, new() { Strategy = DraftingStrategy.Auto }])
            {
                GenerationResult drafted = await story.Generator.CompleteAsync(request with { Drafting = drafting }, TestContext.Current.CancellationToken);
                Assert.Equal(plain.Tokens, drafted.Tokens);
            }

            if (plain.FinishReason == FinishReason.Stop)
            {
                ended++;
                ReplyParser parser = format.CreateParser(CallWalk.Names);
                ToolCall[] calls = [.. parser.Append(plain.Text!).Concat(parser.Complete()).Select(part => part.Call).OfType<ToolCall>()];
                Assert.All(calls, call => CallWalk.AssertValid(call, plain.Text!));
                if (calls.Length == 0)
                {
                    AssertAnswer(plain.Text!);
                }
            }
        }

        Assert.True(ended > 2, $"{ended} texts ended");
    }

    [Fact]
    public void Tokens_that_neither_has_are_taken_back()
    {
        ReplyFormat format = ReplyFormat.Of("{% if tools %}<tool_call></tool_call>{% endif %}");
        TextTokenizer tokenizer = story.Generator.Tokenizer!;
        int Token(string text) => tokenizer.Encode(text, addSpecialTokens: false)[^1];
        ITokenConstraintState state = AnswerOrCallConstraint.Of(format, CallWalk.Tools, Answer)!.Begin(new TokenConstraintContext(new[] { 0 }, 4096, new HashSet<int> { 0 }, tokenizer));
        float[] Masked()
        {
            float[] logits = new float[4096];
            state.Process(logits);
            return logits;
        }

        float[] first = Masked();
        Assert.Equal((0, 0, float.NegativeInfinity, float.NegativeInfinity), (first[Token("{")], first[Token("<")], first[Token("a")], first[0]));
        int[] strays = [Token("{"), Token("a"), Token("<"), Token("{"), Token("b")];
        foreach (int token in strays)
        {
            state.Advance(token);
            Masked();
        }

        state.Rollback(4);
        float[] behindBrace = Masked();
        Assert.Equal((float.NegativeInfinity, false), (behindBrace[Token("<")], state.Allows(Token("<"))));
        state.Rollback(1);
        Assert.Equal(first, Masked());
        state.Advance(Token("<"));
        float[] behindMarker = Masked();
        Assert.Equal((float.NegativeInfinity, false), (behindMarker[Token("{")], state.Allows(Token("{"))));
        Assert.Contains(0f, behindMarker);
    }

    [Fact]
    public async Task Endpoints_and_client_take_both_and_the_family_without_them_is_refused_by_name()
    {
        string body = $$"""{"messages": [{"role": "user", "content": "x"}], "tools": {{CallWalk.Tools.GetRawText()}}, "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {{Schema}} } } }""";
        FakeGenerator fake = new("<tool_call>{\"name\": \"sleep\", \"arguments\": {\"hours\": true}}</tool_call>", Chats.Tools);
        await using EndpointServer server = await EndpointServer.StartAsync(fake);
        (int status, JsonElement answer, _) = await server.PostAsync("/v1/chat/completions", body);
        Assert.Equal((200, "sleep"), (status, answer.GetProperty("choices")[0].GetProperty("message").GetProperty("tool_calls")[0].GetProperty("function").GetProperty("name").GetString()));

        // Of one that must call it is the call alone that has a form.
        (status, _, _) = await server.PostAsync("/v1/chat/completions", body[..^1] + ", \"tool_choice\": \"required\"}");
        Assert.Equal(200, status);
        SpecDecodeChatClient client = new(fake);
        await client.GetResponseAsync("x", Options(), TestContext.Current.CancellationToken);
        Assert.Equal(
            [(true, false), (false, true), (true, false)],
            fake.Requests.Select(request => (request.Constraints.SingleOrDefault() is AnswerOrCallConstraint, request.Grammar is not null)));

        FakeGenerator other = new("Hi", "{{ tools }}<|channel|><|message|>");
        await using EndpointServer refusing = await EndpointServer.StartAsync(other);
        (status, answer, _) = await refusing.PostAsync("/v1/chat/completions", body);
        Assert.Equal((400, "response_format"), (status, answer.GetProperty("error").GetProperty("param").GetString()));
        NotSupportedException error = await Assert.ThrowsAsync<NotSupportedException>(() => new SpecDecodeChatClient(other).GetResponseAsync("x", Options(), TestContext.Current.CancellationToken));
        Assert.StartsWith("ChatOptions.ResponseFormat", error.Message, StringComparison.Ordinal);
    }

    private static ChatOptions Options()
    {
        using JsonDocument schema = JsonDocument.Parse(Schema);
        return new ChatOptions
        {
            ResponseFormat = ChatResponseFormat.ForJsonSchema(schema.RootElement.Clone()),
            Tools = [.. CallWalk.Names.Select((name, i) => AIFunctionFactory.CreateDeclaration(name, null, CallWalk.Tools[i].GetProperty("function").GetProperty("parameters")))],
        };
    }

    private static void AssertAnswer(string text)
    {
        using JsonDocument answer = JsonDocument.Parse(text);
        Assert.Equal(["mood", "count"], answer.RootElement.EnumerateObject().Select(member => member.Name));
        Assert.Contains(answer.RootElement.GetProperty("mood").GetString(), (string[])["sad", "happy"]);
        Assert.InRange(answer.RootElement.GetProperty("count").GetInt32(), 0, 99);
    }
}
