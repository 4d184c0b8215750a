using System.Buffers;
using System.Text.Json;

namespace SpecDecode.Extensions.AI;

/// <summary>Makes JSON elements.</summary>
internal static class Json
{
    /// <summary>An element of what is written.</summary>
    public static JsonElement Build(Action<Utf8JsonWriter> write)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            write(json);
        }

        using JsonDocument document = JsonDocument.Parse(buffer.WrittenMemory);
        return document.RootElement.Clone();
    }

    /// <summary>A text as an element.</summary>
    public static JsonElement Text(string text) => Build(json => json.WriteStringValue(text));

    /// <summary>A truth value as an element.</summary>
    public static JsonElement Flag(bool value) => Build(json => json.WriteBooleanValue(value));
}
