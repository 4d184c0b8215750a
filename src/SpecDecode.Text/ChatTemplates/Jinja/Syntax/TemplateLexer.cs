using SpecDecode.ChatTemplates.Jinja.Runtime;
using Chars = SpecDecode.ChatTemplates.Jinja.Values.Text;

namespace SpecDecode.ChatTemplates.Jinja.Syntax;

/// <summary>
/// Cuts a template into text and tags, with comments and raw blocks taken out and white space around tags stripped as
/// <c>trim_blocks</c>, <c>lstrip_blocks</c> and the signs in the tags say.
/// </summary>
internal sealed class TemplateLexer
{
    private readonly SourceText _source;
    private readonly string _text;
    private readonly List<Token> _tokens = [];
    private int _at;

    // Whether what came last ended with a line break, so that a tag that follows it begins a line.
    private bool _lineStarting = true;

    private TemplateLexer(SourceText source)
    {
        _source = source;
        _text = source.Text;
    }

    /// <exception cref="TemplateError">A tag has no end, or there is something in it that is no token.</exception>
    public static List<Token> Lex(SourceText source)
    {
        TemplateLexer lexer = new(source);
        while (lexer._at < lexer._text.Length)
        {
            lexer.LexNext();
        }

        lexer.Add(TokenKind.End, "", lexer._text.Length);
        return lexer._tokens;
    }

    private void LexNext()
    {
        int tag = NextTag(_at);
        if (tag < 0)
        {
            AddData(_at, _text.Length);
            _at = _text.Length;
            return;
        }

        char kind = _text[tag + 1];
        int behind = tag + 2;
        char sign = behind < _text.Length && _text[behind] is '-' or '+' ? _text[behind] : '\0';
        AddData(_at, StrippedEnd(_at, tag, sign, isVariable: kind == '{'));
        behind += sign == '\0' ? 0 : 1;
        switch (kind)
        {
            case '#':
                SkipComment(tag, behind);
                break;
            case '%' when RawBegin(behind) is { } rawContent:
                LexRaw(tag, rawContent);
                break;
            default:
                LexTag(tag, behind, isVariable: kind == '{');
                break;
        }

        _lineStarting = _at > 0 && _text[_at - 1] == '\n';
    }

    private void LexTag(int tag, int behind, bool isVariable)
    {
        Add(isVariable ? TokenKind.VariableBegin : TokenKind.BlockBegin, _text[tag..behind], tag);
        TagLexer lexer = new(_source, behind, _tokens);
        while (true)
        {
            if (lexer.Depth == 0 && TagEnd(lexer.At, isVariable) is { } next)
            {
                Add(isVariable ? TokenKind.VariableEnd : TokenKind.BlockEnd, "", lexer.At);
                _at = next;
                return;
            }

            if (!lexer.LexNext())
            {
                // The parser says what is missing.
                _at = _text.Length;
                return;
            }
        }
    }

    // The place behind the end of a tag that ends here.
    private int? TagEnd(int at, bool isVariable)
    {
        string end = isVariable ? "}}" : "%}";
        if (Has(at, end))
        {
            return isVariable ? at + 2 : SkipLineBreak(at + 2);
        }

        return at < _text.Length && Has(at + 1, end)
            ? _text[at] == '-' ? SkipSpace(at + 3) : _text[at] == '+' && !isVariable ? at + 3 : null
            : null;
    }

    private void SkipComment(int tag, int behind)
    {
        int end = _text.IndexOf("#}", behind, StringComparison.Ordinal);
        if (end < 0 && behind == _text.Length)
        {
            // Jinja2 misses the end only where there is a comment.
            _at = behind;
            return;
        }

        if (end < 0)
        {
            throw TemplateError.Syntax("Missing end of comment tag", _source.PositionOf(tag));
        }

        char sign = end > behind ? _text[end - 1] : '\0';
        _at = sign == '-' ? SkipSpace(end + 2) : sign == '+' ? end + 2 : SkipLineBreak(end + 2);
    }

    // Behind "{%" and its sign: where the content of a raw block begins, or null where it is another tag.
    private int? RawBegin(int at)
    {
        at = SkipSpace(at);
        if (!Has(at, "raw"))
        {
            return null;
        }

        at = SkipSpace(at + 3);
        return Has(at, "%}") ? at + 2 : Has(at, "-%}") ? SkipSpace(at + 3) : null;
    }

    private void LexRaw(int tag, int content)
    {
        _lineStarting = _text[content - 1] == '\n';
        for (int at = _text.IndexOf("{%", content, StringComparison.Ordinal); at >= 0; at = _text.IndexOf("{%", at + 2, StringComparison.Ordinal))
        {
            char sign = at + 2 < _text.Length && _text[at + 2] is '-' or '+' ? _text[at + 2] : '\0';
            int word = SkipSpace(at + (sign == '\0' ? 2 : 3));
            if (Has(word, "endraw") && TagEnd(SkipSpace(word + 6), isVariable: false) is { } next)
            {
                AddData(content, StrippedEnd(content, at, sign, isVariable: false));
                _at = next;
                return;
            }
        }

        // As with comments.
        _at = content == _text.Length ? content : throw TemplateError.Syntax("Missing end of raw directive", _source.PositionOf(tag));
    }

    private int NextTag(int from)
    {
        for (int at = _text.IndexOf('{', from); at >= 0 && at + 1 < _text.Length; at = _text.IndexOf('{', at + 1))
        {
            if (_text[at + 1] is '{' or '%' or '#')
            {
                return at;
            }
        }

        return -1;
    }

    // Where the text before a tag ends once white space is stripped from it.
    private int StrippedEnd(int begin, int tag, char sign, bool isVariable)
    {
        if (sign == '-')
        {
            return begin + Chars.TrimEnd(_text.AsSpan(begin, tag - begin)).Length;
        }

        if (sign == '+' || isVariable)
        {
            return tag;
        }

        int line = begin + _text.AsSpan(begin, tag - begin).LastIndexOf('\n') + 1;
        bool beginsLine = line > begin || _lineStarting;
        return beginsLine && Chars.TrimEnd(_text.AsSpan(line, tag - line)).IsEmpty ? line : tag;
    }

    private void AddData(int begin, int end)
    {
        if (end > begin)
        {
            Add(TokenKind.Data, _text[begin..end], begin);
        }
    }

    private void Add(TokenKind kind, string text, int at) => _tokens.Add(new Token(kind, text, null, _source.PositionOf(at)));

    private bool Has(int at, string part) => at <= _text.Length && _text.AsSpan(at).StartsWith(part);

    private int SkipSpace(int at)
    {
        while (at < _text.Length && Chars.IsSpace(_text[at]))
        {
            at++;
        }

        return at;
    }

    private int SkipLineBreak(int at) => at < _text.Length && _text[at] == '\n' ? at + 1 : at;
}
