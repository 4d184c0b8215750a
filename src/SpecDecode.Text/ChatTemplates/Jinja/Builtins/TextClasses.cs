using System.Globalization;
using System.Text;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Builtins;

/// <summary>What the methods <c>isalpha</c>, <c>isdigit</c> and their like ask: case by Unicode 17.0, all else by the runtime's tables.</summary>
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

    public static bool IsLower(string text) =>
        CodePoints.Numbers(text).All(code => !CharacterCase.IsUpper(code) && !CharacterCase.IsTitle(code))
        && CodePoints.Numbers(text).Any(CharacterCase.IsLower);

    public static bool IsUpper(string text) =>
        CodePoints.Numbers(text).All(code => !CharacterCase.IsLower(code) && !CharacterCase.IsTitle(code))
        && CodePoints.Numbers(text).Any(CharacterCase.IsUpper);

    public static bool IsTitle(string text)
    {
        bool any = false;
        bool cased = false;
        foreach (int code in CodePoints.Numbers(text))
        {
            bool capital = CharacterCase.IsUpper(code) || CharacterCase.IsTitle(code);
            bool isCased = capital || CharacterCase.IsLower(code);
            if (isCased && capital == cased)
            {
                return false;
            }

            any |= isCased;
            cased = isCased;
        }

        return any;
    }
}
