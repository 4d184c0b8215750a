using System.Text.Json;
using System.Text.RegularExpressions;
using SpecDecode.AspNetCore.Wire;
using SpecDecode.Generation;

namespace SpecDecode.AspNetCore.Requests;

/// <summary>A request for a response as one for a chat, which it is under other names.</summary>
/// <param name="Chat">The chat.</param>
/// <param name="Body">The same as a chat's body.</param>
internal sealed partial record ResponseRequest(ChatRequest Chat, ChatCompletionBody Body)
{
    // What belongs to chats alone, or is called by another name here.
    private static readonly string[] OfChats =
        ["messages", "n", "max_tokens", "max_completion_tokens", "response_format", "reasoning_effort", "logprobs", "top_logprobs", "stream_options", "include_tokens"];

    /// <summary>Makes it of a body.</summary>
    /// <exception cref="ApiException">A field is wrong, or not served.</exception>
    public static ResponseRequest Of(ResponseBody body, ITextGenerator generator, SpecDecodeEndpointOptions options)
    {
        Dictionary<string, JsonElement> others = Others(body);
        InputMessages input = InputMessages.Read(body.Input, body.Instructions);
        ReadOnlyMemory<byte> chat = JsonBuilder.Write(json => Write(json, body, input, others));
        try
        {
            ChatCompletionBody read = BodyReader.Parse(chat.ToArray(), ApiJson.Default.ChatCompletionBody);
            return new ResponseRequest(ChatRequest.Of(read, generator, options), read);
        }
        catch (ApiException error) when (error.Status == StatusCodes.Status400BadRequest)
        {
            throw Renamed(error, input);
        }
    }

    // What keeps something here is refused by its name; what says no to that is passed over.
    private static Dictionary<string, JsonElement> Others(ResponseBody body)
    {
        if (body.Store == true)
        {
            throw ApiException.Unsupported("store", "'store' is true, and answers are not kept here: set it to false.");
        }

        Dictionary<string, JsonElement> others = new(StringComparer.Ordinal);
        foreach ((string name, JsonElement value) in body.Others ?? [])
        {
            if (OfChats.Contains(name))
            {
                throw ApiException.Unsupported(name, $"The field '{name}' is not served here: leave it out.");
            }

            if (name is "previous_response_id" or "conversation" && value.ValueKind != JsonValueKind.Null)
            {
                throw ApiException.Unsupported(name, $"'{name}' is given, and nothing is kept here between requests: send the whole conversation as 'input'.");
            }

            if (name == "background" && value.ValueKind == JsonValueKind.True)
            {
                throw ApiException.Unsupported(name, "'background' is true, and there are no answers in the background here: leave it out.");
            }

            if (!IsAsItIsAnyway(name, value))
            {
                others[name] = value;
            }
        }

        return others;
    }

    private static bool IsAsItIsAnyway(string name, JsonElement value) => value.ValueKind == JsonValueKind.Null || name switch
    {
        "background" => value.ValueKind == JsonValueKind.False,
        "truncation" => value.ValueKind == JsonValueKind.String && value.ValueEquals("disabled"),
        "include" => value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0,
        _ => false,
    };

    private static void Write(Utf8JsonWriter json, ResponseBody body, InputMessages input, Dictionary<string, JsonElement> others)
    {
        json.WriteStartObject();
        foreach ((string name, JsonElement value) in others)
        {
            json.WritePropertyName(name);
            value.WriteTo(json);
        }

        json.WritePropertyName("messages");
        input.Messages.WriteTo(json);
        if (body.MaxOutputTokens is { } most)
        {
            json.WriteNumber("max_completion_tokens", most);
        }

        if (body.Stream is { } stream)
        {
            json.WriteBoolean("stream", stream);
        }

        WriteForm(json, body.Text);
        WriteReasoning(json, body.Reasoning);
        WriteTools(json, body.Tools);
        WriteChoice(json, body.ToolChoice);
        json.WriteEndObject();
    }

