using System.Text;
using System.Text.Json;
using SpecDecode.Replies;

namespace SpecDecode.Tests.Replies;

public sealed class ReplyParserTests
{
    /// <summary>Replies in the families' formats, and what is in them.</summary>
    public static TheoryData<string, string, string[]> Replies => new()
    {
        // Hermes, Qwen 2.5 and 3, SmolLM3.
        { "Hermes", "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Oslo\"}}\n</tool_call>", ["ToolCall: weather({\"city\": \"Oslo\"})"] },
        {
            "Hermes", "I look.\n<tool_call>{\"name\": \"weather\", \"arguments\": {}}</tool_call>\n<tool_call>{\"name\": \"add\", \"arguments\": {\"a\": [1, 2]}}</tool_call>\n",
            ["I look.\n", "ToolCall: weather({})", "ToolCall: add({\"a\": [1, 2]})"]
        },
        { "Hermes", "<tool_call>{\"name\": \"weather\", \"arguments\": {\"city\": \"</tool_call> { \\\" \"}}</tool_call>", ["ToolCall: weather({\"city\": \"</tool_call> { \\\" \"})"] },
        { "Hermes", "<tool_call>{\"name\": \"weather\", \"arguments\": {}}</tool_call>\n\nDone.", ["ToolCall: weather({})", "\n\nDone."] },
        { "Hermes", "<tool_call>{\"name\": \"weather\"}", ["ToolCall: weather({})"] },
        { "Hermes", "<tool_call>{\"arguments\": \"{\\\"a\\\": 1}\", \"name\": \"add\"}</tool_call>", ["ToolCall: add({\"a\": 1})"] },
        { "Hermes", "<tool_call>{\"name\": \"unknown\", \"arguments\": {}}</tool_call>", ["ToolCall: unknown({})"] },
        { "Hermes", "a <tool_cal b", ["a <tool_cal b"] },
        { "Hermes", "  x < y", ["  x < y"] },

        // Reasoning before the answer, and before calls.
        { "Thinking", "<think>\nHm, \n\n  well.\n</think>\n\nHi!", ["Reasoning: Hm, \n\n  well.", "Hi!"] },
        { "Thinking", "<think>\n\n</think>\n\nHi!", ["Hi!"] },
        { "Thinking", "\n<think>a</think><tool_call>{\"name\": \"add\", \"arguments\": {}}</tool_call>", ["Reasoning: a", "ToolCall: add({})"] },
        { "Thinking", "<think>a <tool_call>{\"name\": \"add\"}</tool_call> </thin</think> b", ["Reasoning: a <tool_call>{\"name\": \"add\"}</tool_call> </thin", "b"] },
        { "Thinking", "Say <think> first.", ["Say <think> first."] },
        { "Thinking", "<think>never ends ", ["Reasoning: never ends"] },

        // Llama 3.
        { "Llama", "{\"name\": \"weather\", \"parameters\": {\"city\": \"Oslo\"}}", ["ToolCall: weather({\"city\": \"Oslo\"})"] },
        { "Llama", "<|python_tag|>{\"name\": \"add\", \"parameters\": {\"a\": 1}}; {\"name\": \"add\", \"parameters\": {}}", ["ToolCall: add({\"a\": 1})", "ToolCall: add({})"] },
        { "Llama", "{\"name\": \"Ann\", \"age\": 3}", ["{\"name\": \"Ann\", \"age\": 3}"] },
        { "Llama", "{\"type\": \"function\", \"name\": \"add\", \"parameters\": {\"a\": 1}};{ \"name\" : \"weather\", \"arguments\": {}}", ["ToolCall: add({\"a\": 1})", "ToolCall: weather({})"] },
        { "Llama", "{\"parameters\": {\"a\": 1}, \"name\": \"add\"}", ["{\"parameters\": {\"a\": 1}, \"name\": \"add\"}"] },
        { "Llama", "{\"id\": 1, \"name\": \"add\"}", ["{\"id\": 1, \"name\": \"add\"}"] },
        { "Llama", "<|python_tag|>{\"parameters\": {\"a\": 1}, \"name\": \"add\"}", ["ToolCall: add({\"a\": 1})"] },
        { "Llama", "{ not JSON at all", ["{ not JSON at all"] },
        { "Llama", "The answer is {\"name\": \"weather\", \"parameters\": {}}", ["The answer is {\"name\": \"weather\", \"parameters\": {}}"] },

        // Mistral, with the array and newer.
        { "Mistral", "[TOOL_CALLS] [{\"name\": \"weather\", \"arguments\": {\"city\": \"Oslo\"}}, {\"name\": \"add\", \"arguments\": {}}]", ["ToolCall: weather({\"city\": \"Oslo\"})", "ToolCall: add({})"] },
        { "Mistral", "[TOOL_CALLS]weather[ARGS]{\"city\": \"Oslo\"}[TOOL_CALLS]add[CALL_ID]a1B2[ARGS]{}", ["ToolCall: weather({\"city\": \"Oslo\"})", "ToolCall: add({})"] },
        { "Mistral", "[TOOL_CALLS]weather{\"city\": \"Oslo\"}", ["ToolCall: weather({\"city\": \"Oslo\"})"] },
        { "Mistral", "[TOOL] [TOOL_CALLS", ["[TOOL] [TOOL_CALLS"] },

        // Phi-4-mini.
        { "Phi", "<|tool_call|>[{\"name\": \"weather\", \"arguments\": {\"city\": \"Oslo\"}}]<|/tool_call|>", ["ToolCall: weather({\"city\": \"Oslo\"})"] },
        { "Phi", "functools[{\"name\": \"add\", \"arguments\": {\"a\": 1}}]", ["ToolCall: add({\"a\": 1})"] },
        { "Phi", "<|tool_call|>[{\"type\": \"function\", \"function\": {\"name\": \"add\", \"parameters\": {\"a\": 1}}}]<|/tool_call|>", ["ToolCall: add({\"a\": 1})"] },

        // gpt-oss.
        {
            "Harmony", "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary to=functions.weather <|constrain|>json<|message|>{\"city\": \"Oslo\"}<|call|>",
            ["Reasoning: Hm.", "ToolCall: weather({\"city\": \"Oslo\"})"]
        },
        { "Harmony", "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Hi!<|return|>", ["Reasoning: Hm.", "Hi!"] },
        { "Harmony", " to=functions.add<|channel|>commentary json<|message|>{\"a\": 1}", ["ToolCall: add({\"a\": 1})"] },
        { "Harmony", "<|channel|>commentary<|message|>I look.<|end|><|start|>assistant<|channel|>final<|message|>Hi", ["I look.Hi"] },
        { "Harmony", "no marker", ["no marker"] },
    };

