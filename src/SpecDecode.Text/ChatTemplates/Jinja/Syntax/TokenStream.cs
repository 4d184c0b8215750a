using SpecDecode.ChatTemplates.Jinja.Runtime;

namespace SpecDecode.ChatTemplates.Jinja.Syntax;

/// <summary>Tokens, one at a time.</summary>
internal sealed class TokenStream(List<Token> tokens)
{
    private int _next;

    public Token Current => tokens[_next];

    /// <summary>The one behind the current.</summary>
    public Token Ahead => tokens[Math.Min(_next + 1, tokens.Count - 1)];

    /// <summary>Takes the current token; the last stays.</summary>
    public Token Take()
    {
        Token token = Current;
        _next = Math.Min(_next + 1, tokens.Count - 1);
        return token;
    }

    public bool SkipOperator(string text) => SkipIf(Current.IsOperator(text));

    public bool SkipName(string text) => SkipIf(Current.IsName(text));

    public Token ExpectOperator(string text) => Expect(Current.IsOperator(text), text);

    public Token ExpectName(string text) => Expect(Current.IsName(text), text);

    public Token Expect(TokenKind kind) => Expect(Current.Kind == kind, kind switch
    {
        TokenKind.Name => "name",
        _ => new Token(kind, "", null, default).Description,
    });

    private bool SkipIf(bool fits)
    {
        if (fits)
        {
            Take();
        }

        return fits;
    }

    private Token Expect(bool fits, string wanted)
    {
        if (fits)
        {
            return Take();
        }

        throw TemplateError.Syntax(Current.Kind == TokenKind.End ? $"unexpected end of template, expected '{wanted}'."
            : $"expected token '{wanted}', got '{Current.Description}'", Current.At);
    }
}
