using System.Buffers;
using System.Text;

namespace SpecDecode.Checkpoints;

/// <summary>
/// The words <c>NaN</c>, <c>Infinity</c> and <c>-Infinity</c>, which Python's json writes and reads and JSON does not have.
/// Each becomes a number beyond all bounds, so that a reader who wants a finite number refuses it, and one who does not look
/// at the key never meets it.
/// </summary>
internal sealed class PythonNumbers
{
    private const string NotANumber = "9e987654321987";
    private const string Infinite = "9e987654321988";
    private static readonly SearchValues<byte> Marks = SearchValues.Create("\"NI"u8);

    // For each word where it begins in the text that it became, and by how much that grew.
    private readonly List<(int Start, int Growth)> _words = [];

    /// <summary>The text with a number in the place of each word; the text itself where there is none.</summary>
    /// <param name="utf8">JSON as Python writes it. What is wrong in it stays as it is.</param>
    public ReadOnlyMemory<byte> Replace(ReadOnlyMemory<byte> utf8)
    {
        ReadOnlySpan<byte> text = utf8.Span;
        ArrayBufferWriter<byte>? written = null;
        int copied = 0;
        int at = 0;
        while (text[at..].IndexOfAny(Marks) is var found and >= 0)
        {
            at += found;
            if (text[at] == (byte)'"')
            {
                at = BehindString(text, at + 1);
                continue;
            }

            (int length, string number) = text[at] == (byte)'N' ? (3, NotANumber) : (8, Infinite);
            ReadOnlySpan<byte> word = length == 3 ? "NaN"u8 : "Infinity"u8;
            if (!text[at..].StartsWith(word) || !StandsAlone(text, at, length))
            {
                at++;
                continue;
            }

            written ??= new ArrayBufferWriter<byte>(utf8.Length + 256);
            written.Write(text[copied..at]);
            _words.Add((written.WrittenCount, number.Length - length));
            written.Write(Encoding.ASCII.GetBytes(number));
            at += length;
            copied = at;
        }

        if (written is null)
        {
            return utf8;
        }

        written.Write(text[copied..]);
        return written.WrittenMemory;
    }

    /// <summary>From a place in the replaced text to the same place in the one before.</summary>
    /// <param name="start">Where the line begins in the replaced text.</param>
    /// <param name="byteInLine">The place in that line.</param>
    public long BytesInLine(long start, long byteInLine) =>
        byteInLine - _words.Where(word => word.Start >= start && word.Start < start + byteInLine).Sum(word => (long)word.Growth);

    /// <summary>The word that a number came from; null for every other number.</summary>
    /// <param name="number">A number as it stands in the replaced text.</param>
    public static string? WordOf(string number) => number switch
    {
        NotANumber => "NaN",
        Infinite => "Infinity",
        "-" + Infinite => "-Infinity",
        _ => null,
    };

    /// <summary>The words again in place of the numbers that they became.</summary>
    /// <param name="json">JSON with numbers as they stand in the replaced text.</param>
    public static string Restore(string json) =>
        json.Replace(NotANumber, "NaN", StringComparison.Ordinal).Replace(Infinite, "Infinity", StringComparison.Ordinal);

    private static int BehindString(ReadOnlySpan<byte> text, int at)
    {
        while (at < text.Length && text[at] != (byte)'"')
        {
            at += text[at] == (byte)'\\' ? 2 : 1;
        }

        return Math.Min(at + 1, text.Length);
    }

    // Between two things that may stand beside a value; only infinity has a sign.
    private static bool StandsAlone(ReadOnlySpan<byte> text, int at, int length)
    {
        if (length == 8 && at > 0 && text[at - 1] == (byte)'-')
        {
            at--;
            length++;
        }

        return (at == 0 || " \t\r\n:,["u8.Contains(text[at - 1]))
            && (at + length == text.Length || " \t\r\n,]}"u8.Contains(text[at + length]));
    }
}
