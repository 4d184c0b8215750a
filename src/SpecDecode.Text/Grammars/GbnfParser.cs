using System.Globalization;
using System.Text;
using SpecDecode.Checkpoints;
using SpecDecode.Grammars.Expressions;

namespace SpecDecode.Grammars;

/// <summary>
/// Reads a context-free grammar in GBNF, the notation of llama.cpp: rules <c>name ::= …</c> of texts in quotes, characters in brackets,
/// other rules, groups, choices and repetitions. Rules may call themselves anywhere, at their beginning too.
/// </summary>
internal sealed class GbnfParser
{
    private const int MaxDepth = 100;
    private const int MaxRules = 10_000;

    private readonly string _text;
    private readonly Dictionary<string, int> _numbers = new() { ["root"] = 0 };
    private readonly List<Expression?> _rules = [null];
    private readonly List<string> _names = ["root"];
    private int _at;
    private int _depth;

    private GbnfParser(string text) => _text = text.ReplaceLineEndings("\n");

    /// <summary>Reads a grammar.</summary>
    /// <returns>Its rules; the first one is <c>root</c>.</returns>
    /// <exception cref="GrammarException">It is damaged.</exception>
    public static IReadOnlyList<Expression> Parse(string text)
    {
        var parser = new GbnfParser(text);
        for (parser.Skip(newLines: true); parser._at < parser._text.Length; parser.Skip(newLines: true))
            parser.Rule();
        int missing = parser._rules.IndexOf(null);
        return missing < 0
            ? [.. parser._rules.Select(rule => rule!)]
            : throw new GrammarException($"The grammar has no rule '{CheckpointText.Shorten(parser._names[missing])}', which "
                + (missing == 0 ? "is what the whole text stands for." : "one of its rules names."));
    }

    private void Rule()
    {
        string name = Name() ?? throw Error("there should be the name of a rule");
        Skip(newLines: false);
        if (!Take("::="))
            throw Error($"there should be '::=' behind the name '{CheckpointText.Shorten(name)}'");
        Skip(newLines: true);
        int number = Number(name);
        if (_rules[number] is not null)
            throw Error($"the rule '{CheckpointText.Shorten(name)}' is there twice");
        _rules[number] = Choice(nested: false);
        if (_at < _text.Length && _text[_at] != '\n')
            throw Error($"'{CheckpointText.Shorten(_text[_at].ToString())}' was not expected");
    }

    private Expression Choice(bool nested)
    {
        if (++_depth > MaxDepth)
            throw Error("groups are nested too deeply");
        var options = new List<Expression> { Sequence(nested) };
        while (TakeBar())
        {
            Skip(newLines: true);
            options.Add(Sequence(nested));
        }
        _depth--;
        return Expression.Choice(options);
    }

    // A choice may go on at the beginning of the next line.
    private bool TakeBar()
    {
        int back = _at;
        Skip(newLines: true);
        if (Take("|"))
            return true;
        _at = back;
        return false;
    }

    private Expression Sequence(bool nested)
    {
        var items = new List<Expression>();
        while (_at < _text.Length)
        {
            Expression item;
            char c = _text[_at];
            if (c == '"')
                item = Text();
            else if (c == '[')
                item = Set();
            else if (Take("."))
                item = Expression.Characters(Utf8.Characters);
            else if (c == '(')
                item = Group();
            else if (Name() is { } name)
                item = Expression.Call(Number(name));
            else
                break;
            Skip(nested);
            items.Add(Repeated(item, nested));
        }
        return Expression.Sequence(items);
    }

    private Expression Group()
    {
        _at++;
        Skip(newLines: true);
        var inner = Choice(nested: true);
        return Take(")") ? inner : throw Error("there should be a ')'");
    }

    private Expression Repeated(Expression item, bool nested)
    {
        while (_at < _text.Length)
        {
            int min, max;
            switch (_text[_at])
            {
                case '*':
                    (min, max) = (0, Expression.Unbounded);
                    break;
                case '+':
                    (min, max) = (1, Expression.Unbounded);
                    break;
                case '?':
                    (min, max) = (0, 1);
                    break;
                case '{':
                    (min, max) = Braces();
                    break;
                default:
                    return item;
            }
            _at++;
            Skip(nested);
            item = Expression.Repeat(item, min, max);
        }
        return item;
    }

