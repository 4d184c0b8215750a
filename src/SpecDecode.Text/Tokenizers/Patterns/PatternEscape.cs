using System.Globalization;
using System.Text;

namespace SpecDecode.Tokenizers.Patterns;

/// <summary>Escapes that stand for one code point, inside sets and outside.</summary>
internal static class PatternEscape
{
    /// <summary>Reads an escape.</summary>
    /// <param name="text">The pattern.</param>
    /// <param name="at">Where the character behind the backslash is; then behind the escape.</param>
    /// <param name="inSet">Whether the escape stands in brackets, where <c>\w</c> has no table of its own for Latin-1.</param>
    /// <param name="single">The code point, when the escape names one; otherwise -1.</param>
    /// <exception cref="PatternException">It is not supported.</exception>
    public static CodePointSet Read(ReadOnlySpan<int> text, ref int at, bool inSet, out int single)
    {
        single = -1;
        int c = at < text.Length ? text[at++] : throw new PatternException("a '\\' at its end");
        switch (c)
        {
            case 'd':
                return CodePointSet.Category("Nd");
            case 'D':
                return CodePointSet.Category("Nd").Invert();
            case 's':
                return CodePointSet.Space;
            case 'S':
                return CodePointSet.Space.Invert();
            case 'w' or 'W':
                var word = inSet ? CodePointSet.PlainWord : CodePointSet.Word;
                return c == 'w' ? word : word.Invert();
            case 'h' or 'H':
                var hex = CodePointSet.Range('0', '9').Union(CodePointSet.Range('A', 'F')).Union(CodePointSet.Range('a', 'f'));
                return c == 'h' ? hex : hex.Invert();
            case 'p' or 'P':
                return Property(text, ref at, c == 'P');
            case 'x' when at < text.Length && text[at] == '{':
                single = Hex(Braced(text, ref at), 8);
                break;
            case 'x':
                single = Hex(HexDigits(text, ref at, 2), 2);
                break;
            case 'u':
                var digits = HexDigits(text, ref at, 4);
                single = digits.Length == 4 ? Hex(digits, 4) : throw new PatternException("a '\\u' without its four digits");
                break;
            default:
                single = Control(c);
                break;
        }
        return CodePointSet.Of(single);
    }

    private static int Control(int c) => c switch
    {
        't' => 9,
        'n' => 10,
        'v' => 11,
        'f' => 12,
        'r' => 13,
        'a' => 7,
        'e' => 27,
        < 128 when char.IsAsciiLetterOrDigit((char)c) => throw new PatternException($"'\\{(char)c}', which is not supported"),
        _ => c,
    };

    private static CodePointSet Property(ReadOnlySpan<int> text, ref int at, bool negated)
    {
        if (at >= text.Length || text[at] != '{')
            throw new PatternException("a '\\p' without its braces");
        var name = Braced(text, ref at);
        if (name.StartsWith('^'))
            (name, negated) = (name[1..], !negated);
        var plain = new string([.. name.Where(c => c is not (' ' or '_' or '-'))]).ToLowerInvariant();
        var set = plain switch
        {
            "any" => CodePointSet.Any,
            "han" => CodePointSet.Han,
            "space" or "whitespace" => CodePointSet.Space,
            "word" => CodePointSet.PlainWord,
            "digit" or "decimalnumber" => CodePointSet.Category("Nd"),
            "letter" => CodePointSet.Category("L"),
            "mark" => CodePointSet.Category("M"),
            "number" => CodePointSet.Category("N"),
            "punctuation" => CodePointSet.Category("P"),
            "symbol" => CodePointSet.Category("S"),
            "separator" => CodePointSet.Category("Z"),
            "other" => CodePointSet.Category("C"),
            "lc" => CodePointSet.Category("LC"),
            { Length: 1 or 2 } => CodePointSet.Category(char.ToUpperInvariant(plain[0]) + plain[1..]),
            _ => CodePointSet.Empty,
        };
        if (ReferenceEquals(set, CodePointSet.Empty))
            throw new PatternException($"the property '{name}', which is not supported");
        return negated ? set.Invert() : set;
    }

    private static string Braced(ReadOnlySpan<int> text, ref int at)
    {
        int length = text[at..].IndexOf('}');
        if (length < 0)
            throw new PatternException("a '{' without its '}'");
        var inner = new StringBuilder();
        foreach (int code in text.Slice(at + 1, length - 1))
            inner.Append(new Rune(code));
        at += length + 1;
        return inner.ToString();
    }

    private static string HexDigits(ReadOnlySpan<int> text, ref int at, int most)
    {
        var digits = new StringBuilder();
        while (digits.Length < most && at < text.Length && text[at] < 128 && char.IsAsciiHexDigit((char)text[at]))
            digits.Append((char)text[at++]);
        return digits.ToString();
    }

    private static int Hex(string digits, int most) =>
        digits.Length <= most && int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code) && Rune.IsValid(code)
            ? code
            : throw new PatternException($"the code point '{digits}', which is none");
}
