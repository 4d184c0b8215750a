using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace SpecDecode.Tool;

/// <summary>A command's result as one line of JSON.</summary>
internal static class JsonResult
{
    /// <summary>Writes an object and ends the line.</summary>
    public static void Write(TextWriter output, Action<Utf8JsonWriter> properties) => output.WriteLine(Encoding.UTF8.GetString(Line(properties).Span));

    /// <summary>An object on one line, without the line's end.</summary>
    public static ReadOnlyMemory<byte> Line(Action<Utf8JsonWriter> properties)
    {
        using MemoryStream buffer = new();
        using (Utf8JsonWriter json = new(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            properties(json);
            json.WriteEndObject();
        }

        return buffer.GetBuffer().AsMemory(0, (int)buffer.Length);
    }

    /// <summary>What a text's end is called.</summary>
    public static string Name(FinishReason reason) => reason switch
    {
        FinishReason.Stop => "stop",
        FinishReason.Length => "length",
        FinishReason.Cancelled => "cancelled",
        FinishReason.Deadline => "deadline",
        _ => throw new InvalidOperationException($"A text of the command ended with {reason}."),
    };

    /// <summary>Writes an array of whole numbers.</summary>
    public static void WriteNumbers(this Utf8JsonWriter json, string name, IEnumerable<int> numbers) =>
        json.WriteNumbers(name, numbers.Select(number => (long)number));

    /// <summary>Writes an array of whole numbers.</summary>
    public static void WriteNumbers(this Utf8JsonWriter json, string name, IEnumerable<long> numbers)
    {
        json.WriteStartArray(name);
        foreach (long number in numbers)
        {
            json.WriteNumberValue(number);
        }

        json.WriteEndArray();
    }

    /// <summary>Writes a number with four decimals; null where there is none or it is not finite.</summary>
    public static void WriteNumberOrNull(this Utf8JsonWriter json, string name, double? number)
    {
        if (number is { } value && double.IsFinite(value))
        {
            json.WriteNumber(name, Math.Round(value, 4));
        }
        else
        {
            json.WriteNull(name);
        }
    }
}
