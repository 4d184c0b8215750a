namespace SpecDecode.Tokenizers.Patterns;

/// <summary>Reads a set in brackets: ranges, escapes, nested sets, and <c>&amp;&amp;</c> for what is in both sides.</summary>
internal ref struct PatternSetReader(ReadOnlySpan<int> text, int at, bool ignoreCase, int depth = 0)
{
    private const int MaxDepth = 100;

    private readonly ReadOnlySpan<int> _text = text;
    private int _at = at;

    /// <summary>Reads from behind the <c>[</c> to behind its <c>]</c>.</summary>
    /// <exception cref="PatternException">The set is damaged or uses something that is not supported.</exception>
    public CodePointSet Read(out int end)
    {
        if (depth > MaxDepth)
            throw new PatternException("sets that are nested too deeply");
        bool negated = Next('^');
        CodePointSet? both = null;
        var set = CodePointSet.Empty;
        for (bool first = true; ; first = false)
        {
            if (_at >= _text.Length)
                throw new PatternException("a '[' without its ']'");
            if (!first && Next(']'))
                break;
            if (_at + 1 < _text.Length && _text[_at] == '&' && _text[_at + 1] == '&')
            {
                _at += 2;
                both = both?.Intersect(set) ?? set;
                set = CodePointSet.Empty;
                continue;
            }
            set = set.Union(Item());
        }
        end = _at;
        set = both?.Intersect(set) ?? set;
        if (ignoreCase)
            set = set.IgnoreCase();
        return negated ? set.Invert() : set;
    }

    private CodePointSet Item()
    {
        if (Next('['))
        {
            if (_at < _text.Length && _text[_at] == ':')
                throw new PatternException("a set named in '[:' and ':]', which is not supported");
            return new PatternSetReader(_text, _at, ignoreCase, depth + 1).Read(out _at);
        }
        var set = One(out int from);
        // A - is a range only between two single code points.
        if (from < 0 || _at + 1 >= _text.Length || _text[_at] != '-' || _text[_at + 1] is ']' or '[')
            return set;
        int back = _at++;
        One(out int to);
        if (to < 0)
        {
            _at = back;
            return set;
        }
        return from <= to ? CodePointSet.Range(from, to) : throw new PatternException("a range whose higher end comes first");
    }

    private CodePointSet One(out int single)
    {
        single = _text[_at++];
        if (single != '\\')
            return CodePointSet.Of(single);
        if (_at < _text.Length && _text[_at] == 'b')
        {
            _at++;
            return CodePointSet.Of(single = 8);
        }
        return PatternEscape.Read(_text, ref _at, inSet: true, out single);
    }

    private bool Next(char c)
    {
        if (_at >= _text.Length || _text[_at] != c)
            return false;
        _at++;
        return true;
    }
}
