using System.Text.Json;
using System.Text.Json.Nodes;
using SpecDecode.ChatTemplates;

namespace SpecDecode.Tests.ChatTemplates;

/// <summary>Conversations as long as agents have them: forty tools, calls of them, results, reasoning.</summary>
internal static class LongConversation
{
    private static readonly string[] Words =
        "the model answers <b>weather</b> city forecast \"quoted\" it's naïve 東京 😀 user wants a flight\nhotel price range date".Split(' ');

    /// <summary>A conversation of about <paramref name="messages"/> messages.</summary>
    /// <param name="messages">How many messages.</param>
    /// <param name="withTools">Whether it has tools, and calls them.</param>
    /// <param name="withSystem">Whether it begins with a system message.</param>
    public static ChatTemplateInput Of(int messages, bool withTools, bool withSystem = true)
    {
        Random random = new(messages);
        JsonArray conversation = [];
        if (withSystem)
        {
            conversation.Add(new JsonObject { ["role"] = "system", ["content"] = Prose(random, 60) });
        }

        for (int turn = 0; conversation.Count < messages; turn++)
        {
            conversation.Add(new JsonObject { ["role"] = "user", ["content"] = Prose(random, 40) });
            if (withTools)
            {
                AddCall(conversation, random, turn);
            }

            conversation.Add(new JsonObject { ["role"] = "assistant", ["content"] = $"<think>\n{Prose(random, 30)}\n</think>\n\n{Prose(random, 30)}" });
        }

        conversation.Add(new JsonObject { ["role"] = "user", ["content"] = "And now?" });
        return new ChatTemplateInput
        {
            Messages = Element(conversation),
            Tools = withTools ? Element(new JsonArray([.. Enumerable.Range(0, 40).Select(i => Tool(random, i))])) : null,
            BosToken = "<s>",
            EosToken = "</s>",
            Now = new DateTimeOffset(2026, 11, 23, 0, 0, 0, TimeSpan.Zero),
        };
    }

    private static void AddCall(JsonArray conversation, Random random, int turn)
    {
        string id = $"call{turn:00000}";
        JsonObject arguments = new() { ["parameter_0"] = Prose(random, 4), ["parameter_1"] = turn, ["more"] = new JsonArray(1, 2.5, null, true) };
        conversation.Add(new JsonObject
        {
            ["role"] = "assistant",
            ["content"] = Prose(random, 5),
            ["reasoning_content"] = Prose(random, 50),
            ["tool_calls"] = new JsonArray(new JsonObject
            {
                ["id"] = id,
                ["type"] = "function",
                ["function"] = new JsonObject { ["name"] = $"tool_{turn % 40}", ["arguments"] = arguments },
            }),
        });
        conversation.Add(new JsonObject
        {
            ["role"] = "tool",
            ["name"] = $"tool_{turn % 40}",
            ["tool_call_id"] = id,
            ["content"] = $"{{\"result\": \"{turn}\"}}",
        });
    }

    private static JsonObject Tool(Random random, int index)
    {
        JsonObject properties = [];
        for (int i = 0; i < 3 + (index % 6); i++)
        {
            JsonObject property = new() { ["description"] = Prose(random, 12) };
            switch (i % 4)
            {
                case 0:
                    property["type"] = "string";
                    property["enum"] = new JsonArray("metric", "imperial", "both");
                    break;
                case 1:
                    property["type"] = new JsonArray("integer", "string");
                    break;
                case 2:
                    property["type"] = "array";
                    property["items"] = new JsonObject { ["type"] = "string" };
                    break;
                default:
                    property["type"] = "object";
                    property["properties"] = new JsonObject { ["from"] = new JsonObject { ["type"] = "number", ["description"] = Prose(random, 6) } };
                    property["required"] = new JsonArray("from");
                    break;
            }

            properties[$"parameter_{i}"] = property;
        }

        return new JsonObject
        {
            ["type"] = "function",
            ["function"] = new JsonObject
            {
                ["name"] = $"tool_{index}",
                ["description"] = Prose(random, 25),
                ["parameters"] = new JsonObject { ["type"] = "object", ["properties"] = properties, ["required"] = new JsonArray("parameter_0", "parameter_1") },
                ["return"] = new JsonObject { ["type"] = "string", ["description"] = Prose(random, 4) },
            },
        };
    }

    private static string Prose(Random random, int words) => string.Join(' ', Enumerable.Range(0, words).Select(_ => Words[random.Next(Words.Length)]));

    private static JsonElement Element(JsonNode node) => JsonSerializer.SerializeToElement(node);
}
