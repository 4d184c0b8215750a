using System.Text.Json;
using SpecDecode.Constraints;
using SpecDecode.Generation;
using SpecDecode.Replies;
using SpecDecode.Tokenizers;

namespace SpecDecode.Tests.Endpoints;

/// <summary>Calls that a model makes by itself are held to their schemas: the story model is made to write a marker, and what it writes behind it is a call.</summary>
public sealed class HeldCallTests(StoryServer story)
{
    private static JsonElement Tools => CallWalk.Tools;

    public static TheoryData<string, string> Formats => new()
    {
        { "{% if tools %}<tool_call></tool_call>{% endif %}", "Well. <tool_call>\n" },
        { "{% if tools %}[TOOL_CALLS]{% endif %}", "[TOOL_CALLS]" },
        { "{{ message['tools'] }}<|tool|>", "<|tool_call|>" },
        { "{{ message['tools'] }}<|tool|>", "functools[" },
        { "<|start_header_id|>{% if tools %}\"parameters\"{% endif %}", "<|python_tag|>" },
        { "<|start_header_id|>{% if tools %}\"parameters\"{% endif %}", "{\"name\": \"feed\"" },
        { "<|start_header_id|>{% if tools %}\"parameters\"{% endif %}", "{\"type\": \"function\", \"name\": \"sleep\"" },
        { "{% if tools %}[TOOL_CALLS][ARGS]{% endif %}", "[TOOL_CALLS]" },
        { "{{ tools }}<|channel|><|message|>", "<|channel|>analysis<|message|>to=functions.x<|end|><|start|>assistant<|channel|>commentary to=functions." },
    };

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task Behind_a_marker_the_model_writes_a_call_of_a_tool_with_arguments_of_its_schema(string template, string opening)
    {
        ReplyFormat format = ReplyFormat.Of(template);

        // Where a list may end it does, and white space is no end.
        TextTokenizer tokenizer = story.Generator.Tokenizer!;
        Dictionary<int, float> close = new() { [tokenizer.Encode("]", addSpecialTokens: false)[^1]] = 50, [tokenizer.Encode("\n", addSpecialTokens: false)[^1]] = -50, [tokenizer.Encode(" ", addSpecialTokens: false)[^1]] = -50 };
        foreach (float temperature in (float[])[0, 1.2f])
        {
            GenerationResult[] texts = new GenerationResult[2];
            for (int i = 0; i < 2; i++)
            {
                texts[i] = await story.Generator.CompleteAsync(
                    new GenerationRequest
                    {
                        Prompt = "Once upon a time", MaxTokens = 500, LogitBias = close, Sampling = story.Generator.Defaults.Sampling with { Temperature = temperature, Seed = 3 },
                        Drafting = i == 0 ? Drafting.DraftingOptions.None : story.Generator.Defaults.Drafting,
                        Constraints = [new Opening(opening), ToolCallConstraint.Of(format, Tools)!],
                    },
                    TestContext.Current.CancellationToken);
            }

            // Drafts change nothing about it.
            Assert.Equal(texts[0].Text, texts[1].Text);
            ReplyParser parser = format.CreateParser(["feed", "sleep"]);
            ToolCall[] calls = [.. parser.Append(texts[0].Text!).Concat(parser.Complete()).Select(part => part.Call).OfType<ToolCall>()];
            Assert.NotEmpty(calls);
            Assert.All(calls, call => CallWalk.AssertValid(call, texts[0].Text!));
        }
    }

