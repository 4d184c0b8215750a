using System.Text.Json;
using SpecDecode.AspNetCore.Wire;
using SpecDecode.Replies;

namespace SpecDecode.AspNetCore.Requests;

/// <summary>The tools that a request offers.</summary>
/// <param name="Names">Their names.</param>
/// <param name="Declarations">As the template is told of them; null where none are offered.</param>
internal sealed record OfferedTools(IReadOnlyList<string> Names, JsonElement? Declarations)
{
    private const int MaxTools = 128;

    /// <summary>None.</summary>
    public static OfferedTools None { get; } = new([], null);

    /// <summary>Reads them from a request.</summary>
    /// <exception cref="ApiException">One is none, or the model takes no tools.</exception>
    public static OfferedTools Read(ChatCompletionBody body, ReplyFormat format)
    {
        List<string> names = ReadNames(body.Tools);
        string choice = Choice(body.ToolChoice, names);
        if (body.ParallelToolCalls == false && names.Count > 0)
        {
            throw ApiException.Unsupported("parallel_tool_calls", "'parallel_tool_calls' is false, and how many calls a model writes is not bounded here: leave it out.");
        }

        // Tools that may not be called are not told of.
        if (names.Count == 0 || choice == "none")
        {
            return None;
        }

        return format.TakesTools
            ? new OfferedTools(names, body.Tools)
            : throw ApiException.Unsupported("tools", "This model takes no tools: its chat template has no place for them, or calls of its family cannot be read. Leave 'tools' out.");
    }

    private static List<string> ReadNames(JsonElement? tools)
    {
        List<string> names = [];
        if (tools is not { } given || given.ValueKind == JsonValueKind.Null)
        {
            return names;
        }

        if (given.ValueKind != JsonValueKind.Array || given.GetArrayLength() > MaxTools)
        {
            throw ApiException.Invalid("tools", $"'tools' must be an array of at most {MaxTools} functions.");
        }

        foreach (JsonElement tool in given.EnumerateArray())
        {
            string place = $"tools[{names.Count}]";
            if (tool.ValueKind != JsonValueKind.Object || !tool.TryGetProperty("type", out JsonElement type) || type.ValueKind != JsonValueKind.String || !type.ValueEquals("function"))
            {
                throw ApiException.Unsupported(place, $"'{place}' must be an object of the type function: there are no others here.");
            }

            if (!tool.TryGetProperty("function", out JsonElement function) || function.ValueKind != JsonValueKind.Object
                || !function.TryGetProperty("name", out JsonElement name) || name.ValueKind != JsonValueKind.String || !IsName(name.GetString()!))
            {
                throw ApiException.Invalid($"{place}.function.name", $"'{place}.function.name' must be a text of letters, digits, underscores and hyphens, at most 64.");
            }

            if (function.TryGetProperty("parameters", out JsonElement parameters) && parameters.ValueKind is not (JsonValueKind.Object or JsonValueKind.Null))
            {
                throw ApiException.Invalid($"{place}.function.parameters", $"'{place}.function.parameters' must be a JSON schema.");
            }

            if (function.TryGetProperty("strict", out JsonElement strict) && strict.ValueKind == JsonValueKind.True)
            {
                throw ApiException.Unsupported($"{place}.function.strict", $"'{place}.function.strict' is true, and calls are not bound to their schemas here: leave it out.");
            }

            if (names.Contains(name.GetString()!))
            {
                throw ApiException.Invalid($"{place}.function.name", $"There are two tools of the name '{name.GetString()}'.");
            }

            names.Add(name.GetString()!);
        }

        return names;
    }

    private static string Choice(JsonElement? choice, List<string> names)
    {
        if (choice is not { } given || given.ValueKind == JsonValueKind.Null)
        {
            return "auto";
        }

        string? word = given.ValueKind == JsonValueKind.String ? given.GetString() : null;
        if (word is "none" or "auto")
        {
            return word == "auto" && names.Count == 0 ? throw ApiException.Invalid("tool_choice", "'tool_choice' is given, but there are no tools.") : word;
        }

        throw word is "required" || given.ValueKind == JsonValueKind.Object
            ? ApiException.Unsupported("tool_choice", "'tool_choice' must be none or auto: a call cannot be forced here.")
            : ApiException.Invalid("tool_choice", "'tool_choice' must be none or auto.");
    }

    private static bool IsName(string name) => name.Length is > 0 and <= 64 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-');
}