    private static void WriteForm(Utf8JsonWriter json, JsonElement? text)
    {
        foreach (JsonProperty member in Members(text, "text"))
        {
            if (member.Name != "format")
            {
                throw ApiException.Unsupported($"text.{member.Name}", $"The field 'text.{member.Name}' is not served: leave it out.");
            }

            json.WriteStartObject("response_format");
            bool isSchema = member.Value.ValueKind == JsonValueKind.Object && member.Value.TryGetProperty("type", out JsonElement type) && type.ValueKind == JsonValueKind.String && type.ValueEquals("json_schema");
            if (isSchema)
            {
                json.WriteString("type", "json_schema");
                json.WritePropertyName("json_schema");
                member.Value.WriteTo(json);
            }
            else
            {
                foreach (JsonProperty one in Members(member.Value, "text.format"))
                {
                    one.WriteTo(json);
                }
            }

            json.WriteEndObject();
        }
    }

    private static void WriteReasoning(Utf8JsonWriter json, JsonElement? reasoning)
    {
        foreach (JsonProperty member in Members(reasoning, "reasoning"))
        {
            // Reasoning is given out as it is, which is what any summary would be made of.
            if (member.Name != "effort")
            {
                throw ApiException.Unsupported($"reasoning.{member.Name}", $"The field 'reasoning.{member.Name}' is not served: leave it out.");
            }

            json.WritePropertyName("reasoning_effort");
            member.Value.WriteTo(json);
        }
    }

    // Functions have their members in themselves here, and in an object of their own in chats.
    private static void WriteTools(Utf8JsonWriter json, JsonElement? tools)
    {
        if (tools is not { ValueKind: JsonValueKind.Array } array)
        {
            if (tools is { ValueKind: not JsonValueKind.Null } other)
            {
                json.WritePropertyName("tools");
                other.WriteTo(json);
            }

            return;
        }

        json.WriteStartArray("tools");
        foreach (JsonElement tool in array.EnumerateArray())
        {
            WriteNested(json, tool);
        }

        json.WriteEndArray();
    }

    private static void WriteChoice(Utf8JsonWriter json, JsonElement? choice)
    {
        if (choice is { ValueKind: not JsonValueKind.Null } given)
        {
            json.WritePropertyName("tool_choice");
            WriteNested(json, given);
        }
    }

    private static void WriteNested(Utf8JsonWriter json, JsonElement function)
    {
        if (function.ValueKind != JsonValueKind.Object || !function.TryGetProperty("type", out JsonElement type) || type.ValueKind != JsonValueKind.String || !type.ValueEquals("function"))
        {
            function.WriteTo(json);
            return;
        }

        json.WriteStartObject();
        json.WriteString("type", "function");
        json.WriteStartObject("function");
        foreach (JsonProperty member in function.EnumerateObject().Where(member => member.Name != "type" && member.Value.ValueKind != JsonValueKind.Null))
        {
            member.WriteTo(json);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static IEnumerable<JsonProperty> Members(JsonElement? element, string field) => element switch
    {
        null or { ValueKind: JsonValueKind.Null } => [],
        { ValueKind: JsonValueKind.Object } given => given.EnumerateObject().Where(member => member.Value.ValueKind != JsonValueKind.Null),
        _ => throw ApiException.Invalid(field, $"'{field}' must be an object."),
    };

    // A mistake under the name that its field has here.
    private static ApiException Renamed(ApiException error, InputMessages input)
    {
        return new ApiException(error.Status, error.Type, error.Code, error.Parameter is { } field ? Field(field) : null, Quoted().Replace(error.Message, match => $"'{Field(match.Groups[1].Value)}'"), error);

        string Field(string name) => Message().Replace(name, match => input.Place(int.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture)))
            .Replace("messages", "input", StringComparison.Ordinal)
            .Replace("max_completion_tokens", "max_output_tokens", StringComparison.Ordinal)
            .Replace("response_format.json_schema", "text.format", StringComparison.Ordinal)
            .Replace("response_format", "text.format", StringComparison.Ordinal)
            .Replace("reasoning_effort", "reasoning.effort", StringComparison.Ordinal)
            .Replace("].function", "]", StringComparison.Ordinal);
    }

    [GeneratedRegex(@"^messages\[(\d+)\]")]
    private static partial Regex Message();

    [GeneratedRegex("'([a-z_]+[^' ]*)'")]
    private static partial Regex Quoted();
}