    /// <summary>What is no call is text, whole.</summary>
    public static TheoryData<string, string> Broken => new()
    {
        { "Hermes", "<tool_call>{\"name\": \"weather\", \"arguments\": {\"city\": \"Os" },
        { "Hermes", "<tool_call>{\"name\": \"\", \"arguments\": {}}</tool_call>" },
        { "Hermes", "<tool_call>{\"name\": \"weather\", \"arguments\": [1]}</tool_call>" },
        { "Hermes", "<tool_call>{\"name\": \"weather\", \"arguments\": \"city\"}</tool_call>" },
        { "Hermes", "<tool_call>{\"name\": {}, }</tool_call> tail" },
        { "Hermes", "<tool_call>weather</tool_call>" },
        { "Hermes", "<tool_call>" },
        { "Hermes", "<tool_call>  {]}</tool_call>" },
        { "Hermes", "<tool_call>{\"name\": \"\\ud800\", \"arguments\": {}}</tool_call>" },
        { "Mistral", "[TOOL_CALLS][]" },
        { "Mistral", "[TOOL_CALLS][{\"name\": \"weather\", \"arguments\": {}}, 3]" },
        { "Mistral", "[TOOL_CALLS]weather[ARGS]x" },
        { "Mistral", "[TOOL_CALLS]weather[ARGS]{\"a\": }" },
        { "Phi", "<|tool_call|>[{\"name\": 3}]<|/tool_call|>" },
        { "Llama", "<|python_tag|>brave_search.call(query=\"x\")" },
    };

    [Theory]
    [MemberData(nameof(Replies))]
    public void A_reply_is_told_apart_however_it_is_cut(string format, string reply, string[] expected)
    {
        ReplyFormat one = ReplyReading.All[format];
        Assert.Equal(expected, ReplyReading.Read(one, [reply]));
        Assert.Equal(expected, ReplyReading.Read(one, reply.Select(c => c.ToString())));
        for (int at = 0; at <= reply.Length; at++)
        {
            Assert.Equal(expected, ReplyReading.Read(one, [reply[..at], reply[at..]]));
        }
    }

    [Theory]
    [MemberData(nameof(Broken))]
    public void What_is_no_call_is_text_and_nothing_of_it_is_lost(string format, string reply)
    {
        Assert.Equal([reply], ReplyReading.Read(ReplyReading.All[format], [reply]));
        Assert.Equal([reply], ReplyReading.Read(ReplyReading.All[format], reply.Select(c => c.ToString())));
    }

    [Fact]
    public void A_call_behind_a_broken_one_is_found()
    {
        const string reply = "<tool_call>{\"name\": \"broken <tool_call>{\"name\": \"add\", \"arguments\": {\"a\": 1}}</tool_call>";
        Assert.Equal(["<tool_call>{\"name\": \"broken ", "ToolCall: add({\"a\": 1})"], ReplyReading.Read(ReplyReading.Hermes, [reply]));
    }

