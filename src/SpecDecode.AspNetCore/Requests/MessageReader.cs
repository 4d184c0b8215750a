using System.Text;
using System.Text.Json;
using SpecDecode.AspNetCore.Wire;
using SpecDecode.ChatTemplates;
using SpecDecode.Replies;

namespace SpecDecode.AspNetCore.Requests;

/// <summary>Messages of a request as a chat template takes them.</summary>
internal static class MessageReader
{
    private static readonly string[] Roles = ["system", "developer", "user", "assistant", "tool"];
    private static readonly string[] Fields = ["role", "content", "name", "tool_calls", "tool_call_id", "reasoning_content", "refusal", "annotations", "audio", "function_call"];

    /// <summary>Reads them.</summary>
    /// <param name="messages">An array of objects.</param>
    /// <param name="format">What the model's template knows.</param>
    /// <exception cref="ApiException">One cannot be given to the model.</exception>
    public static List<ChatMessage> Read(JsonElement? messages, ReplyFormat format)
    {
        if (messages is not { ValueKind: JsonValueKind.Array } array || array.GetArrayLength() == 0)
        {
            throw ApiException.Invalid("messages", "'messages' must be an array with one message at least.");
        }

        List<ChatMessage> read = new(array.GetArrayLength());
        foreach (JsonElement message in array.EnumerateArray())
        {
            read.Add(Read(message, $"messages[{read.Count}]", format));
        }

        return read;
    }

    private static ChatMessage Read(JsonElement message, string place, ReplyFormat format)
    {
        if (message.ValueKind != JsonValueKind.Object)
        {
            throw ApiException.Invalid(place, $"'{place}' must be an object with a role and a content.");
        }

        string role = Text(message, "role") is { } said && Roles.Contains(said) ? said
            : throw ApiException.Invalid($"{place}.role", $"'{place}.role' must be one of {string.Join(", ", Roles)}.");
        Dictionary<string, JsonElement> fields = new(StringComparer.Ordinal);
        foreach (JsonProperty field in message.EnumerateObject())
        {
            if (field.Value.ValueKind == JsonValueKind.Null || field.Name is "role" or "content" or "annotations")
            {
                continue;
            }

            if (!Fields.Contains(field.Name) || field.Name is "audio" or "function_call" or "refusal")
            {
                throw ApiException.Unsupported($"{place}.{field.Name}", $"The field '{place}.{field.Name}' is not served: leave it out.");
            }

            if (field.Name == "tool_calls")
            {
                fields["tool_calls"] = ToolCalls(field.Value, $"{place}.tool_calls");
            }
            else if (field.Value.ValueKind != JsonValueKind.String)
            {
                throw ApiException.Invalid($"{place}.{field.Name}", $"'{place}.{field.Name}' must be a text.");
            }
            else
            {
                fields[field.Name] = field.Value.Clone();
            }
        }

        string? content = Content(message, place);
        if (content is null && (role != "assistant" || !(fields.ContainsKey("tool_calls") || fields.ContainsKey("reasoning_content"))))
        {
            throw ApiException.Invalid($"{place}.content", $"'{place}.content' is missing: give a text.");
        }

        // Templates that do not know developers have their words from the system.
        return new ChatMessage(role == "developer" && !format.KnowsDeveloper ? "system" : role, content ?? "") { Fields = fields };
    }

    private static string? Content(JsonElement message, string place)
    {
        if (!message.TryGetProperty("content", out JsonElement content) || content.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        if (content.ValueKind == JsonValueKind.String)
        {
            return content.GetString();
        }

        if (content.ValueKind != JsonValueKind.Array)
        {
            throw ApiException.Invalid($"{place}.content", $"'{place}.content' must be a text, or an array of parts of the type text.");
        }

        StringBuilder text = new();
        int number = 0;
        foreach (JsonElement part in content.EnumerateArray())
        {
            string where = $"{place}.content[{number++}]";
            string? type = part.ValueKind == JsonValueKind.Object ? Text(part, "type") : null;
            text.Append(type == "text" && Text(part, "text") is { } piece ? piece
                : type is null or "text" ? throw ApiException.Invalid(where, $"'{where}' must be an object with a type and a text.")
                : throw ApiException.Unsupported(where, $"'{where}' is of the type '{(type.Length <= 32 ? type : type[..32])}', which this model cannot take: give parts of the type text."));
        }

        return text.ToString();
    }

    // Their arguments as objects, which is what templates take.
    private static JsonElement ToolCalls(JsonElement calls, string place)
    {
        if (calls.ValueKind != JsonValueKind.Array)
        {
            throw ApiException.Invalid(place, $"'{place}' must be an array of calls.");
        }

        return JsonBuilder.Build(json =>
        {
            json.WriteStartArray();
            int number = 0;
            foreach (JsonElement call in calls.EnumerateArray())
            {
                string where = $"{place}[{number++}]";
                if (call.ValueKind != JsonValueKind.Object || !call.TryGetProperty("function", out JsonElement function) || function.ValueKind != JsonValueKind.Object
                    || Text(function, "name") is not { } name || Text(call, "type") is not (null or "function"))
                {
                    throw ApiException.Invalid(where, $"'{where}' must be an object of the type function with a function that has a name and arguments.");
                }

                json.WriteStartObject();
                if (Text(call, "id") is { } id)
                {
                    json.WriteString("id", id);
                }

                json.WriteString("type", "function");
                json.WriteStartObject("function");
                json.WriteString("name", name);
                json.WritePropertyName("arguments");
                WriteArguments(json, Text(function, "arguments"), $"{where}.function.arguments");
                json.WriteEndObject();
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
    }

    private static void WriteArguments(Utf8JsonWriter json, string? arguments, string place)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(string.IsNullOrWhiteSpace(arguments) ? "{}" : arguments);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
            {
                document.RootElement.WriteTo(json);
                return;
            }
        }
        catch (JsonException)
        {
        }

        throw ApiException.Invalid(place, $"'{place}' must be a JSON object, as a text.");
    }

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
