using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.AI;
using SpecDecode.Replies;
using TemplateMessage = SpecDecode.ChatTemplates.ChatMessage;

namespace SpecDecode.Extensions.AI;

/// <summary>Messages of a chat as a chat template takes them; contents that it cannot take are refused by their names.</summary>
internal static class ConversationMapping
{
    private const string System = "system";
    private const string Developer = "developer";
    private const string Tool = "tool";

    /// <summary>Maps messages.</summary>
    /// <param name="messages">The messages, the oldest first.</param>
    /// <param name="instructions">What stands before them, from the system; null for nothing.</param>
    /// <param name="format">What the model's template knows.</param>
    /// <exception cref="NotSupportedException">A content is none that the model takes.</exception>
    public static List<TemplateMessage> Of(IEnumerable<ChatMessage> messages, string? instructions, ReplyFormat format)
    {
        List<TemplateMessage> conversation = [];
        Dictionary<string, string> called = new(StringComparer.Ordinal);
        if (!string.IsNullOrEmpty(instructions))
        {
            conversation.Add(new TemplateMessage(System, instructions));
        }

        foreach (ChatMessage message in messages)
        {
            ArgumentNullException.ThrowIfNull(message, nameof(messages));
            Add(conversation, message, called, format);
        }

        return conversation;
    }

    private static void Add(List<TemplateMessage> conversation, ChatMessage message, Dictionary<string, string> called, ReplyFormat format)
    {
        StringBuilder text = new();
        StringBuilder reasoning = new();
        List<FunctionCallContent> calls = [];
        List<FunctionResultContent> results = [];
        foreach (AIContent content in message.Contents)
        {
            switch (content)
            {
                case TextContent piece:
                    text.Append(piece.Text);
                    break;
                case TextReasoningContent thought:
                    reasoning.Append(thought.Text);
                    break;
                case FunctionCallContent call:
                    calls.Add(call);
                    called[call.CallId] = call.Name;
                    break;
                case FunctionResultContent result:
                    results.Add(result);
                    break;
                case UsageContent:
                    // Counts of an earlier answer, which are no part of what was said.
                    break;
                default:
                    throw new NotSupportedException(
                        $"A message of the role '{message.Role}' has a {content.GetType().Name}{(content is DataContent { MediaType: var type } ? $" ({type})" : "")}, which this model cannot take: give text.");
            }
        }

        if (results.Count == 0 || text.Length > 0 || calls.Count > 0)
        {
            Dictionary<string, JsonElement> fields = new(StringComparer.Ordinal);
            if (calls.Count > 0)
            {
                fields["tool_calls"] = ToolCalls(calls);
            }

            if (reasoning.Length > 0)
            {
                fields["reasoning_content"] = JsonBuilder.Text(reasoning.ToString());
            }

            if (message.AuthorName is { } author)
            {
                fields["name"] = JsonBuilder.Text(author);
            }

            string role = message.Role.Value;
            conversation.Add(new TemplateMessage(role == Developer && !format.KnowsDeveloper ? System : role, text.ToString()) { Fields = fields });
        }

        foreach (FunctionResultContent result in results)
        {
            Dictionary<string, JsonElement> fields = new(StringComparer.Ordinal) { ["tool_call_id"] = JsonBuilder.Text(result.CallId) };
            if (called.TryGetValue(result.CallId, out string? name))
            {
                fields["name"] = JsonBuilder.Text(name);
            }

            conversation.Add(new TemplateMessage(Tool, Text(result)) { Fields = fields });
        }
    }

    // Arguments as objects, which is what templates take.
    private static JsonElement ToolCalls(List<FunctionCallContent> calls) => JsonBuilder.Build(json =>
    {
        json.WriteStartArray();
        foreach (FunctionCallContent call in calls)
        {
            json.WriteStartObject();
            json.WriteString("id", call.CallId);
            json.WriteString("type", "function");
            json.WriteStartObject("function");
            json.WriteString("name", call.Name);
            json.WriteStartObject("arguments");
            foreach ((string name, object? value) in call.Arguments ?? new Dictionary<string, object?>())
            {
                json.WritePropertyName(name);
                Write(json, value);
            }

            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    private static string Text(FunctionResultContent result) => result.Result switch
    {
        // What went wrong is told to the model in the invoker's own words, where it has any.
        null => result.Exception is { } error ? $"Error: {error.Message}" : "",
        string text => text,
        TextContent { Text: var text } => text,
        JsonElement { ValueKind: JsonValueKind.String } text => text.GetString()!,
        AIContent content => throw new NotSupportedException($"The result of the call {result.CallId} is a {content.GetType().Name}, which this model cannot take: give text or JSON."),
        { } value => Encoding.UTF8.GetString(JsonSerializer.SerializeToUtf8Bytes(value, TypeOf(value))),
    };

    private static void Write(Utf8JsonWriter json, object? value)
    {
        if (value is null)
        {
            json.WriteNullValue();
        }
        else
        {
            JsonSerializer.Serialize(json, value, TypeOf(value));
        }
    }

    private static JsonTypeInfo TypeOf(object value) => AIJsonUtilities.DefaultOptions.GetTypeInfo(value.GetType());
}
