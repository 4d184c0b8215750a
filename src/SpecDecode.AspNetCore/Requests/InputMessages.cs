using System.Text.Json;
using SpecDecode.AspNetCore.Wire;

namespace SpecDecode.AspNetCore.Requests;

/// <summary>The items of a request's input as messages of a chat.</summary>
internal sealed class InputMessages
{
    private const string Input = "input";

    // Where each message comes from.
    private readonly List<string> _places = [];

    // What the model wrote, which is one message of a chat: its reasoning, text and calls.
    private readonly List<JsonElement> _calls = [];
    private string? _reasoning;
    private JsonElement? _content;
    private string? _written;

    private InputMessages(JsonElement? input, string? instructions) => Messages = JsonBuilder.Build(json =>
    {
        json.WriteStartArray();
        if (!string.IsNullOrEmpty(instructions))
        {
            Write(json, "instructions", "system", JsonBuilder.Text(instructions));
        }

        switch (input)
        {
            case { ValueKind: JsonValueKind.String } text:
                Write(json, Input, "user", text);
                break;
            case { ValueKind: JsonValueKind.Array } items when items.GetArrayLength() > 0:
                int number = 0;
                foreach (JsonElement item in items.EnumerateArray())
                {
                    Read(json, item, $"{Input}[{number++}]");
                }

                Flush(json);
                break;
            default:
                throw ApiException.Invalid(Input, $"'{Input}' must be a text, or an array with one item at least.");
        }

        json.WriteEndArray();
    });

    /// <summary>The messages.</summary>
    public JsonElement Messages { get; }

    /// <summary>Reads them.</summary>
    /// <exception cref="ApiException">An item is none that the model takes.</exception>
    public static InputMessages Read(JsonElement? input, string? instructions) => new(input, instructions);

    /// <summary>Where a message comes from.</summary>
    public string Place(int message) => message < _places.Count ? _places[message] : Input;

    private void Read(Utf8JsonWriter json, JsonElement item, string place)
    {
        if (item.ValueKind != JsonValueKind.Object)
        {
            throw ApiException.Invalid(place, $"'{place}' must be an object with a type.");
        }

        switch (Text(item, "type") ?? "message")
        {
            case "message" when Text(item, "role") == "assistant":
                if (_content is not null || _calls.Count > 0)
                {
                    Flush(json);
                }

                _written ??= place;
                _content = Content(item, place);
                break;
            case "message":
                Flush(json);
                Write(json, place, Text(item, "role") ?? "", Content(item, place));
                break;
            case "reasoning":
                if (_written is not null)
                {
                    Flush(json);
                }

                _written = place;
                _reasoning = Reasoning(item);
                break;
            case "function_call":
                _written ??= place;
                _calls.Add(Call(item, place));
                break;
            case "function_call_output":
                Flush(json);
                WriteOutput(json, item, place);
                break;
            case var type:
                throw ApiException.Unsupported(place, $"'{place}' is of the type '{(type.Length <= 32 ? type : type[..32])}', which this model cannot take.");
        }
    }

    // Parts by the names that chats have for them.
    private static JsonElement Content(JsonElement item, string place)
    {
        if (!item.TryGetProperty("content", out JsonElement content) || content.ValueKind != JsonValueKind.Array)
        {
            return content;
        }

        return JsonBuilder.Build(json =>
        {
            json.WriteStartArray();
            int number = 0;
            foreach (JsonElement part in content.EnumerateArray())
            {
                string where = $"{place}.content[{number++}]";
                string? type = part.ValueKind == JsonValueKind.Object ? Text(part, "type") : null;
                if (type is not ("input_text" or "output_text" or "text"))
                {
                    throw ApiException.Unsupported(where, $"'{where}' is no text, which is all that this model can take.");
                }

                json.WriteStartObject();
                json.WriteString("type", "text");
                json.WriteString("text", Text(part, "text") ?? throw ApiException.Invalid(where, $"'{where}' must have a text."));
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
    }

    // Itself, or where that was not given out what was made of it.
    private static string Reasoning(JsonElement item)
    {
        foreach (string name in (string[])["content", "summary"])
        {
            if (item.TryGetProperty(name, out JsonElement texts) && texts.ValueKind == JsonValueKind.Array && texts.GetArrayLength() > 0)
            {
                return string.Concat(texts.EnumerateArray().Select(text => text.ValueKind == JsonValueKind.Object ? Text(text, "text") : null));
            }
        }

        return "";
    }

    private static JsonElement Call(JsonElement item, string place) => JsonBuilder.Build(json =>
    {
        json.WriteStartObject();
        json.WriteString("id", Text(item, "call_id") ?? throw ApiException.Invalid($"{place}.call_id", $"'{place}.call_id' is missing."));
        json.WriteString("type", "function");
        json.WriteStartObject("function");
        json.WriteString("name", Text(item, "name") ?? throw ApiException.Invalid($"{place}.name", $"'{place}.name' is missing."));
        json.WriteString("arguments", Text(item, "arguments") ?? "");
        json.WriteEndObject();
        json.WriteEndObject();
    });

    private void WriteOutput(Utf8JsonWriter json, JsonElement item, string place)
    {
        if (Text(item, "call_id") is not { } call || Text(item, "output") is not { } output)
        {
            throw ApiException.Invalid(place, $"'{place}' must have the 'call_id' of a call and its 'output' as a text.");
        }

        _places.Add(place);
        json.WriteStartObject();
        json.WriteString("role", "tool");
        json.WriteString("tool_call_id", call);
        json.WriteString("content", output);
        json.WriteEndObject();
    }

    private void Write(Utf8JsonWriter json, string place, string role, JsonElement content)
    {
        _places.Add(place);
        json.WriteStartObject();
        json.WriteString("role", role);
        WriteContent(json, content);
        json.WriteEndObject();
    }

    private void Flush(Utf8JsonWriter json)
    {
        // Reasoning that was not given out says nothing.
        if (_written is not { } place || (_content is null && _calls.Count == 0 && string.IsNullOrEmpty(_reasoning)))
        {
            (_written, _reasoning) = (null, null);
            return;
        }

        _places.Add(place);
        json.WriteStartObject();
        json.WriteString("role", "assistant");
        WriteContent(json, _content ?? default);
        if (_reasoning is { Length: > 0 })
        {
            json.WriteString("reasoning_content", _reasoning);
        }

        if (_calls.Count > 0)
        {
            json.WriteStartArray("tool_calls");
            foreach (JsonElement call in _calls)
            {
                call.WriteTo(json);
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
        (_written, _reasoning, _content) = (null, null, null);
        _calls.Clear();
    }

    private static void WriteContent(Utf8JsonWriter json, JsonElement content)
    {
        if (content.ValueKind != JsonValueKind.Undefined)
        {
            json.WritePropertyName("content");
            content.WriteTo(json);
        }
    }

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
