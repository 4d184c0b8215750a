using System.Buffers;
using System.Text.Json;

namespace SpecDecode;

/// <summary>Makes JSON elements. A part of each package that writes JSON for chat templates.</summary>
internal static class JsonBuilder
{
    /// <summary>An element of what is written.</summary>
    public static JsonElement Build(Action<Utf8JsonWriter> write)
    {
        using JsonDocument document = JsonDocument.Parse(Write(write));
        return document.RootElement.Clone();
    }

    /// <summary>What is written, in UTF-8.</summary>
    public static ReadOnlyMemory<byte> Write(Action<Utf8JsonWriter> write)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            write(json);
        }

        return buffer.WrittenMemory;
    }

    /// <summary>A text as an element.</summary>
    public static JsonElement Text(string text) => Build(json => json.WriteStringValue(text));

    /// <summary>A truth value as an element.</summary>
    public static JsonElement Flag(bool value) => Build(json => json.WriteBooleanValue(value));
}
