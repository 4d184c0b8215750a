using System.Text.Json;
using System.Text.Unicode;
using static SpecDecode.Checkpoints.CheckpointText;

namespace SpecDecode.Checkpoints;

/// <summary>
/// Reads the JSON files of a checkpoint as Python's json does, which wrote most of them: with <c>NaN</c>, <c>Infinity</c> and
/// <c>-Infinity</c>, and without comments or commas at an end. Which of two equal keys counts is its reader's matter.
/// </summary>
internal static class CheckpointJson
{
    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>Parses a file's bytes, which must be one JSON object.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="utf8">Its bytes; a byte order mark at the start is passed over.</param>
    /// <exception cref="CheckpointException">They are not.</exception>
    public static JsonElement ParseObject(string path, ReadOnlyMemory<byte> utf8)
    {
        var root = Parse(path, utf8);
        return root.ValueKind == JsonValueKind.Object
            ? root
            : throw new CheckpointException(path, $"holds {Describe(root)} where a JSON object is expected; download it again");
    }

    /// <summary>Parses a file's bytes, which must be one JSON value.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="utf8">Its bytes; a byte order mark at the start is passed over.</param>
    /// <returns>The value. A number that is not finite reads as infinity where it is asked for as a floating-point number.</returns>
    /// <exception cref="CheckpointException">They are not.</exception>
    public static JsonElement Parse(string path, ReadOnlyMemory<byte> utf8)
    {
        if (!Utf8.IsValid(utf8.Span))
            throw new CheckpointException(path, "is not valid UTF-8; download it again or save it as UTF-8");
        if (utf8.Span.StartsWith(ByteOrderMark))
            utf8 = utf8[ByteOrderMark.Length..];

        var words = new PythonNumbers();
        utf8 = words.Replace(utf8);
        try
        {
            // Not disposed, and so never rented out again: its elements are what is returned.
            return JsonDocument.Parse(utf8).RootElement;
        }
        catch (JsonException failure)
        {
            long place = words.BytesInLine(LineStart(utf8.Span, failure.LineNumber ?? 0), failure.BytePositionInLine ?? 0);
            throw new CheckpointException(path, $"is not valid JSON at line {failure.LineNumber + 1}, "
                + $"byte {place + 1} of that line; download it again or correct that line", failure);
        }
    }

    /// <summary>The members of an object in order, duplicates included.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="element">A JSON object.</param>
    /// <exception cref="CheckpointException">A name is not valid Unicode.</exception>
    public static IEnumerable<KeyValuePair<string, JsonElement>> Members(string path, JsonElement element)
    {
        foreach (var member in element.EnumerateObject())
        {
            string name;
            try
            {
                name = member.Name;
            }
            catch (InvalidOperationException failure)
            {
                throw NotUnicode(path, "a key", failure);
            }

            yield return new(name, member.Value);
        }
    }

    /// <summary>The text of a JSON string.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="key">The key, for messages.</param>
    /// <param name="element">A JSON string.</param>
    /// <exception cref="CheckpointException">It is not valid Unicode.</exception>
    public static string Text(string path, string key, JsonElement element)
    {
        try
        {
            return element.GetString()!;
        }
        catch (InvalidOperationException failure)
        {
            // What the runtime throws for half a surrogate pair.
            throw NotUnicode(path, Quote(key), failure);
        }
    }

    /// <summary>What a value is, for messages.</summary>
    /// <param name="element">Any value.</param>
    public static string Describe(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => $"an array of {element.GetArrayLength()}",
        JsonValueKind.Number when PythonNumbers.WordOf(element.GetRawText()) is { } word => word,
        _ => Shorten(element.GetRawText()),
    };

    private static long LineStart(ReadOnlySpan<byte> utf8, long line)
    {
        int start = 0;
        for (long i = 0; i < line && utf8[start..].IndexOf((byte)'\n') is var end and >= 0; i++)
            start += end + 1;
        return start;
    }

    private static CheckpointException NotUnicode(string path, string subject, Exception failure)
        => new(path, $"{subject} is text that is not valid Unicode (half a surrogate pair); download the file again", failure);
}
