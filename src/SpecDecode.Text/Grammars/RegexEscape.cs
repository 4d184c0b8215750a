using System.Globalization;
using SpecDecode.Tokenizers.Patterns;

namespace SpecDecode.Grammars;

/// <summary>Escapes of regular expressions that stand for a character, in brackets and outside.</summary>
internal static class RegexEscape
{
    private static readonly CodePointSet Digits = CodePointSet.Range('0', '9');
    private static readonly CodePointSet Word =
        Digits.Union(CodePointSet.Range('a', 'z')).Union(CodePointSet.Range('A', 'Z')).Union(CodePointSet.Of('_'));

    // What ECMAScript calls white space and ends of lines.
    private static readonly CodePointSet Space =
        CodePointSet.Between([9, 14, 0x20, 0x21, 0xA0, 0xA1, 0x1680, 0x1681, 0x2000, 0x200B, 0x2028, 0x202A, 0x202F, 0x2030, 0x205F, 0x2060, 0x3000, 0x3001, 0xFEFF, 0xFF00]);

    private static readonly string[] LongNames =
    [
        "Lu=Uppercase_Letter", "Ll=Lowercase_Letter", "Lt=Titlecase_Letter", "Lm=Modifier_Letter", "Lo=Other_Letter", "L=Letter", "LC=Cased_Letter",
        "Mn=Nonspacing_Mark", "Mc=Spacing_Mark", "Me=Enclosing_Mark", "M=Mark", "Nd=Decimal_Number", "Nl=Letter_Number", "No=Other_Number", "N=Number",
        "Pc=Connector_Punctuation", "Pd=Dash_Punctuation", "Ps=Open_Punctuation", "Pe=Close_Punctuation", "Pi=Initial_Punctuation",
        "Pf=Final_Punctuation", "Po=Other_Punctuation", "P=Punctuation", "Sm=Math_Symbol", "Sc=Currency_Symbol", "Sk=Modifier_Symbol",
        "So=Other_Symbol", "S=Symbol", "Zs=Space_Separator", "Zl=Line_Separator", "Zp=Paragraph_Separator", "Z=Separator",
        "Cc=Control", "Cf=Format", "Co=Private_Use", "Cn=Unassigned", "C=Other",
    ];

    private static readonly Dictionary<string, string> Categories = LongNames
        .Select(name => name.Split('='))
        .SelectMany(pair => ((string, string)[])[(pair[0], pair[0]), (pair[1], pair[0])])
        .ToDictionary(pair => pair.Item1, pair => pair.Item2);

    /// <summary>Reads an escape.</summary>
    /// <param name="text">The expression, as code points.</param>
    /// <param name="at">Where the character behind the backslash is; then behind the escape.</param>
    /// <param name="inSet">Whether it stands in brackets.</param>
    /// <param name="single">The code point, where the escape names one; otherwise -1.</param>
    /// <exception cref="GrammarException">It is damaged or not supported.</exception>
    public static CodePointSet Read(ReadOnlySpan<int> text, ref int at, bool inSet, out int single)
    {
        single = -1;
        if (at >= text.Length)
            throw Error("a '\\' at its end");
        int c = text[at++];
        switch (c)
        {
            case 'd':
                return Digits;
            case 'D':
                return Digits.Invert();
            case 'w':
                return Word;
            case 'W':
                return Word.Invert();
            case 's':
                return Space;
            case 'S':
                return Space.Invert();
            case 'p' or 'P':
                var set = Property(text, ref at);
                return c == 'p' ? set : set.Invert();
            case 'b' when inSet:
                single = 8;
                break;
            case 'b' or 'B':
                throw Error($"the word boundary '\\{(char)c}', which is not supported");
            case 'k' or (>= '1' and <= '9'):
                throw Error($"the reference to a group '\\{(char)c}', which is not supported");
            case 'x':
                single = Hex(text, ref at, 2, 2);
                break;
            case 'u':
                single = Unicode(text, ref at);
                break;
            case 'c':
                if (at >= text.Length || text[at] > 127 || !char.IsAsciiLetter((char)text[at]))
                    throw Error("a '\\c' without its letter");
                single = text[at++] & 31;
                break;
            default:
                single = Plain(c);
                break;
        }
        return CodePointSet.Of(single);
    }

    /// <summary>The error of an expression that has something.</summary>
    public static GrammarException Error(string what) => new($"The regular expression has {what}.");

    private static int Plain(int c) => c switch
    {
        't' => 9,
        'n' => 10,
        'v' => 11,
        'f' => 12,
        'r' => 13,
        '0' => 0,
        < 128 when char.IsAsciiLetterOrDigit((char)c) => throw Error($"'\\{(char)c}', which is not supported"),
        _ => c,
    };

    private static int Unicode(ReadOnlySpan<int> text, ref int at)
    {
        if (at < text.Length && text[at] == '{')
        {
            at++;
            int code = Hex(text, ref at, 1, 6);
            if (at >= text.Length || text[at++] != '}' || code > 0x10FFFF)
                throw Error("a '\\u{' without a code point and its '}'");
            return code;
        }
        int first = Hex(text, ref at, 4, 4);
        if (first is < 0xD800 or > 0xDBFF || at + 1 >= text.Length || text[at] != '\\' || text[at + 1] != 'u')
            return first;
        int back = at;
        at += 2;
        int second = Hex(text, ref at, 4, 4);
        if (second is >= 0xDC00 and <= 0xDFFF)
            return char.ConvertToUtf32((char)first, (char)second);
        at = back;
        return first;
    }

    private static int Hex(ReadOnlySpan<int> text, ref int at, int least, int most)
    {
        int value = 0, count = 0;
        while (count < most && at < text.Length && text[at] < 128 && char.IsAsciiHexDigit((char)text[at]))
        {
            value = (16 * value) + int.Parse([(char)text[at++]], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            count++;
        }
        return count >= least ? value : throw Error("a '\\x' or '\\u' without its digits");
    }

    private static CodePointSet Property(ReadOnlySpan<int> text, ref int at)
    {
        int length = at < text.Length && text[at] == '{' ? text[at..].IndexOf('}') : -1;
        if (length < 0)
            throw Error("a '\\p' without its name in braces");
        string name = string.Concat(text.Slice(at + 1, Math.Min(length - 1, 60)).ToArray().Select(char.ConvertFromUtf32));
        at += length + 1;
        string category = name.Split('=') switch
        {
            ["General_Category" or "gc", var value] => value,
            _ => name,
        };
        if (Categories.TryGetValue(category, out var known))
            return CodePointSet.Category(known);
        return name switch
        {
            "Any" => CodePointSet.Any,
            "ASCII" => CodePointSet.Range(0, 127),
            "White_Space" => CodePointSet.Space,
            _ => throw Error($"the property '{Checkpoints.CheckpointText.Shorten(name)}', which is not supported"),
        };
    }
}
