using System.Globalization;
using System.IO.Hashing;
using System.Text.Json;

namespace SpecDecode.Tool.Batch;

/// <summary>What every line of results says of the line of input that it answers.</summary>
/// <param name="Line">Its number in the input, from 1.</param>
/// <param name="Input">The hash of its bytes and number, by which a changed input is noticed.</param>
/// <param name="Options">The hash of model and options, by which changed ones are.</param>
/// <param name="HasError">Whether it has an error in place of a text.</param>
internal readonly record struct BatchRecord(long Line, ulong Input, uint Options, bool HasError)
{
    /// <summary>How every line of results begins.</summary>
    public static ReadOnlySpan<byte> Beginning => "{\"line\":"u8;

    /// <summary>The hash of a line of input.</summary>
    public static ulong Hash(LineReader line) => XxHash3.HashToUInt64(line.Line.Span, line.Number);

    /// <summary>Reads a line of results; null when it is none.</summary>
    public static BatchRecord? Parse(ReadOnlyMemory<byte> utf8)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(utf8);
            JsonElement root = document.RootElement;
            return root.ValueKind == JsonValueKind.Object
                && root.TryGetProperty("line", out JsonElement line) && line.ValueKind == JsonValueKind.Number && line.TryGetInt64(out long number) && number > 0
                && ulong.TryParse(Text(root, "input"), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong input)
                && uint.TryParse(Text(root, "options"), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint options)
                ? new BatchRecord(number, input, options, root.TryGetProperty("error", out _))
                : null;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static string? Text(JsonElement root, string key) =>
        root.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
