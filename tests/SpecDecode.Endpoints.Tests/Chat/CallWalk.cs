using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using SpecDecode.ChatTemplates;
using SpecDecode.Constraints;
using SpecDecode.Replies;
using SpecDecode.Tokenizers;

namespace SpecDecode.Tests.Endpoints;

/// <summary>Replies of tokens that are drawn at random among those that a constraint leaves, with pieces of calls tried again and again, and what a parser finds in them.</summary>
internal sealed class CallWalk
{
    private const int End = 0;

    // Whole calls, beginnings of some, and what would break them.
    private static readonly string[] Pieces =
    [
        "<tool_call>", "</tool_call>", "[TOOL_CALLS]", "[ARGS]", "[CALL_ID]a1B2c3D4e[ARGS]", "<|tool_call|>", "functools[", "functools", "<|python_tag|>", "<|start|>assistant", "<|channel|>commentary to=functions.",
        "to=functions.feed", "<|message|>", "<|end|>", "<|call|>", "<|constrain|>json", "<think>", "</think>", "{\"name\": \"feed\"", "{\"name\": \"sl", "{\"type\": \"function\", \"name\": \"sleep\"", "{ \"name\" :\"feed",
        "{\"name\": \"Ann\"", "; {\"name\": \"feed\"", ", \"parameters\": {\"pet\": \"bird\"}}", "\"}", "\", ", "{\"parameters\": {\"hours\": 3}, \"name\": \"sleep\"}", "{\"arguments\": {}, \"name\": \"feed\"}", "feed[ARGS]{}", "feed", "; ", " ", "\n", "{", "}", "[", "text",
        "[{\"name\": \"feed\", \"arguments\": {}}]", "feed<|message|>{\"pet\": 3}", new string('a', 700),
    ];

    private static readonly ConditionalWeakTable<TextTokenizer, HashSet<int>> Spaces = [];

    public static string[] Names { get; } = ["feed", "sleep"];

    public static JsonElement Tools { get; } = JsonElement.Parse("""
        [{"type": "function", "function": {"name": "feed", "parameters": {"type": "object", "properties": {"pet": {"$ref": "#/$defs/pet"}, "times": {"type": "integer", "minimum": 1, "maximum": 9}},
          "required": ["pet", "times"], "additionalProperties": false, "$defs": {"pet": {"enum": ["cat", "dog"]}}}}},
         {"type": "function", "function": {"name": "sleep", "parameters": {"type": "object", "properties": {"hours": {"type": "boolean"}}, "required": ["hours"], "additionalProperties": false}}}]
        """);

    public required IReadOnlyList<ToolCall> Calls { get; init; }

    public required string Text { get; init; }

    /// <summary>Whether an end token came, and not the last of the tokens that there may be.</summary>
    public required bool HasEnded { get; init; }

