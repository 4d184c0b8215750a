using System.Globalization;
using System.Text;

namespace SpecDecode.Checkpoints;

/// <summary>How things out of a file are put into messages: short and printable, however long or strange they are.</summary>
internal static class CheckpointText
{
    private const int MaxCharacters = 120;
    private const int MaxDimensions = 8;

    /// <summary>Puts a name or value into quotes, with control characters escaped and the rest of a long one cut off.</summary>
    /// <param name="text">The text as it stands in the file.</param>
    public static string Quote(string text) => $"\"{Shorten(text)}\"";

    /// <summary>Cuts a text to what a message can hold and escapes what cannot be printed.</summary>
    /// <param name="text">The text as it stands in the file.</param>
    public static string Shorten(string text)
    {
        var shown = text.AsSpan(0, Math.Min(text.Length, MaxCharacters));
        var result = new StringBuilder(shown.Length);
        foreach (char character in shown)
        {
            if (char.IsControl(character) || char.IsSurrogate(character))
                result.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
            else
                result.Append(character);
        }

        return shown.Length < text.Length ? result.Append('…').ToString() : result.ToString();
    }

    /// <summary>Writes a shape as <c>[4096, 256]</c>.</summary>
    /// <param name="shape">The dimensions, outermost first.</param>
    public static string Dimensions(ReadOnlySpan<long> shape)
    {
        var shown = shape[..Math.Min(shape.Length, MaxDimensions)];
        string dimensions = string.Join(", ", shown.ToArray());
        return shown.Length < shape.Length
            ? string.Create(CultureInfo.InvariantCulture, $"[{dimensions}, … {shape.Length} dimensions]")
            : $"[{dimensions}]";
    }
}
