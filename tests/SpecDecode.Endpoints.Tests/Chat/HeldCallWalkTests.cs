using SpecDecode.ChatTemplates;
using SpecDecode.Constraints;
using SpecDecode.Replies;

namespace SpecDecode.Tests.Endpoints;

/// <summary>Whatever is written under the constraint: what a parser takes for a call is one of a tool, with arguments of its schema.</summary>
public sealed class HeldCallWalkTests
{
    private const string Mistral = "{% if tools %}[TOOL_CALLS]{% endif %}";
    private const string NewMistral = "{% if tools %}[TOOL_CALLS][ARGS]{% endif %}";
    private const string Llama = "<|start_header_id|>{% if tools %}\"parameters\"{% endif %}";
    private const string Harmony = "{{ tools }}<|channel|><|message|>";
    private static readonly string[] HarmonyMarkers = ["<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|return|>", "<|call|>", "<|constrain|>"];

    public static TheoryData<string, string[]> Formats => new()
    {
        { "{% if tools %}<tool_call></tool_call>{% endif %}", [] },
        { "{% if tools %}<tool_call></tool_call>{% endif %}<think></think>", [] },
        { "{% if tools %}<tool_call></tool_call>{% endif %}<think></think>", ["<tool_call>", "</tool_call>", "<think>", "</think>"] },
        { Mistral, [] },
        { Mistral, ["[TOOL_CALLS]"] },
        { NewMistral, [] },
        { NewMistral, ["[TOOL_CALLS]", "[ARGS]", "[CALL_ID]"] },
        { "{{ message['tools'] }}<|tool|>", [] },
        { "{{ message['tools'] }}<|tool|>", ["<|tool_call|>", "<|/tool_call|>"] },
        { Llama, [] },
        { Llama, ["<|python_tag|>"] },
        { Harmony, [] },
        { Harmony, HarmonyMarkers },
    };

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_call_is_always_one_of_a_tool_with_arguments_of_its_schema(string template, string[] markers)
    {
        (ChatTokenizer chat, int vocabulary) = CallWalk.WithControlTokens(template, markers);
        ReplyFormat format = ReplyFormat.Of(chat);
        int seeds = Environment.GetEnvironmentVariable("SPECDECODE_TEST_LONG") == "1" ? 5000 : 60;
        foreach (bool several in (bool[])[true, false])
        {
            int calls = 0, texts = 0, most = 0;
            for (int seed = 0; seed < seeds; seed++)
            {
                CallWalk walk = CallWalk.Draw(format, chat.Tokenizer, vocabulary, ToolCallConstraint.Of(format, CallWalk.Tools, allowMultipleCalls: several)!, seed);
                Assert.All(walk.Calls, call => CallWalk.AssertValid(call, $"seed {seed}: {walk.Text}"));
                Assert.True(walk.Calls.Count <= 1 || several, $"seed {seed}: {walk.Text}");
                calls += walk.Calls.Count;
                texts += walk.Calls.Count == 0 ? 1 : 0;
                most = Math.Max(most, walk.Calls.Count);
            }

            // Otherwise nothing was held to anything.
            Assert.True(calls > seeds / 10 && (texts > 0 || !several), $"{calls} calls, {texts} replies without");
            Assert.True(most > 1 || !several || format.ToolCalls == ToolCallSyntax.Harmony);
        }
    }

    [Fact]
    public void An_object_that_calls_no_tool_is_free()
    {
        (ChatTokenizer chat, int vocabulary) = CallWalk.WithControlTokens(Llama, []);
        ReplyFormat format = ReplyFormat.Of(chat);
        ITokenConstraintState state = ToolCallConstraint.Of(format, CallWalk.Tools)!.Begin(new TokenConstraintContext(new[] { 0 }, vocabulary, new HashSet<int> { 0 }, chat.Tokenizer));
        const string answer = "{\"name\": \"Ann\", \"pet\": {\"name\": \"feed\", \"age\": 3}} {\"name\": \"feed\", \"age\"";
        foreach (int token in chat.Tokenizer.Encode(answer, addSpecialTokens: false))
        {
            Assert.True(state.Allows(token));
            state.Advance(token);
        }

        Assert.Equal(0, state.Forced(new int[4]));
        ReplyParser parser = format.CreateParser(CallWalk.Names);
        Assert.Equal(answer, string.Concat(parser.Append(answer).Concat(parser.Complete()).Select(part => part.Text)));
    }
}
