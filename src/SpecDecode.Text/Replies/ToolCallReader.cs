using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace SpecDecode.Replies;

/// <summary>Reads calls from the JSON that models write them in.</summary>
internal static class ToolCallReader
{
    /// <summary>Reads an object, or an array of them: <c>name</c> and <c>arguments</c> (or <c>parameters</c>), also inside a <c>function</c>.</summary>
    /// <param name="json">The text.</param>
    /// <param name="calls">Receives the calls.</param>
    /// <returns>Whether all of it is calls.</returns>
    public static bool TryRead(ReadOnlyMemory<char> json, List<ToolCall> calls)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            int before = calls.Count;
            if (document.RootElement.ValueKind != JsonValueKind.Array)
            {
                return TryAdd(document.RootElement, calls);
            }

            foreach (JsonElement element in document.RootElement.EnumerateArray())
            {
                if (!TryAdd(element, calls))
                {
                    calls.RemoveRange(before, calls.Count - before);
                    return false;
                }
            }

            return calls.Count > before;
        }
        catch (Exception error) when (IsBroken(error))
        {
            return false;
        }
    }

    /// <summary>Reads the arguments of a call whose name stands beside them.</summary>
    /// <param name="json">The text; of white space alone it is no arguments.</param>
    /// <param name="arguments">A JSON object.</param>
    public static bool TryReadArguments(string json, [NotNullWhen(true)] out string? arguments)
    {
        arguments = null;
        try
        {
            using JsonDocument document = JsonDocument.Parse(string.IsNullOrWhiteSpace(json) ? "{}" : json);
            arguments = document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.GetRawText() : null;
        }
        catch (Exception error) when (IsBroken(error))
        {
        }

        return arguments is not null;
    }

    /// <summary>Whether a name can be a tool's.</summary>
    public static bool IsName(string? name) => name is { Length: > 0 and <= ToolCall.MaxNameLength };

    private static bool TryAdd(JsonElement element, List<ToolCall> calls)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            return false;
        }

        if (element.TryGetProperty("function", out JsonElement function) && function.ValueKind == JsonValueKind.Object)
        {
            element = function;
        }

        if (!element.TryGetProperty("name", out JsonElement named) || named.ValueKind != JsonValueKind.String || named.GetString() is not { } name || !IsName(name))
        {
            return false;
        }

        string? arguments = "{}";
        if ((element.TryGetProperty("arguments", out JsonElement given) || element.TryGetProperty("parameters", out given)) && given.ValueKind != JsonValueKind.Null)
        {
            // Some write the object as a text.
            arguments = given.ValueKind == JsonValueKind.Object ? given.GetRawText()
                : given.ValueKind == JsonValueKind.String && TryReadArguments(given.GetString()!, out string? inside) ? inside
                : null;
        }

        if (arguments is null)
        {
            return false;
        }

        calls.Add(new ToolCall { Name = name, Arguments = arguments });
        return true;
    }

    // No JSON, half a surrogate pair as an escape, or as a character.
    private static bool IsBroken(Exception error) => error is JsonException or InvalidOperationException or ArgumentException;
}
