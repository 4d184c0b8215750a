using System.Globalization;
using System.Text;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Builtins;

/// <summary>What the methods <c>isalpha</c>, <c>isdigit</c> and their like ask.</summary>
internal static class TextClasses
{
    public static bool All(string text, Func<int, bool> holds) => text.Length > 0 && CodePoints.Numbers(text).All(holds);

    public static bool IsLetter(int code) => CodePoints.Category(code) is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter
        or UnicodeCategory.TitlecaseLetter or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter;

    public static bool IsDecimal(int code) => CodePoints.Category(code) == UnicodeCategory.DecimalDigitNumber;

    public static bool IsDigit(int code) => IsDecimal(code) || (Rune.IsValid(code) && CharUnicodeInfo.GetDigitValue(char.ConvertFromUtf32(code), 0) >= 0);

    public static bool IsNumeric(int code) => IsDigit(code) || (Rune.IsValid(code) && Rune.GetNumericValue(new Rune(code)) != -1);

    public static bool IsAlphanumeric(int code) => IsLetter(code) || IsNumeric(code);

    /// <summary>What a regular expression's <c>\w</c> matches.</summary>
    public static bool IsWord(int code) => code == '_' || IsAlphanumeric(code);

    public static bool IsIdentifier(string text)
    {
        bool first = true;
        foreach (int code in CodePoints.Numbers(text))
        {
            bool start = code == '_' || IsLetter(code) || CodePoints.Category(code) == UnicodeCategory.LetterNumber;
            bool follows = CodePoints.Category(code) is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.NonSpacingMark
                or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.ConnectorPunctuation || code == 0xB7;
            if (!start && (first || !follows))
            {
                return false;
            }

            first = false;
        }

        return !first;
    }

    public static bool IsLower(string text) => HasCase(text) && CodePoints.Numbers(text).All(code =>
        CodePoints.Category(code) is not (UnicodeCategory.UppercaseLetter or UnicodeCategory.TitlecaseLetter) && !IsCapitalSymbol(code));

    public static bool IsUpper(string text) => HasCase(text) && CodePoints.Numbers(text).All(code => !CaseMapping.IsCased(code)
        || CodePoints.Category(code) == UnicodeCategory.UppercaseLetter || IsCapitalSymbol(code));

    public static bool IsTitle(string text)
    {
        bool any = false;
        bool cased = false;
        foreach (int code in CodePoints.Numbers(text))
        {
            bool capital = CodePoints.Category(code) is UnicodeCategory.UppercaseLetter or UnicodeCategory.TitlecaseLetter || IsCapitalSymbol(code);
            bool isCased = CaseMapping.IsCased(code);
            if (isCased && capital == cased)
            {
                return false;
            }

            any |= isCased;
            cased = isCased;
        }

        return any;
    }

    private static bool HasCase(string text) => CodePoints.Numbers(text).Any(CaseMapping.IsCased);

    // Roman numerals and letters in circles.
    private static bool IsCapitalSymbol(int code) => code is (>= 0x2160 and <= 0x216F) or (>= 0x24B6 and <= 0x24CF);
}
