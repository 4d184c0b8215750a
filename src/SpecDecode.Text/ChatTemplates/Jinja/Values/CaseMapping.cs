using System.Collections.Frozen;
using System.Globalization;
using System.Text;
using SpecDecode.ChatTemplates.Jinja.Runtime;

namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>Upper, lower and title case as Python has them: the full mappings of Unicode, which may lengthen a text.</summary>
internal static class CaseMapping
{
    private const int CapitalSigma = 0x3A3;

    // A character and what it becomes, where upper case has more than one (SpecialCasing.txt, unconditional mappings).
    private static readonly FrozenDictionary<int, string> LongUpper = new[]
    {
        "\u00DFSS", "\u0149\u02BCN", "\u01F0J\u030C", "\u0390\u0399\u0308\u0301", "\u03B0\u03A5\u0308\u0301", "\u0587\u0535\u0552",
        "\u1E96H\u0331", "\u1E97T\u0308", "\u1E98W\u030A", "\u1E99Y\u030A", "\u1E9AA\u02BE", "\u1F50\u03A5\u0313",
        "\u1F52\u03A5\u0313\u0300", "\u1F54\u03A5\u0313\u0301", "\u1F56\u03A5\u0313\u0342", "\u1F80\u1F08\u0399", "\u1F81\u1F09\u0399",
        "\u1F82\u1F0A\u0399", "\u1F83\u1F0B\u0399", "\u1F84\u1F0C\u0399", "\u1F85\u1F0D\u0399", "\u1F86\u1F0E\u0399",
        "\u1F87\u1F0F\u0399", "\u1F88\u1F08\u0399", "\u1F89\u1F09\u0399", "\u1F8A\u1F0A\u0399", "\u1F8B\u1F0B\u0399",
        "\u1F8C\u1F0C\u0399", "\u1F8D\u1F0D\u0399", "\u1F8E\u1F0E\u0399", "\u1F8F\u1F0F\u0399", "\u1F90\u1F28\u0399",
        "\u1F91\u1F29\u0399", "\u1F92\u1F2A\u0399", "\u1F93\u1F2B\u0399", "\u1F94\u1F2C\u0399", "\u1F95\u1F2D\u0399",
        "\u1F96\u1F2E\u0399", "\u1F97\u1F2F\u0399", "\u1F98\u1F28\u0399", "\u1F99\u1F29\u0399", "\u1F9A\u1F2A\u0399",
        "\u1F9B\u1F2B\u0399", "\u1F9C\u1F2C\u0399", "\u1F9D\u1F2D\u0399", "\u1F9E\u1F2E\u0399", "\u1F9F\u1F2F\u0399",
        "\u1FA0\u1F68\u0399", "\u1FA1\u1F69\u0399", "\u1FA2\u1F6A\u0399", "\u1FA3\u1F6B\u0399", "\u1FA4\u1F6C\u0399",
        "\u1FA5\u1F6D\u0399", "\u1FA6\u1F6E\u0399", "\u1FA7\u1F6F\u0399", "\u1FA8\u1F68\u0399", "\u1FA9\u1F69\u0399",
        "\u1FAA\u1F6A\u0399", "\u1FAB\u1F6B\u0399", "\u1FAC\u1F6C\u0399", "\u1FAD\u1F6D\u0399", "\u1FAE\u1F6E\u0399",
        "\u1FAF\u1F6F\u0399", "\u1FB2\u1FBA\u0399", "\u1FB3\u0391\u0399", "\u1FB4\u0386\u0399", "\u1FB6\u0391\u0342",
        "\u1FB7\u0391\u0342\u0399", "\u1FBC\u0391\u0399", "\u1FC2\u1FCA\u0399", "\u1FC3\u0397\u0399", "\u1FC4\u0389\u0399",
        "\u1FC6\u0397\u0342", "\u1FC7\u0397\u0342\u0399", "\u1FCC\u0397\u0399", "\u1FD2\u0399\u0308\u0300", "\u1FD3\u0399\u0308\u0301",
        "\u1FD6\u0399\u0342", "\u1FD7\u0399\u0308\u0342", "\u1FE2\u03A5\u0308\u0300", "\u1FE3\u03A5\u0308\u0301", "\u1FE4\u03A1\u0313",
        "\u1FE6\u03A5\u0342", "\u1FE7\u03A5\u0308\u0342", "\u1FF2\u1FFA\u0399", "\u1FF3\u03A9\u0399", "\u1FF4\u038F\u0399",
        "\u1FF6\u03A9\u0342", "\u1FF7\u03A9\u0342\u0399", "\u1FFC\u03A9\u0399", "\uFB00FF", "\uFB01FI", "\uFB02FL", "\uFB03FFI",
        "\uFB04FFL", "\uFB05ST", "\uFB06ST", "\uFB13\u0544\u0546", "\uFB14\u0544\u0535", "\uFB15\u0544\u053B", "\uFB16\u054E\u0546",
        "\uFB17\u0544\u053D",
    }.ToFrozenDictionary(entry => (int)entry[0], entry => entry[1..]);

    public static string Upper(Meter meter, string text) => Map(meter, text, static (result, code, _, _) => AppendUpper(result, code));

