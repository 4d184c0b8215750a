using System.Globalization;
using System.Text;

namespace SpecDecode.Tokenizers.Patterns;

/// <summary>
/// Reads a regular expression of Oniguruma's dialect, which tokenizer files are written in: <c>^</c> and <c>$</c> are about
/// lines, sets nest and intersect, <c>+</c> behind a quantifier makes it possessive. What a tokenizer has no use for
/// (references to groups, conditions, absence) is refused.
/// </summary>
internal sealed class PatternParser
{
    private const int MaxDepth = 100;
    private const int MaxCount = 1000;

    private readonly int[] _text;
    private int _at;
    private int _depth;
    private bool _ignoreCase;
    private bool _dotAll;

    private PatternParser(string pattern) => _text = [.. pattern.EnumerateRunes().Select(rune => rune.Value)];

    /// <summary>Reads a pattern.</summary>
    /// <exception cref="PatternException">It is damaged or uses something that is not supported.</exception>
    public static PatternNode Parse(string pattern)
    {
        var parser = new PatternParser(pattern);
        var node = parser.Choice();
        return parser._at == parser._text.Length ? node : throw new PatternException("a ')' without its '('");
    }

    /// <summary>A text that stands for itself.</summary>
    public static PatternNode Literal(string text) =>
        new SequenceNode([.. text.EnumerateRunes().Select(rune => new SetNode(CodePointSet.Of(rune.Value)))]);

    private PatternNode Choice()
    {
        if (++_depth > MaxDepth)
            throw new PatternException("groups that are nested too deeply");
        var (ignoreCase, dotAll) = (_ignoreCase, _dotAll);
        var options = new List<PatternNode>();
        do
            options.Add(Sequence());
        while (Take('|'));
        _depth--;
        (_ignoreCase, _dotAll) = (ignoreCase, dotAll);
        return options.Count == 1 ? options[0] : new ChoiceNode([.. options]);
    }

    private PatternNode Sequence()
    {
        var items = new List<PatternNode>();
        while (_at < _text.Length && _text[_at] is not ('|' or ')'))
        {
            if (Atom() is { } atom)
                items.Add(Quantified(atom));
        }
        return items.Count == 1 ? items[0] : new SequenceNode([.. items]);
    }

    // Null for what stands for nothing: comments and switched options.
    private PatternNode? Atom()
    {
        int c = _text[_at++];
        switch (c)
        {
            case '(':
                return Group();
            case '[':
                return new SetNode(new PatternSetReader(_text, _at, _ignoreCase).Read(out _at));
            case '.':
                return new SetNode(_dotAll ? CodePointSet.Any : CodePointSet.Of('\n').Invert());
            case '^':
                return new AnchorNode(Anchor.LineStart);
            case '$':
                return new AnchorNode(Anchor.LineEnd);
            case '*' or '+' or '?':
                throw new PatternException($"a '{(char)c}' with nothing before it");
            case '\\':
                return Escape();
            default:
                return Cased(CodePointSet.Of(c));
        }
    }

    private SetNode Cased(CodePointSet set) => new(_ignoreCase ? set.IgnoreCase() : set);

    private PatternNode Escape()
    {
        int c = Peek() ?? throw new PatternException("a '\\' at its end");
        Anchor? anchor = (char)c switch
        {
            'A' => Anchor.TextStart,
            'z' => Anchor.TextEnd,
            'Z' => Anchor.LastLineEnd,
            'b' => Anchor.WordBoundary,
            'B' => Anchor.NoWordBoundary,
            _ => null,
        };
        if (anchor is { } kind)
        {
            _at++;
            return new AnchorNode(kind);
        }
        if (c == 'R')
        {
            _at++;
            var breaks = CodePointSet.Range(10, 13).Union(CodePointSet.Of(0x85, 0x2028, 0x2029));
            return new AtomicNode(new ChoiceNode([Literal("\r\n"), new SetNode(breaks)]));
        }
        if (c == 'N')
        {
            _at++;
            return new SetNode(CodePointSet.Of('\n').Invert());
        }
        if (c == 'O')
        {
            _at++;
            return new SetNode(CodePointSet.Any);
        }
        return Cased(PatternEscape.Read(_text, ref _at, inSet: false, out _));
    }

