using SpecDecode.Tokenizers.Patterns;

namespace SpecDecode.Grammars;

/// <summary>
/// Reads regular expressions of ECMAScript's dialect, as JSON Schema has them. What looks around (assertions, references to groups,
/// word boundaries) is refused.
/// </summary>
internal sealed class RegexParser
{
    /// <summary>The most repetitions that may be asked for.</summary>
    public const int MaxCount = 1_000_000;

    private const int MaxDepth = 100;
    private const int MaxLength = 1 << 16;

    private readonly int[] _text;
    private int _at;
    private int _depth;

    private RegexParser(string pattern) => _text = [.. pattern.EnumerateRunes().Select(rune => rune.Value)];

    /// <summary>Reads an expression.</summary>
    /// <exception cref="GrammarException">It is damaged or has a part that is not supported.</exception>
    public static RegexNode Parse(string pattern)
    {
        if (pattern.Length > MaxLength)
            throw new GrammarException($"The regular expression has {pattern.Length} characters, and at most {MaxLength} are read.");
        var parser = new RegexParser(pattern);
        var node = parser.Choice();
        return parser._at == parser._text.Length ? node : throw RegexEscape.Error("a ')' without its '('");
    }

    private RegexNode Choice()
    {
        if (++_depth > MaxDepth)
            throw RegexEscape.Error("groups that are nested too deeply");
        var options = new List<RegexNode>();
        do
            options.Add(Sequence());
        while (Take('|'));
        _depth--;
        return options.Count == 1 ? options[0] : new RegexChoice([.. options]);
    }

    private RegexNode Sequence()
    {
        var items = new List<RegexNode>();
        while (_at < _text.Length && _text[_at] is not ('|' or ')'))
            items.Add(Quantified(Atom()));
        return items.Count == 1 ? items[0] : new RegexSequence([.. items]);
    }

    private RegexNode Atom()
    {
        int c = _text[_at++];
        switch (c)
        {
            case '(':
                return Group();
            case '[':
                return new RegexSet(Set());
            case '.':
                return new RegexSet(CodePointSet.Of('\n', '\r', 0x2028, 0x2029).Invert());
            case '^':
                return new RegexAnchor(isStart: true);
            case '$':
                return new RegexAnchor(isStart: false);
            case '*' or '+' or '?':
                throw RegexEscape.Error($"a '{(char)c}' with nothing before it");
            case '\\':
                return new RegexSet(RegexEscape.Read(_text, ref _at, inSet: false, out _));
            default:
                return new RegexSet(CodePointSet.Of(c));
        }
    }

    private RegexNode Group()
    {
        if (Take('?'))
        {
            string opening = "?" + string.Concat(_text.Skip(_at).Take(2).Select(char.ConvertFromUtf32));
            switch (opening)
            {
                case ['?', ':', ..]:
                    _at++;
                    break;
                case ['?', '=' or '!', ..] or "?<=" or "?<!":
                    throw RegexEscape.Error($"the assertion '({opening.AsSpan(0, opening[1] == '<' ? 3 : 2)}', which is not supported");
                case ['?', '<', ..]:
                    int end = Array.IndexOf(_text, '>', _at);
                    _at = end > _at + 1 ? end + 1 : throw RegexEscape.Error("a '(?<' without a name and its '>'");
                    break;
                default:
                    throw RegexEscape.Error($"'({Checkpoints.CheckpointText.Shorten(opening)}', which is not supported");
            }
        }
        var node = Choice();
        return Take(')') ? node : throw RegexEscape.Error("a '(' without its ')'");
    }

    private RegexNode Quantified(RegexNode node)
    {
        if (_at >= _text.Length)
            return node;
        (int Min, int Max)? count = _text[_at] switch
        {
            '*' => (0, -1),
            '+' => (1, -1),
            '?' => (0, 1),
            _ => null,
        };
        if (count is not null)
            _at++;
        else
            count = Braces();
        if (count is not { } bounds)
            return node;
        // A lazy quantifier matches the same texts.
        Take('?');
        if (node.HasAnchor && node is RegexAnchor)
            throw RegexEscape.Error("a repeated '^' or '$'");
        return bounds.Max >= 0 && bounds.Max < bounds.Min
            ? throw RegexEscape.Error("a number of times whose higher bound comes first")
            : new RegexRepeat(node, bounds.Min, bounds.Max);
    }

    // Null where the brace is a character as any other.
    private (int, int)? Braces()
    {
        int back = _at;
        if (!Take('{') || Number() is not { } min)
        {
            _at = back;
            return null;
        }
        int? max = min;
        if (Take(','))
            max = Number() ?? -1;
        if (Take('}'))
            return (min, max.Value);
        _at = back;
        return null;
    }

    private int? Number()
    {
        int start = _at;
        long value = 0;
        while (_at < _text.Length && _text[_at] is >= '0' and <= '9')
        {
            value = (10 * value) + _text[_at++] - '0';
            if (value > MaxCount)
                throw RegexEscape.Error($"a part that is repeated more than {MaxCount} times");
        }
        return _at > start ? (int)value : null;
    }

    private CodePointSet Set()
    {
        bool negated = Take('^');
        var bounds = new List<(int From, int To)>();
        var set = CodePointSet.Empty;
        while (!Take(']'))
        {
            if (_at >= _text.Length)
                throw RegexEscape.Error("a '[' without its ']'");
            var one = One(out int from);
            int back = _at;
            if (from >= 0 && Take('-') && _at < _text.Length && _text[_at] != ']')
            {
                One(out int to);
                if (to >= 0)
                {
                    bounds.Add(from <= to ? (from, to) : throw RegexEscape.Error("a range whose higher end comes first"));
                    continue;
                }
            }
            _at = back;
            if (from >= 0)
                bounds.Add((from, from));
            else
                set = set.Union(one);
        }
        set = set.Union(Ranges(bounds));
        return negated ? set.Invert() : set;
    }

    private CodePointSet One(out int single)
    {
        single = _text[_at++];
        return single == '\\' ? RegexEscape.Read(_text, ref _at, inSet: true, out single) : CodePointSet.Empty;
    }

    /// <summary>The code points of some ranges.</summary>
    public static CodePointSet Ranges(List<(int From, int To)> ranges)
    {
        ranges.Sort();
        var bounds = new List<int>();
        foreach (var (from, to) in ranges)
        {
            if (bounds.Count > 0 && from <= bounds[^1])
                bounds[^1] = Math.Max(bounds[^1], to + 1);
            else
                bounds.AddRange([from, to + 1]);
        }
        return CodePointSet.Between([.. bounds]);
    }

    private bool Take(char c)
    {
        if (_at >= _text.Length || _text[_at] != c)
            return false;
        _at++;
        return true;
    }
}
