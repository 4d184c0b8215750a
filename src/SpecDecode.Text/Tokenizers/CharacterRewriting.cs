using System.Globalization;
using System.Text;

namespace SpecDecode.Tokenizers;

/// <summary>Normalizers that look at one character at a time.</summary>
internal static class CharacterRewriting
{
    private const int Drop = -1;

    /// <summary>Full lower case, without regard to the neighbours. U+0130 is the one character that becomes two.</summary>
    public static string Lowercase(string text) => text.Replace("\u0130", "i\u0307", StringComparison.Ordinal).ToLowerInvariant();

    /// <summary>Without combining marks of any kind.</summary>
    public static string WithoutMarks(string text) => Map(text, static rune =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark
            ? Drop
            : rune.Value);

    /// <summary>Without nonspacing marks.</summary>
    public static string WithoutNonspacingMarks(string text) => Map(text, static rune =>
        Rune.GetUnicodeCategory(rune) == UnicodeCategory.NonSpacingMark ? Drop : rune.Value);

    /// <summary>SentencePiece's <c>nmt</c> rules: without control characters, and with a space for each sort of it.</summary>
    public static string Nmt(string text) => Map(text, static rune => rune.Value switch
    {
        (>= 0x01 and <= 0x08) or 0x0B or (>= 0x0E and <= 0x1F) or 0x7F or 0x8F or 0x9F => Drop,
        0x09 or 0x0A or 0x0C or 0x0D or 0x1680 or (>= 0x200B and <= 0x200F) or 0x2028 or 0x2029 or 0x2581 or 0xFEFF or 0xFFFD => ' ',
        _ => rune.Value,
    });

    /// <summary>BERT's cleaning: without control characters, and with a space for each sort of it.</summary>
    public static string Clean(string text) => Map(text, static rune => rune.Value switch
    {
        '\t' or '\n' or '\r' => ' ',
        0 or 0xFFFD => Drop,
        _ when Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse => Drop,
        _ when Rune.IsWhiteSpace(rune) => ' ',
        _ => rune.Value,
    });

    /// <summary>With a space before and behind each ideograph.</summary>
    public static string SpaceIdeographs(string text)
    {
        var output = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (IsIdeograph(rune.Value))
                output.Append(' ').Append(rune).Append(' ');
            else
                output.Append(rune);
        }
        return output.ToString();
    }

    // The blocks that BERT names; the ones that it misses are missed here too.
    private static bool IsIdeograph(int code) => code is (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF) or (>= 0x20000 and <= 0x2A6DF)
        or (>= 0x2A700 and <= 0x2B73F) or (>= 0x2B740 and <= 0x2B81F) or (>= 0x2B920 and <= 0x2CEAF) or (>= 0xF900 and <= 0xFAFF)
        or (>= 0x2F800 and <= 0x2FA1F);

    private static string Map(string text, Func<Rune, int> map)
    {
        var output = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            int code = map(rune);
            if (code != Drop)
                output.Append(new Rune(code));
        }
        return output.ToString();
    }
}