    private PatternNode? Group()
    {
        if (!Take('?'))
            return Closed(Choice());
        int c = Peek() ?? throw new PatternException("a group that does not end");
        _at++;
        switch ((char)c)
        {
            case ':':
                return Closed(Choice());
            case '>':
                return Closed(new AtomicNode(Choice()));
            case '=' or '!':
                return Closed(new LookNode(Choice(), Behind: false, Negative: c == '!'));
            case '<' when Peek() is '=' or '!':
                bool negative = _text[_at++] == '!';
                var body = Choice();
                foreach (var option in body is ChoiceNode choice ? choice.Options : [body])
                {
                    if (option.FixedLength is null)
                        throw new PatternException("a condition on what comes before whose length is not fixed");
                }
                return Closed(new LookNode(body, Behind: true, negative));
            case '<':
                while (!Take('>'))
                {
                    if (_at++ >= _text.Length)
                        throw new PatternException("a group that does not end");
                }
                return Closed(Choice());
            case '#':
                while (!Take(')'))
                {
                    if (_at++ >= _text.Length)
                        throw new PatternException("a comment that does not end");
                }
                return null;
            default:
                _at--;
                return Options();
        }
    }

    // (?i) holds to the end of the group around it, (?i:...) within its own.
    private PatternNode? Options()
    {
        bool on = true;
        var (ignoreCase, dotAll) = (_ignoreCase, _dotAll);
        while (_at < _text.Length)
        {
            switch (_text[_at++])
            {
                case '-':
                    on = false;
                    break;
                case 'i':
                    _ignoreCase = on;
                    break;
                case 'm':
                    _dotAll = on;
                    break;
                case ')':
                    return _at < _text.Length && _text[_at] != ')' ? Choice() : null;
                case ':':
                    var body = Closed(Choice());
                    (_ignoreCase, _dotAll) = (ignoreCase, dotAll);
                    return body;
                default:
                    throw new PatternException("a kind of group that is not supported");
            }
        }
        throw new PatternException("a group that does not end");
    }

    private PatternNode Closed(PatternNode node) => Take(')') ? node : throw new PatternException("a group that does not end");

    private PatternNode Quantified(PatternNode atom)
    {
        while (TryQuantifier(out int min, out int max, out bool counted))
        {
            // Behind {n,m} a + repeats again, and {n}? makes the whole optional.
            bool possessive = !counted && Take('+');
            bool optional = counted && min == max && Peek() == '?';
            bool lazy = !possessive && !optional && Take('?');
            if (max > 1 && atom.MayBeEmpty)
            {
                if (atom is AnchorNode or LookNode)
                    (min, max) = (Math.Min(min, 1), 1);
                else
                    throw new PatternException("a repetition of a part that may be empty");
            }
            atom = new RepeatNode(atom, min, max, possessive ? RepeatMode.Possessive : lazy ? RepeatMode.Lazy : RepeatMode.Greedy);
        }
        return atom;
    }

    private bool TryQuantifier(out int min, out int max, out bool counted)
    {
        (min, max, counted) = (0, int.MaxValue, false);
        switch (Peek())
        {
            case '*':
                break;
            case '+':
                min = 1;
                break;
            case '?':
                max = 1;
                break;
            case '{':
                counted = true;
                return TryCount(out min, out max);
            default:
                return false;
        }
        _at++;
        return true;
    }

    // {n}, {n,}, {,m}, {n,m}; other braces are literal.
    private bool TryCount(out int min, out int max)
    {
        int start = _at++;
        int? low = Digits();
        bool comma = Take(',');
        int? high = comma ? Digits() : low;
        (min, max) = (low ?? 0, high ?? int.MaxValue);
        if ((low is null && high is null) || !Take('}'))
        {
            _at = start;
            return false;
        }
        return min <= max && min <= MaxCount && (max <= MaxCount || high is null)
            ? true
            : throw new PatternException($"a count that is not supported (beyond {MaxCount}, or the higher first)");
    }

    private int? Digits()
    {
        var digits = new StringBuilder();
        while (Peek() is >= '0' and <= '9')
            digits.Append((char)_text[_at++]);
        if (digits.Length == 0)
            return null;
        return int.TryParse(digits.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : MaxCount + 1;
    }

    private int? Peek() => _at < _text.Length ? _text[_at] : null;

    private bool Take(char c)
    {
        if (Peek() != c)
            return false;
        _at++;
        return true;
    }
}