    [Fact]
    public async Task Text_and_reasoning_are_free()
    {
        ReplyFormat format = ReplyFormat.Of("{% if tools %}<tool_call></tool_call>{% endif %}<think></think>");
        GenerationRequest request = new() { Prompt = "Once upon a time", MaxTokens = 40 };
        GenerationResult free = await story.Generator.CompleteAsync(request, TestContext.Current.CancellationToken);
        GenerationResult held = await story.Generator.CompleteAsync(request with { Constraints = [ToolCallConstraint.Of(format, Tools)!] }, TestContext.Current.CancellationToken);
        Assert.Equal(free.Text, held.Text);

        GenerationRequest opened = request with { Constraints = [new Opening("<think><tool_call>")] };
        free = await story.Generator.CompleteAsync(opened, TestContext.Current.CancellationToken);
        held = await story.Generator.CompleteAsync(opened with { Constraints = [.. opened.Constraints, ToolCallConstraint.Of(format, Tools)!] }, TestContext.Current.CancellationToken);
        Assert.Equal(free.Text, held.Text);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task With_one_call_alone_the_text_ends_behind_it(string template, string opening)
    {
        ReplyFormat format = ReplyFormat.Of(template);
        GenerationResult result = await story.Generator.CompleteAsync(
            new GenerationRequest { Prompt = "Once upon a time", MaxTokens = 500, Constraints = [new Opening(opening), ToolCallConstraint.Of(format, Tools, allowMultipleCalls: false)!] },
            TestContext.Current.CancellationToken);
        ReplyParser parser = format.CreateParser(CallWalk.Names);
        ReplyPart[] parts = [.. parser.Append(result.Text!).Concat(parser.Complete())];
        Assert.Equal(FinishReason.Stop, result.FinishReason);
        CallWalk.AssertValid(parts[^1].Call!, result.Text!);
        Assert.Single(parts, part => part.Call is not null);

        // Where it must go on it does so with white space.
        GenerationResult longer = await story.Generator.CompleteAsync(
            new GenerationRequest
            {
                Prompt = "Once upon a time", MaxTokens = 500, MinTokens = result.Tokens.Count + 3,
                Constraints = [new Opening(opening), ToolCallConstraint.Of(format, Tools, allowMultipleCalls: false)!],
            },
            TestContext.Current.CancellationToken);
        Assert.Equal((result.Text, FinishReason.Stop), (longer.Text!.TrimEnd(), longer.FinishReason));
        Assert.True(longer.Tokens.Count > result.Tokens.Count);
    }

    [Fact]
    public async Task The_endpoints_hold_calls_and_their_number()
    {
        FakeGenerator fake = new("Hi", Chats.Tools);
        await using EndpointServer server = await EndpointServer.StartAsync(fake);
        foreach (string parallel in (string[])["", ", \"parallel_tool_calls\": false"])
        {
            (int status, _, _) = await server.PostAsync("/v1/chat/completions", $$"""{"messages": [{"role": "user", "content": "x"}], "tools": {{Tools.GetRawText()}}{{parallel}}}""");
            Assert.Equal(200, status);
        }

        SpecDecode.Extensions.AI.SpecDecodeChatClient client = new(fake);
        foreach (bool? several in (bool?[])[null, false])
        {
            await client.GetResponseAsync(
                [new Microsoft.Extensions.AI.ChatMessage(Microsoft.Extensions.AI.ChatRole.User, "x")], new() { AllowMultipleToolCalls = several, Tools = [.. CallWalk.Names.Select((name, i) => Microsoft.Extensions.AI.AIFunctionFactory.CreateDeclaration(name, null, Tools[i].GetProperty("function").GetProperty("parameters")))] },
                TestContext.Current.CancellationToken);
        }

        Assert.Equal([true, false, true, false], fake.Requests.Select(request => Most(fake, Assert.IsType<ToolCallConstraint>(Assert.Single(request.Constraints))) > 1));
    }

    // The most calls of some replies.
    private static int Most(FakeGenerator fake, ToolCallConstraint constraint)
    {
        ReplyFormat format = ReplyFormat.Of(fake.ChatTokenizer!);
        CallWalk[] walks = [.. Enumerable.Range(0, 40).Select(seed => CallWalk.Draw(format, fake.Tokenizer!, 4096, constraint, seed))];
        Assert.All(walks, walk => Assert.All(walk.Calls, call => CallWalk.AssertValid(call, walk.Text)));
        return walks.Max(walk => walk.Calls.Count);
    }

    /// <summary>Has a text begin with another.</summary>
    private sealed class Opening(string text) : ITokenConstraint
    {
        public ITokenConstraintState Begin(TokenConstraintContext context) => new State(context.Tokenizer!.Encode(text, addSpecialTokens: false));

        private sealed class State(int[] tokens) : ITokenConstraintState
        {
            private int _count;

            public void Advance(int token) => _count++;

            public void Rollback(int count) => _count -= count;

            public void Process(Span<float> logits)
            {
                if (_count < tokens.Length)
                {
                    float kept = logits[tokens[_count]];
                    logits.Fill(float.NegativeInfinity);
                    logits[tokens[_count]] = kept;
                }
            }
        }
    }
}