    public static string Lower(Meter meter, string text) => Map(meter, text, static (result, code, codes, i) => AppendLower(result, code, codes, i));

    /// <summary>The first character in title case, the others in lower.</summary>
    public static string Capitalize(Meter meter, string text) => Map(meter, text, static (result, code, codes, i) =>
        _ = i == 0 ? AppendTitle(result, code) : AppendLower(result, code, codes, i));

    /// <summary>The first character of each run of letters in title case, the others in lower.</summary>
    public static string Title(Meter meter, string text) => Map(meter, text, static (result, code, codes, i) =>
        _ = i > 0 && IsCased(codes[i - 1]) ? AppendLower(result, code, codes, i) : AppendTitle(result, code));

    public static string SwapCase(Meter meter, string text) => Map(meter, text, static (result, code, codes, i) =>
        _ = CodePoints.Category(code) switch
        {
            UnicodeCategory.UppercaseLetter => AppendLower(result, code, codes, i),
            UnicodeCategory.LowercaseLetter => AppendUpper(result, code),
            _ => result.Append(CodePoints.OfNumber(code)),
        });

    /// <summary>For comparing without case: what upper and lower case have in common.</summary>
    public static string Fold(Meter meter, string text)
    {
        meter.Work(text.Length >> 1);
        return Map(meter, text, static (result, code, _, _) =>
        {
            if (code < 128)
            {
                result.Append(char.ToLowerInvariant((char)code));
                return;
            }

            if (code == 0x131)
            {
                result.Append((char)code);
                return;
            }

            StringBuilder upper = AppendUpper(new StringBuilder(), code);
            foreach (int part in CodePoints.Numbers(upper.ToString()))
            {
                result.Append(CodePoints.OfNumber(SimpleLower(part)));
            }
        });
    }

    /// <summary>Whether a character has a case.</summary>
    public static bool IsCased(int code) => CodePoints.Category(code) is
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
        || code is 0xAA or 0xBA or (>= 0x2B0 and <= 0x2B8) or (>= 0x2160 and <= 0x217F) or (>= 0x24B6 and <= 0x24E9);

    private static string Map(Meter meter, string text, Action<StringBuilder, int, int[], int> append)
    {
        meter.AllocateText(text.Length);
        meter.Work(text.Length >> 3);
        int[] codes = [.. CodePoints.Numbers(text)];
        StringBuilder result = new(text.Length);
        for (int i = 0; i < codes.Length; i++)
        {
            append(result, codes[i], codes, i);
        }

        return result.ToString();
    }

    private static StringBuilder AppendUpper(StringBuilder result, int code) => LongUpper.TryGetValue(code, out string? upper)
        ? result.Append(upper)
        : result.Append(CodePoints.OfNumber(SimpleUpper(code)));

    private static StringBuilder AppendLower(StringBuilder result, int code, int[] codes, int i) => code switch
    {
        0x130 => result.Append("i\u0307"),
        CapitalSigma => result.Append(IsFinal(codes, i) ? '\u03C2' : '\u03C3'),
        _ => result.Append(CodePoints.OfNumber(SimpleLower(code))),
    };

    private static StringBuilder AppendTitle(StringBuilder result, int code)
    {
        int title = code switch
        {
            >= 0x1C4 and <= 0x1C6 => 0x1C5,
            >= 0x1C7 and <= 0x1C9 => 0x1C8,
            >= 0x1CA and <= 0x1CC => 0x1CB,
            >= 0x1F1 and <= 0x1F3 => 0x1F2,
            >= 0x10D0 and <= 0x10FF => code,
            >= 0x1F80 and <= 0x1FAF => code | 8,
            0x1FB3 or 0x1FC3 or 0x1FF3 => code + 9,
            0x1FBC or 0x1FCC or 0x1FFC => code,
            _ => 0,
        };
        if (title != 0)
        {
            return result.Append((char)title);
        }

        if (!LongUpper.TryGetValue(code, out string? upper))
        {
            return result.Append(CodePoints.OfNumber(SimpleUpper(code)));
        }

        result.Append(upper[0]);
        foreach (char rest in upper.AsSpan(1))
        {
            result.Append((char)SimpleLower(rest));
        }

        return result;
    }

    // Behind a letter, with no letter to follow; marks between do not count.
    private static bool IsFinal(int[] codes, int i)
    {
        int before = i - 1;
        while (before >= 0 && IsIgnorable(codes[before]))
        {
            before--;
        }

        int after = i + 1;
        while (after < codes.Length && IsIgnorable(codes[after]))
        {
            after++;
        }

        return before >= 0 && IsCased(codes[before]) && !(after < codes.Length && IsCased(codes[after]));
    }

    private static bool IsIgnorable(int code) => code is '\'' or '.' or ':' or '^' or '`' or 0xA8 or 0xAD or 0xAF or 0xB4 or 0xB7 or 0xB8 or 0x2019
        || CodePoints.Category(code) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format
            or UnicodeCategory.ModifierLetter or UnicodeCategory.ModifierSymbol;

    private static int SimpleUpper(int code) => Rune.IsValid(code) ? Rune.ToUpperInvariant(new Rune(code)).Value : code;

    private static int SimpleLower(int code) => Rune.IsValid(code) ? Rune.ToLowerInvariant(new Rune(code)).Value : code;
}
