using System.Globalization;
using System.Text;
using System.Text.Json;
using SpecDecode.Grammars.Expressions;
using SpecDecode.Tokenizers.Patterns;

namespace SpecDecode.Grammars.Json;

/// <summary>How JSON is written, as expressions.</summary>
internal sealed class JsonTexts
{
    private const string ShortEscapes = "\"\\\b\f\n\r\t";
    private const string ShortLetters = "\"\\bfnrt";

    private static readonly CodePointSet Escaped = CodePointSet.Between([0, 0x20, '"', '"' + 1, '\\', '\\' + 1]);
    private static readonly Expression HexDigit =
        Expression.Characters(CodePointSet.Range('0', '9').Union(CodePointSet.Range('a', 'f')).Union(CodePointSet.Range('A', 'F')));

    public JsonTexts(JsonGrammarOptions options)
    {
        Options = options;
        var space = Expression.Repeat(Expression.Characters(CodePointSet.Of(' ', '\t', '\n', '\r')), 0, 20);
        bool free = options.WhiteSpace == JsonWhiteSpace.Free;
        var after = options.WhiteSpace switch
        {
            JsonWhiteSpace.Free => space,
            JsonWhiteSpace.Spaced => Expression.Text(" "),
            _ => Expression.Empty,
        };
        Space = free ? space : Expression.Empty;
        Comma = Expression.Sequence(Space, Expression.Text(","), after);
        Colon = Expression.Sequence(Space, Expression.Text(":"), after);
    }

    public JsonGrammarOptions Options { get; }

    /// <summary>White space behind an opening brace and before a closing one.</summary>
    public Expression Space { get; }

    public Expression Comma { get; }

    public Expression Colon { get; }

    /// <summary>A character of a text, in any spelling that is one character: as it is, or escaped.</summary>
    public static Expression AnyCharacter { get; } = Expression.Choice(
        Expression.Characters(Escaped.Invert()),
        Expression.Sequence(Expression.Text("\\"), Expression.Choice(
            Expression.Characters(CodePointSet.Of('"', '\\', '/', 'b', 'f', 'n', 'r', 't')),
            Expression.Sequence(Expression.Text("u"), Unit()))));

    /// <summary>Any text.</summary>
    public static Expression AnyText { get; } = Quoted(Expression.Repeat(AnyCharacter, 0, Expression.Unbounded));

    /// <summary>A text in quotes.</summary>
    public static Expression Quoted(Expression content) => Expression.Sequence(Expression.Text("\""), content, Expression.Text("\""));

    /// <summary>Characters of a set, each in its one usual spelling.</summary>
    public static Expression Spell(CodePointSet set)
    {
        var escapes = set.Intersect(Escaped);
        var words = new List<string>();
        foreach (int code in escapes.IsEmpty ? [] : Enumerable.Range(0, '\\' + 1).Where(escapes.Contains))
            words.Add(Spell((char)code));
        return Expression.Choice(Expression.Characters(set.Intersect(Escaped.Invert())), Expression.Words(words));
    }

    /// <summary>A text as JSON, in quotes, in the one spelling that is used for texts which a schema names.</summary>
    public static string Quote(string text)
    {
        var result = new StringBuilder("\"");
        foreach (var rune in text.EnumerateRunes())
        {
            if (Escaped.Contains(rune.Value))
                result.Append(Spell((char)rune.Value));
            else
                result.Append(rune.ToString());
        }
        return result.Append('"').ToString();
    }

    /// <summary>A value that a schema names.</summary>
    public Expression Constant(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                return Expression.Text(Quote(value.GetString()!));
            case JsonValueKind.Array:
                return List("[", value.EnumerateArray().Select(Constant), "]");
            case JsonValueKind.Object:
                return List("{", value.EnumerateObject().Select(property =>
                    Expression.Sequence(Expression.Text(Quote(property.Name)), Colon, Constant(property.Value))), "}");
            default:
                return Expression.Text(value.GetRawText());
        }
    }

    private Expression List(string open, IEnumerable<Expression> items, string close)
    {
        var parts = new List<Expression> { Expression.Text(open), Space };
        foreach (var item in items)
        {
            if (parts.Count > 2)
                parts.Add(Comma);
            parts.Add(item);
        }
        return Expression.Sequence([.. parts, .. parts.Count > 2 ? (Expression[])[Space] : [], Expression.Text(close)]);
    }

    private static string Spell(char character)
    {
        int known = ShortEscapes.IndexOf(character, StringComparison.Ordinal);
        return known >= 0 ? "\\" + ShortLetters[known] : string.Create(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
    }

    // Four digits of a character that is no surrogate, or twice four of a pair.
    private static Expression Unit()
    {
        var eightToB = Set("89abAB");
        var cToF = Set("cdefCDEF");
        return Expression.Choice(
            Expression.Sequence(Set("0123456789abcefABCEF"), HexDigit, HexDigit, HexDigit),
            Expression.Sequence(Set("dD"), Set("01234567"), HexDigit, HexDigit),
            Expression.Sequence(Set("dD"), eightToB, HexDigit, HexDigit, Expression.Text("\\u"), Set("dD"), cToF, HexDigit, HexDigit));

        static Expression Set(string letters) => Expression.Characters(CodePointSet.Of([.. letters.Select(c => (int)c)]));
    }
}