    private (int, int) Braces()
    {
        int end = _text.IndexOf('}', _at);
        string[] parts = end < 0 ? [] : [.. _text[(_at + 1)..end].Split(',').Select(part => part.Trim())];
        int min = 0, max = Expression.Unbounded;
        bool good = parts.Length is 1 or 2 && (Read(parts[0], out min) || (parts.Length == 2 && parts[0].Length == 0))
            && (parts.Length == 1 || parts[1].Length == 0 || Read(parts[1], out max));
        if (parts.Length == 1)
            max = min;
        if (!good || (max != Expression.Unbounded && max < min))
            throw Error($"there should be a number of times, at most {RegexParser.MaxCount}, as in '{{2}}', '{{2,}}' or '{{2,5}}'");
        _at = end;
        return (min, max);

        static bool Read(string part, out int value) =>
            int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value <= RegexParser.MaxCount;
    }

    private Expression Text()
    {
        _at++;
        var text = new StringBuilder();
        while (_at < _text.Length && _text[_at] is not ('"' or '\n'))
            text.Append(char.ConvertFromUtf32(Character()));
        return Take("\"") ? Expression.Text(text.ToString()) : throw Error("there should be a '\"' at the end of the text");
    }

    private Expression Set()
    {
        _at++;
        bool negated = Take("^");
        var ranges = new List<(int From, int To)>();
        while (_at < _text.Length && _text[_at] is not (']' or '\n'))
        {
            int from = Character(), to = from;
            if (_at + 1 < _text.Length && _text[_at] == '-' && _text[_at + 1] != ']')
            {
                _at++;
                to = Character();
            }
            ranges.Add(from <= to ? (from, to) : throw Error("the higher end of the range comes first"));
        }
        if (!Take("]"))
            throw Error("there should be a ']'");
        var set = RegexParser.Ranges(ranges);
        return Expression.Characters(negated ? set.Invert() : set);
    }

    private int Character()
    {
        if (_text[_at] != '\\')
        {
            if (!Rune.TryGetRuneAt(_text, _at, out var rune))
                throw Error("there is half a surrogate pair");
            _at += rune.Utf16SequenceLength;
            return rune.Value;
        }
        _at++;
        char c = _at < _text.Length ? _text[_at++] : '\0';
        return c switch
        {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '\\' or '"' or '[' or ']' or '-' or '^' => c,
            'x' => Hex(2),
            'u' => Hex(4),
            'U' => Hex(8),
            _ => throw Error("the escape is unknown"),
        };
    }

    private int Hex(int digits)
    {
        if (_at + digits > _text.Length
            || !uint.TryParse(_text.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint code)
            || !Rune.IsValid(code))
        {
            throw Error($"there should be {digits} hexadecimal digits of a character");
        }
        _at += digits;
        return (int)code;
    }

    private int Number(string name)
    {
        if (_numbers.TryGetValue(name, out int number))
            return number;
        if (_rules.Count == MaxRules)
            throw Error($"there are more than {MaxRules} rules");
        _numbers.Add(name, _rules.Count);
        _names.Add(name);
        _rules.Add(null);
        return _rules.Count - 1;
    }

    private string? Name()
    {
        int start = _at;
        while (_at < _text.Length && (char.IsAsciiLetterOrDigit(_text[_at]) || _text[_at] is '-' or '_'))
            _at++;
        return _at > start ? _text[start.._at] : null;
    }

    private bool Take(string text)
    {
        if (string.CompareOrdinal(_text, _at, text, 0, text.Length) != 0)
            return false;
        _at += text.Length;
        if (text is "|" or ")")
            Skip(newLines: false);
        return true;
    }

    private void Skip(bool newLines)
    {
        for (; _at < _text.Length; _at++)
        {
            if (_text[_at] == '#')
                _at = _text.IndexOf('\n', _at) is >= 0 and var end ? end : _text.Length;
            if (_at >= _text.Length || !(_text[_at] is ' ' or '\t' || (newLines && _text[_at] == '\n')))
                return;
        }
    }

    private GrammarException Error(string what)
    {
        int line = _text.AsSpan(0, Math.Min(_at, _text.Length)).Count('\n') + 1;
        return new($"The grammar cannot be read, line {line}: {what}.");
    }
}
