using System.Text;
using SpecDecode.ChatTemplates.Jinja.Runtime;

namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>Texts in upper, lower and title case as Python makes them: by the full mappings of Unicode, which may lengthen a text.</summary>
internal static class CaseMapping
{
    private const int CapitalSigma = 0x3A3;

    public static string Upper(Meter meter, string text) => Map(meter, text, static (codes, i) => CharacterCase.Upper(codes[i]));

    public static string Lower(Meter meter, string text) => Map(meter, text, LowerAt);

    /// <summary>The first character in title case, the others in lower.</summary>
    public static string Capitalize(Meter meter, string text) => Map(meter, text, static (codes, i) =>
        i == 0 ? CharacterCase.Title(codes[i]) : LowerAt(codes, i));

    /// <summary>The first character of each run of letters in title case, the others in lower.</summary>
    public static string Title(Meter meter, string text) => Map(meter, text, static (codes, i) =>
        i > 0 && CharacterCase.IsCased(codes[i - 1]) ? LowerAt(codes, i) : CharacterCase.Title(codes[i]));

    public static string SwapCase(Meter meter, string text) => Map(meter, text, static (codes, i) =>
        CharacterCase.IsUpper(codes[i]) ? LowerAt(codes, i)
        : CharacterCase.IsLower(codes[i]) ? CharacterCase.Upper(codes[i])
        : CodePoints.OfNumber(codes[i]));

    /// <summary>For comparing without case.</summary>
    public static string Fold(Meter meter, string text) => Map(meter, text, static (codes, i) => CharacterCase.Fold(codes[i]));

    private static string Map(Meter meter, string text, Func<int[], int, string> map)
    {
        meter.Work(text.Length >> 2);
        int[] codes = [.. CodePoints.Numbers(text)];
        StringBuilder result = new(text.Length);
        for (int i = 0; i < codes.Length; i++)
        {
            result.Append(map(codes, i));
        }

        meter.AllocateText(result.Length);
        return result.ToString();
    }

    private static string LowerAt(int[] codes, int i) => codes[i] != CapitalSigma ? CharacterCase.Lower(codes[i]) : IsFinal(codes, i) ? "\u03C2" : "\u03C3";

    // Behind a letter, with no letter to follow; marks between do not count.
    private static bool IsFinal(int[] codes, int i)
    {
        int before = i - 1;
        while (before >= 0 && CharacterCase.IsIgnorable(codes[before]))
        {
            before--;
        }

        int after = i + 1;
        while (after < codes.Length && CharacterCase.IsIgnorable(codes[after]))
        {
            after++;
        }

        return before >= 0 && CharacterCase.IsCased(codes[before]) && !(after < codes.Length && CharacterCase.IsCased(codes[after]));
    }
}
