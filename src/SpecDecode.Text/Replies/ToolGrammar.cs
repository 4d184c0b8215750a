using System.Buffers;
using System.Text;
using System.Text.Json;
using SpecDecode.Grammars;

namespace SpecDecode.Replies;

/// <summary>Grammars of calls that must come.</summary>
public static class ToolGrammar
{
    private const string Arguments = "arguments";

    /// <summary>
    /// A text that is one call of a tool, <c>{"name": …, "arguments": {…}}</c>, whose arguments are valid by the tool's schema. <see cref="ReplyFormat.CreateCallParser"/> reads it.
    /// </summary>
    /// <param name="tools">An array of objects of the type function, as chat completion interfaces have them.</param>
    /// <param name="name">The one that must be called; null for any of them.</param>
    /// <exception cref="SpecDecodeException">There is no such tool, or its schema is damaged or has what cannot be honoured.</exception>
    public static Grammar OfCall(JsonElement tools, string? name = null) =>
        Of(tools, name, Arguments, 0, JsonWhiteSpace.Spaced);

    /// <summary>What stands behind a call's marker in replies of a format: one call, or several where it has them in an array.</summary>
    /// <param name="tools">The tools.</param>
    /// <param name="format">The format.</param>
    /// <param name="mostCalls">How many of them there may be.</param>
    internal static Grammar OfCalls(JsonElement tools, ReplyFormat format, int mostCalls = ReplyParser.MaxCalls) =>
        format.NamesCallsOutside ? NamedOutside(tools, format)
        : format.ToolCalls == ToolCallSyntax.Llama3 ? Of(tools, null, "parameters", 0, JsonWhiteSpace.Free, mayBeTyped: true)
        : Of(tools, null, Arguments, format.ToolCalls is ToolCallSyntax.Mistral or ToolCallSyntax.Phi4 ? mostCalls : 0, JsonWhiteSpace.Free);

    // The name, what stands between it and the arguments, and these.
    private static Grammar NamedOutside(JsonElement tools, ReplyFormat format)
    {
        ArrayBufferWriter<byte> schema = new();
        List<string> names = [];
        using (Utf8JsonWriter json = new(schema))
        {
            json.WriteStartObject();
            json.WriteStartArray("anyOf");
            foreach (JsonElement tool in tools.EnumerateArray())
            {
                JsonElement function = tool.GetProperty("function");
                WriteParameters(json, function.TryGetProperty("parameters", out JsonElement parameters) ? parameters : default, $"#/anyOf/{names.Count}");
                names.Add(function.GetProperty("name").GetString()!);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        CallHeader header = CallHeader.Of(format);
        return names.Count > 0
            ? Grammar.OfNamedCalls(names, header.Kind, header.Expression, Encoding.UTF8.GetString(schema.WrittenSpan), new JsonGrammarOptions { WhiteSpace = JsonWhiteSpace.Free })
            : throw new SpecDecodeException("There are no tools to call.");
    }

    // Of no number it is one call, else an array of at most as many.
    private static Grammar Of(JsonElement tools, string? name, string arguments, int mostCalls, JsonWhiteSpace whiteSpace, bool mayBeTyped = false)
    {
        bool isArray = mostCalls > 0;
        ArrayBufferWriter<byte> schema = new();
        int count = 0;
        using (Utf8JsonWriter json = new(schema))
        {
            json.WriteStartObject();
            if (isArray)
            {
                json.WriteString("type", "array");
                json.WriteNumber("minItems", 1);
                json.WriteNumber("maxItems", mostCalls);
                json.WriteStartObject("items");
            }

            json.WriteStartArray("anyOf");
            foreach (JsonElement tool in tools.EnumerateArray())
            {
                JsonElement function = tool.GetProperty("function");
                if (name is null || function.GetProperty("name").ValueEquals(name))
                {
                    WriteCall(json, function, arguments, mayBeTyped, $"#{(isArray ? "/items" : "")}/anyOf/{count++}/properties/{arguments}");
                }
            }

            json.WriteEndArray();
            if (isArray)
            {
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        return count > 0 ? Grammar.OfJsonSchema(Encoding.UTF8.GetString(schema.WrittenSpan), new JsonGrammarOptions { WhiteSpace = whiteSpace })
            : throw new SpecDecodeException(name is null ? "There are no tools to call." : $"There is no tool '{name}'.");
    }

    private static void WriteCall(Utf8JsonWriter json, JsonElement function, string arguments, bool mayBeTyped, string place)
    {
        json.WriteStartObject();
        json.WriteString("type", "object");
        json.WriteStartObject("properties");
        if (mayBeTyped)
        {
            // Some models of Llama repeat it from the tool's declaration.
            json.WriteStartObject("type");
            json.WriteString("const", "function");
            json.WriteEndObject();
        }

        json.WriteStartObject("name");
        json.WriteString("const", function.GetProperty("name").GetString());
        json.WriteEndObject();
        json.WritePropertyName(arguments);
        WriteParameters(json, function.TryGetProperty("parameters", out JsonElement parameters) ? parameters : default, place);
        json.WriteEndObject();
        json.WriteStartArray("required");
        json.WriteStringValue("name");
        json.WriteStringValue(arguments);
        json.WriteEndArray();
        json.WriteBoolean("additionalProperties", false);
        json.WriteEndObject();
    }

    // Arguments are an object always, whatever a schema leaves open.
    private static void WriteParameters(Utf8JsonWriter json, JsonElement schema, string place)
    {
        json.WriteStartObject();
        bool isTyped = false;
        if (schema.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty keyword in schema.EnumerateObject().Where(keyword => keyword.Name is not ("$schema" or "$id")))
            {
                isTyped |= keyword.Name == "type";
                WriteKeyword(json, keyword, place);
            }
        }

        if (!isTyped)
        {
            json.WriteString("type", "object");
        }

        json.WriteEndObject();
    }

    // What refers to the schema's root finds it where it stands now.
    private static void WriteKeyword(Utf8JsonWriter json, JsonProperty keyword, string place)
    {
        json.WritePropertyName(keyword.Name);
        if (keyword.Name == "$ref" && keyword.Value.ValueKind == JsonValueKind.String && keyword.Value.GetString() is { } target && (target == "#" || target.StartsWith("#/", StringComparison.Ordinal)))
        {
            json.WriteStringValue(place + target[1..]);
        }
        else
        {
            Write(json, keyword.Value, place);
        }
    }

    private static void Write(Utf8JsonWriter json, JsonElement value, string place)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                json.WriteStartObject();
                foreach (JsonProperty keyword in value.EnumerateObject())
                {
                    WriteKeyword(json, keyword, place);
                }

                json.WriteEndObject();
                break;
            case JsonValueKind.Array:
                json.WriteStartArray();
                foreach (JsonElement item in value.EnumerateArray())
                {
                    Write(json, item, place);
                }

                json.WriteEndArray();
                break;
            default:
                value.WriteTo(json);
                break;
        }
    }
}
