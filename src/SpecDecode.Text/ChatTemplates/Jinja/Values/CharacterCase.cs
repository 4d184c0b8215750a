using System.Collections.Frozen;
using System.Globalization;

namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>The case of single code points: what Unicode 17.0 says, whatever the runtime and its libraries know.</summary>
internal static class CharacterCase
{
    private static readonly CodePointTable Lowercase = new(CaseTables.Lowercase);
    private static readonly CodePointTable Uppercase = new(CaseTables.Uppercase);
    private static readonly CodePointTable Titlecase = new(CaseTables.Titlecase);
    private static readonly CodePointTable Folding = new(CaseTables.Folding);
    private static readonly FrozenDictionary<int, string> LongLowercase = Long(CaseTables.LongLowercase);
    private static readonly FrozenDictionary<int, string> LongUppercase = Long(CaseTables.LongUppercase);
    private static readonly FrozenDictionary<int, string> LongTitlecase = Long(CaseTables.LongTitlecase);
    private static readonly FrozenDictionary<int, string> LongFolding = Long(CaseTables.LongFolding);
    private static readonly CodePointTable UppercaseLetters = new(CaseTables.UppercaseLetters);
    private static readonly CodePointTable LowercaseLetters = new(CaseTables.LowercaseLetters);
    private static readonly CodePointTable TitlecaseLetters = new(CaseTables.TitlecaseLetters);
    private static readonly CodePointTable Ignorable = new(CaseTables.Ignorable);

    public static string Lower(int code) => code < 128 ? CodePoints.OfNumber(char.ToLowerInvariant((char)code))
        : LongLowercase.TryGetValue(code, out string? text) ? text
        : CodePoints.OfNumber(Lowercase.Map(code));

    public static string Upper(int code) => code < 128 ? CodePoints.OfNumber(char.ToUpperInvariant((char)code))
        : LongUppercase.TryGetValue(code, out string? text) ? text
        : CodePoints.OfNumber(Uppercase.Map(code));

    public static string Title(int code) => code < 128 ? CodePoints.OfNumber(char.ToUpperInvariant((char)code))
        : LongTitlecase.TryGetValue(code, out string? text) ? text
        : Titlecase.Contains(code) ? CodePoints.OfNumber(Titlecase.Map(code))
        : Upper(code);

    /// <summary>The form for comparing without case.</summary>
    public static string Fold(int code) => code < 128 ? CodePoints.OfNumber(char.ToLowerInvariant((char)code))
        : LongFolding.TryGetValue(code, out string? text) ? text
        : Folding.Contains(code) ? CodePoints.OfNumber(Folding.Map(code))
        : Lower(code);

    public static bool IsUpper(int code) => code < 128 ? char.IsAsciiLetterUpper((char)code) : UppercaseLetters.Contains(code);

    public static bool IsLower(int code) => code < 128 ? char.IsAsciiLetterLower((char)code) : LowercaseLetters.Contains(code);

    public static bool IsTitle(int code) => code >= 128 && TitlecaseLetters.Contains(code);

    /// <summary>Whether it has a case at all.</summary>
    public static bool IsCased(int code) => IsLower(code) || IsUpper(code) || IsTitle(code);

    /// <summary>Whether it does not count between letters of a word.</summary>
    public static bool IsIgnorable(int code) => Ignorable.Contains(code);

    private static FrozenDictionary<int, string> Long(string table) => table
        .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
        .Select(entry => entry.Split('='))
        .ToFrozenDictionary(sides => Number(sides[0]), sides => string.Concat(sides[1].Split('+').Select(part => CodePoints.OfNumber(Number(part)))));

    private static int Number(string text) => int.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