    [Fact]
    public void Without_tools_what_looks_like_a_call_is_text()
    {
        foreach ((string name, ReplyFormat format) in ReplyReading.All.Where(pair => pair.Key != nameof(ReplyReading.Harmony)))
        {
            const string reply = "<tool_call>{\"name\": \"add\", \"arguments\": {}}</tool_call>[TOOL_CALLS]<|tool_call|>";
            Assert.Equal([reply], ReplyReading.Read(format, [reply], tools: []));
            Assert.NotEmpty(name);
        }

        Assert.Equal(["{}"], ReplyReading.Read(ReplyReading.Harmony, ["<|channel|>commentary to=functions.add<|message|>{}<|call|>"], tools: []));
    }

    [Fact]
    public void Reasoning_that_the_prompt_has_opened_is_reasoning_from_the_beginning() =>
        Assert.Equal(["Reasoning: Hm.", "Hi!"], ReplyReading.Read(ReplyReading.Thinking, ["Hm", ".\n</th", "ink>\n\nHi!"], beginsInReasoning: true));

    [Fact]
    public void Text_is_given_out_as_soon_as_it_is_certain()
    {
        ReplyParser parser = ReplyReading.Hermes.CreateParser(ReplyReading.Tools);
        Assert.Equal(["Look: "], ReplyReading.Joined(parser.Append("Look: ")));
        Assert.Empty(parser.Append("<tool"));
        Assert.Equal(["<tools>"], ReplyReading.Joined(parser.Append("s>")));
        Assert.Empty(parser.Append("<tool_call>{\"name\": \"add\", \"arguments\": {}"));
        Assert.Equal(["ToolCall: add({})"], ReplyReading.Joined(parser.Append("}")));
        Assert.True(parser.HasCalls);
        Assert.Throws<InvalidOperationException>(() => { parser.Complete(); parser.Append(""); });
    }

    [Fact]
    public void A_call_of_any_length_is_bounded_and_so_is_their_number()
    {
        string endless = "<tool_call>{\"name\": \"add\", \"arguments\": {\"a\": \"" + new string('x', ReplyParser.MaxCallLength);
        Assert.Equal([endless], ReplyReading.Read(ReplyReading.Hermes, [endless]));
        Assert.Equal([endless], ReplyReading.Read(ReplyReading.Hermes, endless.Chunk(4096).Select(chunk => new string(chunk))));

        string many = string.Concat(Enumerable.Repeat("<tool_call>{\"name\": \"add\"}</tool_call>", ReplyParser.MaxCalls + 1));
        string[] parts = ReplyReading.Read(ReplyReading.Hermes, [many]);
        Assert.Equal(ReplyParser.MaxCalls + 1, parts.Length);
        Assert.StartsWith("<tool_call>", parts[^1], StringComparison.Ordinal);

        // One opened within the other, none closed: each is looked through a few times only.
        string nested = string.Concat(Enumerable.Repeat("<tool_call>{", 20_000));
        Assert.Equal([nested], ReplyReading.Read(ReplyReading.Hermes, [nested]));
    }

    [Fact]
    public void Random_replies_come_out_the_same_however_they_are_cut_and_calls_are_always_valid()
    {
        string[] pieces =
        [
            "<tool_call>", "</tool_call>", "<think>", "</think>", "[TOOL_CALLS]", "[ARGS]", "[CALL_ID]", "<|tool_call|>", "<|/tool_call|>", "functools", "<|python_tag|>",
            "<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|call|>", "<|return|>", "<|constrain|>", "analysis", "final", "commentary to=functions.add ",
            "{\"name\": \"add\", \"arguments\": {\"a\": 1}}", "{\"name\": \"add\", \"parameters\": {}}", "[{\"name\": \"weather\", \"arguments\": {}}]", "{", "}", "[", "]", "\"", "\\", ":", ",",
            " ", "\n", ";", "<", "|", "add", "é", "😀", "\ud83d", "text", "\"name\"", new string(' ', 1100), new string('a', 300),
        ];
        int seeds = TestScale.Cases(3_000, 200_000);
        foreach ((string name, ReplyFormat format) in ReplyReading.All)
        {
            for (int seed = 0; seed < seeds / ReplyReading.All.Count; seed++)
            {
                Random random = new(seed);
                StringBuilder text = new();
                for (int i = random.Next(1, 14); i > 0; i--)
                {
                    text.Append(pieces[random.Next(pieces.Length)]);
                }

                string reply = text.ToString();
                bool inReasoning = random.Next(4) == 0;
                string[] whole = ReplyReading.Read(format, [reply], beginsInReasoning: inReasoning);
                string[] cut = ReplyReading.Read(format, ReplyReading.Cut(reply, seed), beginsInReasoning: inReasoning);
                Assert.True(whole.SequenceEqual(cut), $"{name}, seed {seed}: {JsonSerializer.Serialize(reply)}\n{string.Join(" | ", whole)}\n{string.Join(" | ", cut)}");
                foreach (string call in whole.Where(part => part.StartsWith("ToolCall: ", StringComparison.Ordinal)))
                {
                    string arguments = call[(call.IndexOf('(', StringComparison.Ordinal) + 1)..^1];
                    Assert.Equal(JsonValueKind.Object, JsonElement.Parse(arguments).ValueKind);
                }
            }
        }
    }
}
