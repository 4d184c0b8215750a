using System.Text.Json;
using SpecDecode.Constraints;
using SpecDecode.Generation;
using SpecDecode.Replies;
using SpecDecode.Tokenizers;

namespace SpecDecode.Tests.Endpoints;

/// <summary>Calls that a model makes by itself are held to their schemas: the story model is made to write a marker, and what it writes behind it is a call.</summary>
public sealed class HeldCallTests(StoryServer story)
{
    private static readonly JsonElement Tools = JsonElement.Parse("""
        [{"type": "function", "function": {"name": "feed", "parameters": {"type": "object", "properties": {"pet": {"$ref": "#/$defs/pet"}, "times": {"type": "integer", "minimum": 1, "maximum": 9}},
          "required": ["pet", "times"], "additionalProperties": false, "$defs": {"pet": {"enum": ["cat", "dog"]}}}}},
         {"type": "function", "function": {"name": "sleep", "parameters": {"type": "object", "properties": {"hours": {"type": "boolean"}}, "required": ["hours"], "additionalProperties": false}}}]
        """);

    public static TheoryData<string, string> Formats => new()
    {
        { "{% if tools %}<tool_call></tool_call>{% endif %}", "Well. <tool_call>\n" },
        { "{% if tools %}[TOOL_CALLS]{% endif %}", "[TOOL_CALLS]" },
        { "{{ message['tools'] }}<|tool|>", "<|tool_call|>" },
        { "{{ message['tools'] }}<|tool|>", "functools" },
        { "<|start_header_id|>{% if tools %}\"parameters\"{% endif %}", "<|python_tag|>" },
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
            Assert.All(calls, call =>
            {
                JsonElement arguments = JsonElement.Parse(call.Arguments);
                if (call.Name == "feed")
                {
                    Assert.Contains(arguments.GetProperty("pet").GetString(), (string[])["cat", "dog"]);
                    Assert.InRange(arguments.GetProperty("times").GetInt32(), 1, 9);
                }
                else
                {
                    Assert.Equal("sleep", call.Name);
                    Assert.True(arguments.GetProperty("hours").ValueKind is JsonValueKind.True or JsonValueKind.False);
                }
            });
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

    [Fact]
    public async Task The_endpoints_hold_calls_of_the_families_whose_format_they_can()
    {
        FakeGenerator fake = new("Hi", Chats.Tools);
        await using EndpointServer server = await EndpointServer.StartAsync(fake);
        (int status, _, _) = await server.PostAsync("/v1/chat/completions", $$"""{"messages": [{"role": "user", "content": "x"}], "tools": {{Tools.GetRawText()}}}""");
        Assert.Equal(200, status);
        Assert.IsType<ToolCallConstraint>(Assert.Single(fake.Requests[0].Constraints));
        Assert.Null(ToolCallConstraint.Of(ReplyFormat.Of("{{ tools }}<|channel|><|message|>"), Tools));
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
