using System.Text.Json;
using SpecDecode.AspNetCore.Wire;
using SpecDecode.Grammars;

namespace SpecDecode.AspNetCore.Requests;

/// <summary>What an answer's form is: any text, any JSON object, or JSON by a schema; and how JSON is written where that leaves a choice.</summary>
internal static class AnswerForm
{
    private const string Field = "response_format";
    private const string WhiteSpaceField = "json_white_space";
    private const string PropertyOrderField = "json_property_order";

    private static readonly Dictionary<string, JsonWhiteSpace> WhiteSpaces = new(StringComparer.Ordinal)
    {
        ["compact"] = JsonWhiteSpace.Compact,
        ["spaced"] = JsonWhiteSpace.Spaced,
        ["free"] = JsonWhiteSpace.Free,
    };

    private static readonly Dictionary<string, JsonPropertyOrder> PropertyOrders = new(StringComparer.Ordinal)
    {
        ["as_given"] = JsonPropertyOrder.AsGiven,
        ["free"] = JsonPropertyOrder.Free,
    };

    /// <summary>The grammar that a request asks for; null for none.</summary>
    /// <param name="body">The request's body.</param>
    /// <param name="options">What holds where it does not say how JSON is written.</param>
    /// <exception cref="ApiException">A field is not served, or a schema cannot be honoured.</exception>
    public static Grammar? Read(GenerationBody body, SpecDecodeEndpointOptions options)
    {
        string? type = Type(body.ResponseFormat);
        if (type is null or "text")
        {
            RefuseIdle(WhiteSpaceField, body.JsonWhiteSpace);
            RefuseIdle(PropertyOrderField, body.JsonPropertyOrder);
            return null;
        }

        JsonGrammarOptions written = new()
        {
            WhiteSpace = Word(WhiteSpaceField, body.JsonWhiteSpace, WhiteSpaces) ?? options.JsonWhiteSpace,
            PropertyOrder = Word(PropertyOrderField, body.JsonPropertyOrder, PropertyOrders) ?? options.JsonPropertyOrder,
        };
        if (type == "json_object")
        {
            return Grammar.OfJsonObject(written);
        }

        JsonElement given = body.ResponseFormat!.Value;
        if (!given.TryGetProperty(type, out JsonElement holder) || holder.ValueKind != JsonValueKind.Object
            || !holder.TryGetProperty("schema", out JsonElement schema) || schema.ValueKind != JsonValueKind.Object)
        {
            throw ApiException.Invalid($"{Field}.json_schema.schema", $"'{Field}.json_schema.schema' is missing: give a JSON schema.");
        }

        try
        {
            return Grammar.OfJsonSchema(schema.GetRawText(), written);
        }
        catch (GrammarException error)
        {
            throw ApiException.Invalid($"{Field}.json_schema.schema", error.Message, inner: error);
        }
    }

    private static string? Type(JsonElement? format) => format switch
    {
        null or { ValueKind: JsonValueKind.Null } => null,
        { ValueKind: JsonValueKind.Object } given when given.TryGetProperty("type", out JsonElement type) && type.ValueKind == JsonValueKind.String
            && type.GetString() is "text" or "json_object" or "json_schema" => type.GetString(),
        _ => throw ApiException.Unsupported(Field, $"'{Field}' must be an object of the type text, json_object or json_schema."),
    };

    private static void RefuseIdle(string field, string? value)
    {
        if (value is not null)
        {
            throw ApiException.Invalid(field, $"'{field}' goes with a '{Field}' of the type json_object or json_schema: give one, or leave it out.");
        }
    }

    private static T? Word<T>(string field, string? value, Dictionary<string, T> words)
        where T : struct => value is null ? null
        : words.TryGetValue(value, out T known) ? known
        : throw ApiException.Invalid(field, $"'{field}' is '{value}': give one of {string.Join(", ", words.Keys)}.");
}