    /// <summary>Draws a reply.</summary>
    public static CallWalk Draw(ReplyFormat format, TextTokenizer tokenizer, int vocabulary, ITokenConstraint constraint, int seed)
    {
        string[] openings = format.ToolCalls switch
        {
            ToolCallSyntax.Hermes => ["<tool_call>"],
            ToolCallSyntax.Mistral => ["[TOOL_CALLS]"],
            ToolCallSyntax.Phi4 => ["<|tool_call|>", "functools["],
            ToolCallSyntax.Llama3 => ["{\"name\": \"feed", ";{\"name\": \"sleep\"", "{\"type\": \"function\", \"name\": \"feed\"", "<|python_tag|>"],
            _ => ["<|channel|>commentary to=functions.", "<|end|>"],
        };
        HashSet<int> spaces = Spaces.GetValue(
            tokenizer, one => [.. Enumerable.Range(0, vocabulary).Where(token => string.IsNullOrWhiteSpace(one.Decode([token], skipSpecialTokens: false)))]);
        Random random = new(seed);
        ITokenConstraintState state = constraint.Begin(new TokenConstraintContext(new[] { End }, vocabulary, new HashSet<int> { End }, tokenizer));
        ReplyParser parser = format.CreateParser(Names);
        TokenTextStream stream = tokenizer.CreateStream();
        Queue<int> next = [];
        List<ReplyPart> parts = [];
        StringBuilder text = new();
        float[] logits = new float[vocabulary];
        bool hasEnded = false;
        for (int i = 0; i < 200 && !hasEnded; i++)
        {
            Array.Clear(logits);
            state.Process(logits);
            for (int sample = 0; sample < 8; sample++)
            {
                int any = random.Next(1, vocabulary);
                Assert.True(state.Allows(any) == float.IsFinite(logits[any]), $"seed {seed}, behind {text}: token {any}");
            }

            if (next.Count == 0 && random.Next(2) == 0)
            {
                string[] some = random.Next(i == 0 ? 4 : 2) > 0 ? openings : Pieces;
                next = new Queue<int>(tokenizer.Encode(some[random.Next(some.Length)], addSpecialTokens: false));
            }

            if (!next.TryDequeue(out int token) || !float.IsFinite(logits[token]))
            {
                next.Clear();
                int[] allowed = [.. Enumerable.Range(0, vocabulary).Where(one => float.IsFinite(logits[one]))];
                Assert.NotEmpty(allowed);

                // White space, which is everywhere, would be most of it.
                int[] visible = [.. allowed.Where(one => !spaces.Contains(one))];
                allowed = visible.Length > 0 && random.Next(8) > 0 ? visible : allowed;
                token = allowed[random.Next(allowed.Length)];
            }

            // As a draft does that does not stand.
            int tried = random.Next(3);
            for (int draft = 0; draft < tried; draft++)
            {
                state.Advance(random.Next(vocabulary));
            }

            if (tried > 0)
            {
                state.Rollback(tried);
            }

            state.Advance(token);
            hasEnded = token == End;
            string piece = hasEnded ? "" : stream.Append(token);
            text.Append(piece);
            parts.AddRange(parser.Append(piece, token));
        }

        string rest = stream.Flush();
        parts.AddRange(parser.Append(rest));
        parts.AddRange(parser.Complete());
        return new CallWalk { Calls = [.. parts.Select(part => part.Call).OfType<ToolCall>()], Text = text + rest, HasEnded = hasEnded };
    }

    /// <summary>Whether a call's arguments are valid by its tool's schema.</summary>
    public static void AssertValid(ToolCall call, string place)
    {
        JsonElement arguments = JsonElement.Parse(call.Arguments);
        string[] names = [.. arguments.EnumerateObject().Select(one => one.Name)];
        if (call.Name == "feed")
        {
            Assert.True(names is ["pet", "times"] && arguments.GetProperty("pet").GetString() is "cat" or "dog" && arguments.GetProperty("times").GetInt32() is >= 1 and <= 9, $"{call} {place}");
        }
        else
        {
            Assert.True(call.Name == "sleep" && names is ["hours"] && arguments.GetProperty("hours").ValueKind is JsonValueKind.True or JsonValueKind.False, $"{call} {place}");
        }
    }

    /// <summary>A chat template with the story model's tokenizer, and markers that are control tokens of their own.</summary>
    public static (ChatTokenizer Chat, int Vocabulary) WithControlTokens(string template, string[] markers)
    {
        using TemporaryFolder folder = new();
        System.Text.Json.Nodes.JsonNode json = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(Path.Combine(TestFolders.StoryModel, "tokenizer.json")))!;
        int first = json["model"]!["vocab"]!.AsObject().Count;
        for (int i = 0; i < markers.Length; i++)
        {
            json["added_tokens"]!.AsArray().Add(System.Text.Json.Nodes.JsonNode.Parse(
                $$"""{"id": {{first + i}}, "content": {{JsonSerializer.Serialize(markers[i])}}, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}"""));
        }

        folder.Write("tokenizer.json", json.ToJsonString());
        folder.Write("chat_template.jinja", template);
        return (new ChatTokenizer(TextTokenizer.LoadFromFolder(folder.Path), ChatTemplateSet.Load(folder.Path)), first + markers.Length);
    }
}
