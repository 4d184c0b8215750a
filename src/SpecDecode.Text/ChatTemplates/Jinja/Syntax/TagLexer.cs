using System.Globalization;
using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Syntax;

/// <summary>Reads what is inside a tag: names, literals, operators.</summary>
internal sealed class TagLexer(SourceText source, int at, List<Token> tokens)
{
    // Longer ones first.
    private static readonly string[] Operators =
    [
        "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";",
    ];

    private readonly string _text = source.Text;
    private readonly Stack<char> _open = new();

    /// <summary>Where it stands.</summary>
    public int At { get; private set; } = at;

    /// <summary>How many brackets are open; a tag does not end inside them.</summary>
    public int Depth => _open.Count;

    /// <summary>Reads white space or a token.</summary>
    /// <returns>False at the end of the template.</returns>
    public bool LexNext()
    {
        if (At == _text.Length)
        {
            return false;
        }

        char first = _text[At];
        if (Text.IsSpace(first))
        {
            At++;
        }
        else if (char.IsAsciiDigit(first))
        {
            LexNumber();
        }
        else if (first is '\'' or '"')
        {
            LexText(first);
        }
        else if (IsWord(At))
        {
            LexName();
        }
        else
        {
            LexOperator();
        }

        return true;
    }

    private void LexName()
    {
        int begin = At;
        while (At < _text.Length && IsWord(At))
        {
            At += char.IsSurrogatePair(_text, At) ? 2 : 1;
        }

        string name = _text[begin..At];
        if (!Builtins.TextClasses.IsIdentifier(name))
        {
            throw TemplateError.Syntax("Invalid character in identifier", source.PositionOf(begin));
        }

        Add(TokenKind.Name, begin, null);
    }

    private bool IsWord(int at)
    {
        bool pair = at + 1 < _text.Length && char.IsSurrogatePair(_text[at], _text[at + 1]);
        int code = pair ? char.ConvertToUtf32(_text[at], _text[at + 1]) : _text[at];
        return code < 128 ? char.IsAsciiLetterOrDigit((char)code) || code == '_'
            : Builtins.TextClasses.IsWord(code) || CodePoints.Category(code) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark;
    }

    private void LexNumber()
    {
        int begin = At;

        // Behind a point comes an index, never a real number.
        bool realAllowed = begin == 0 || _text[begin - 1] != '.';
        int whole = SkipDigits(begin);
        bool fraction = realAllowed && whole + 1 < _text.Length && _text[whole] == '.' && char.IsAsciiDigit(_text[whole + 1]);
        int end = fraction ? SkipDigits(whole + 1) : whole;
        int exponent = end;
        if (realAllowed && end < _text.Length && _text[end] is 'e' or 'E')
        {
            int digits = end + (end + 1 < _text.Length && _text[end + 1] is '+' or '-' ? 2 : 1);
            exponent = digits < _text.Length && char.IsAsciiDigit(_text[digits]) ? SkipDigits(digits) : end;
        }

        if (exponent > whole)
        {
            At = exponent;
            Add(TokenKind.Real, begin, double.Parse(_text[begin..At].Replace("_", "", StringComparison.Ordinal), CultureInfo.InvariantCulture));
            return;
        }

        char mark = begin + 1 < _text.Length && _text[begin] == '0' ? char.ToLowerInvariant(_text[begin + 1]) : '\0';
        int radix = mark switch { 'b' => 2, 'o' => 8, 'x' => 16, _ => 10 };
        At = radix == 10 ? _text[begin] == '0' ? SkipDigits(begin, 1) : whole : SkipDigits(begin + 2, radix);
        if (radix != 10 && At == begin + 2)
        {
            At = begin + 1;
        }

        if (!Number.TryParseInteger(_text[begin..At], 0, out object value))
        {
            throw TemplateError.Syntax("the number has too many digits.", source.PositionOf(begin));
        }

        Add(TokenKind.Integer, begin, value);
    }

    // Digits with single underlines between them; a radix of 1 stands for zeros only.
    private int SkipDigits(int at, int radix = 10)
    {
        int from = at;
        while (at < _text.Length)
        {
            int digitAt = _text[at] == '_' && (at > from || radix is not (1 or 10)) && at + 1 < _text.Length ? at + 1 : at;
            int digit = char.IsAsciiHexDigit(_text[digitAt]) ? Convert.ToInt32(_text[digitAt].ToString(), 16) : int.MaxValue;
            if (digit >= radix)
            {
                break;
            }

            at = digitAt + 1;
        }

        return at;
    }

    private void LexText(char quote)
    {
        int begin = At;
        int end = begin + 1;
        while (end < _text.Length && _text[end] != quote)
        {
            end += _text[end] == '\\' ? 2 : 1;
        }

        if (end >= _text.Length)
        {
            throw Unexpected();
        }

        At = end + 1;
        Add(TokenKind.Text, begin, TextLiteral.Read(_text[(begin + 1)..end], source.PositionOf(begin)));
    }

    private void LexOperator()
    {
        int begin = At;
        string found = Array.Find(Operators, text => _text.AsSpan(begin).StartsWith(text)) ?? throw Unexpected();
        char bracket = found[0];
        switch (bracket)
        {
            case '(' or '[' or '{':
                _open.Push(bracket switch { '(' => ')', '[' => ']', _ => '}' });
                break;
            case ')' or ']' or '}':
                if (!_open.TryPop(out char expected))
                {
                    throw TemplateError.Syntax($"unexpected '{bracket}'", source.PositionOf(begin));
                }

                if (expected != bracket)
                {
                    throw TemplateError.Syntax($"unexpected '{bracket}', expected '{expected}'", source.PositionOf(begin));
                }

                break;
        }

        At += found.Length;
        Add(TokenKind.Operator, begin, null);
    }

    private TemplateError Unexpected() => TemplateError.Syntax($"unexpected char {Repr.OfText(_text[At].ToString())} at {At}", source.PositionOf(At));

    private void Add(TokenKind kind, int begin, object? value) =>
        tokens.Add(new Token(kind, _text[begin..At], value, source.PositionOf(begin)));
}
