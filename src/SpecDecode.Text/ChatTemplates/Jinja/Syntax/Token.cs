namespace SpecDecode.ChatTemplates.Jinja.Syntax;

/// <summary>What a token is.</summary>
internal enum TokenKind
{
    /// <summary>Text outside of tags.</summary>
    Data,
    BlockBegin,
    BlockEnd,
    VariableBegin,
    VariableEnd,
    Name,
    Text,
    Integer,
    Real,
    Operator,
    End,
}

/// <summary>A piece of a template.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">Data, name, operator, or the literal as it is written.</param>
/// <param name="Value">A literal's value.</param>
/// <param name="At">Where it begins.</param>
internal sealed record Token(TokenKind Kind, string Text, object? Value, Position At)
{
    public bool IsOperator(string text) => Kind == TokenKind.Operator && Text == text;

    public bool IsName(string text) => Kind == TokenKind.Name && Text == text;

    /// <summary>For messages.</summary>
    public string Description => Kind switch
    {
        TokenKind.BlockBegin => "begin of statement block",
        TokenKind.BlockEnd => "end of statement block",
        TokenKind.VariableBegin => "begin of print statement",
        TokenKind.VariableEnd => "end of print statement",
        TokenKind.Data => "template data / text",
        TokenKind.Text => "string",
        TokenKind.Integer => "integer",
        TokenKind.Real => "float",
        TokenKind.End => "end of template",
        _ => Text,
    };
}
