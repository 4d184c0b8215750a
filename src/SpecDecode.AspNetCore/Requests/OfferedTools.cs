using System.Text.Json;
using SpecDecode.AspNetCore.Wire;
using SpecDecode.Constraints;
using SpecDecode.Grammars;
using SpecDecode.Replies;

namespace SpecDecode.AspNetCore.Requests;

/// <summary>The tools that a request offers.</summary>
/// <param name="Names">Their names.</param>
/// <param name="Declarations">As the template is told of them; null where none are offered.</param>
/// <param name="Call">The call that must come; null where none must.</param>
/// <param name="AllowSeveral">Whether the model may write several calls.</param>
internal sealed record OfferedTools(IReadOnlyList<string> Names, JsonElement? Declarations, Grammar? Call = null, bool AllowSeveral = true)
{
    private const int MaxTools = 128;

    /// <summary>None.</summary>
    public static OfferedTools None { get; } = new([], null);

    /// <summary>Reads them from a request.</summary>
    /// <exception cref="ApiException">One is none, or the model takes no tools.</exception>
    public static OfferedTools Read(ChatCompletionBody body, ReplyFormat format)
    {
        List<string> names = ReadNames(body.Tools);
        (bool isForced, string? choice) = Choice(body.ToolChoice, names);
        // Tools that may not be called are not told of.
        if (names.Count == 0 || choice == "none")
        {
            return None;
        }

        return format.TakesTools
            ? new OfferedTools(names, body.Tools, isForced ? CallOf(body.Tools!.Value, choice) : null, body.ParallelToolCalls != false)
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

            if (names.Contains(name.GetString()!))
            {
                throw ApiException.Invalid($"{place}.function.name", $"There are two tools of the name '{name.GetString()}'.");
            }

            names.Add(name.GetString()!);
        }

        return names;
    }

    // Whether a call must come, and of which tool; else the word.
    private static (bool IsForced, string? Name) Choice(JsonElement? choice, List<string> names)
    {
        const string field = "tool_choice";
        if (choice is not { } given || given.ValueKind == JsonValueKind.Null)
        {
            return (false, "auto");
        }

        string? word = given.ValueKind == JsonValueKind.String ? given.GetString() : null;
        if (names.Count == 0 && word != "none")
        {
            throw ApiException.Invalid(field, $"'{field}' is given, but there are no tools.");
        }

        return word switch
        {
            "none" or "auto" => (false, word),
            "required" => (true, null),
            null when given.ValueKind == JsonValueKind.Object && given.TryGetProperty("function", out JsonElement function) && function.ValueKind == JsonValueKind.Object
                && function.TryGetProperty("name", out JsonElement name) && name.ValueKind == JsonValueKind.String => names.Contains(name.GetString()!) ? (true, name.GetString())
                    : throw ApiException.Invalid(field, $"'{field}' names a tool that is not among 'tools'."),
            _ => throw ApiException.Invalid(field, $"'{field}' must be none, auto, required, or an object of the type function with its name."),
        };
    }

    /// <summary>What holds calls that the model makes by itself to their schemas; null where nothing does.</summary>
    public static ToolCallConstraint? Held(ReplyFormat format, OfferedTools tools, bool beginsInReasoning)
    {
        try
        {
            return tools.Declarations is { } declarations ? ToolCallConstraint.Of(format, declarations, beginsInReasoning, tools.AllowSeveral) : null;
        }
        catch (GrammarException error)
        {
            throw ApiException.Invalid("tools", $"A schema of the tools cannot be honoured: {error.Message}", inner: error);
        }
    }

    /// <summary>What holds replies to an answer of a form or a call; null where nothing can.</summary>
    public static AnswerOrCallConstraint? HeldOr(ReplyFormat format, JsonElement declarations, Grammar answer)
    {
        try
        {
            return AnswerOrCallConstraint.Of(format, declarations, answer);
        }
        catch (GrammarException error)
        {
            throw ApiException.Invalid("tools", $"A schema of the tools cannot be honoured: {error.Message}", inner: error);
        }
    }

    private static Grammar CallOf(JsonElement tools, string? name)
    {
        try
        {
            return ToolGrammar.OfCall(tools, name);
        }
        catch (GrammarException error)
        {
            throw ApiException.Invalid("tools", $"A schema of the tools cannot be honoured: {error.Message}", inner: error);
        }
    }

    private static bool IsName(string name) => name.Length is > 0 and <= 64 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-');
}
