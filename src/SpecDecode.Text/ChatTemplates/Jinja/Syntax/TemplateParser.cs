using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Tree;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Syntax;

/// <summary>Reads a template's statements.</summary>
internal sealed class TemplateParser
{
    private const int MaxDepth = 100;

    private readonly TokenStream _tokens;
    private readonly UnknownNames _unknown = new();
    private readonly ExpressionParser _expressions;
    private readonly TargetParser _targets;

    // The words that end each open statement, innermost last.
    private readonly Stack<(string Tag, string[] Ends)> _open = new();
    private readonly Dictionary<string, Block?> _blocks = new(StringComparer.Ordinal);
    private int _loops;

    private TemplateParser(TokenStream tokens)
    {
        _tokens = tokens;
        _expressions = new ExpressionParser(tokens, _unknown);
        _targets = new TargetParser(tokens);
    }

    /// <exception cref="TemplateError">The source is no template.</exception>
    public static TemplateTree Parse(string source)
    {
        TemplateParser parser = new(new TokenStream(TemplateLexer.Lex(new SourceText(source))));
        Suite body = parser.ParseSuite();
        parser._unknown.Refuse(since: 0);
        return new TemplateTree(body, parser._blocks!, parser._expressions.Operands.HasConstantSlice);
    }

    // Up to one of the words that end the innermost statement, which is left as the current token.
    private Suite ParseSuite()
    {
        Meter.EnsureStack();
        List<Statement> statements = [];
        while (_tokens.Current.Kind != TokenKind.End)
        {
            Token token = _tokens.Take();
            switch (token.Kind)
            {
                case TokenKind.Data:
                    statements.Add(new Data(token.At, token.Text));
                    break;
                case TokenKind.VariableBegin:
                    statements.Add(new Print(_tokens.Current.At, _expressions.ParseTuple()));
                    _tokens.Expect(TokenKind.VariableEnd);
                    break;
                default:
                    if (_tokens.Current.Kind == TokenKind.Name && _open.TryPeek(out (string Tag, string[] Ends) open)
                        && open.Ends.Contains(_tokens.Current.Text))
                    {
                        return new Suite(statements);
                    }

                    statements.AddRange(ParseStatement());
                    _tokens.Expect(TokenKind.BlockEnd);
                    break;
            }
        }

        return _open.Count == 0 ? new Suite(statements) : throw Unclosed("Unexpected end of template.", _tokens.Current.At);
    }

    // The rest of the current tag, then statements up to a word that ends them.
    private Suite ParseBody(string tag, params string[] ends)
    {
        if (_open.Count == MaxDepth)
        {
            throw TemplateError.Syntax($"statements are nested deeper than {MaxDepth}.", _tokens.Current.At);
        }

        _tokens.SkipOperator(":");
        _tokens.Expect(TokenKind.BlockEnd);
        _open.Push((tag, ends));
        Suite body = ParseSuite();
        _open.Pop();
        return body;
    }

    // The same in a scope of its own, up to the one word, which is taken.
    private ScopedSuite ParseScope(string tag)
    {
        int since = _unknown.Count;
        ScopedSuite body = new(ParseBody(tag, "end" + tag));
        _tokens.Take();
        _unknown.Refuse(since);
        return body;
    }

    // In a scope that a loop outside does not reach: what is inside is rendered as a function.
    private ScopedSuite ParseFunction(string tag)
    {
        (int loops, _loops) = (_loops, 0);
        ScopedSuite body = ParseScope(tag);
        _loops = loops;
        return body;
    }

    private List<Statement> ParseStatement()
    {
        Token tag = _tokens.Current.Kind == TokenKind.Name ? _tokens.Take() : throw TemplateError.Syntax("tag name expected", _tokens.Current.At);
        switch (tag.Text)
        {
            case "for":
                return [ParseFor(tag.At)];
            case "if":
                return [ParseIf(tag.At)];
            case "set":
                return [ParseSet(tag.At)];
            case "macro":
                return [ParseMacro(tag.At)];
            case "call":
                return [ParseCall(tag.At)];
            case "filter":
                FilterCall filter = _expressions.Operands.ParseFilters(value: null, nameComesFirst: true)!;
                return [new FilterBlock(tag.At, filter, ParseScope("filter"))];
            case "with":
                return [ParseWith(tag.At)];
            case "generation":
                return [new GenerationBlock(tag.At, ParseFunction("generation"))];
            case "block":
                return [ParseBlock(tag.At)];
            case "print":
                return ParsePrint();
            case "break" or "continue":
                return _loops > 0 ? [new LoopControl(tag.At, tag.Text == "break" ? Flow.Break : Flow.Continue)]
                    : throw TemplateError.Syntax(tag.Text == "break" ? "'break' outside loop" : "'continue' not properly in loop", tag.At);
            case "include" or "import" or "from" or "extends":
                throw TemplateError.Syntax(
                    $"'{tag.Text}' is not supported: a chat template stands alone; put the other template's text in its place.", tag.At);
            case "autoescape":
                throw TemplateError.Syntax("'autoescape' is not supported: prompts are not HTML; remove it from the template.", tag.At);
            default:
                throw Unclosed($"Encountered unknown tag {Repr.OfText(tag.Text)}.", tag.At, tag.Text);
        }
    }

    private For ParseFor(Position at)
    {
        _targets.InLoop++;
        Target target = _targets.ParseLoopTarget();
        _tokens.ExpectName("in");
        Expression iterable = _expressions.ParseTuple(withCondition: false, endName: "recursive");
        Expression? filter = _tokens.SkipName("if") ? _expressions.ParseExpression() : null;
        bool isRecursive = _tokens.SkipName("recursive");
        int since = _unknown.Count;
        _loops++;
        ScopedSuite body = new(ParseBody("for", "endfor", "else"));
        _loops--;
        _unknown.Refuse(since);
        ScopedSuite otherwise = new(new Suite([]));
        if (_tokens.Take().Text == "else")
        {
            otherwise = ParseScope("for");
        }

        _targets.InLoop--;
        return new For(at, target, iterable, filter, isRecursive, body, otherwise);
    }

    private If ParseIf(Position at)
    {
        int since = _unknown.Count;
        List<(Expression Test, Suite Body)> branches = [];
        Suite otherwise = new([]);
        while (true)
        {
            Expression test = _expressions.ParseTuple(withCondition: false);
            branches.Add((test, ParseBody("if", "elif", "else", "endif")));
            string end = _tokens.Take().Text;
            if (end == "elif")
            {
                continue;
            }

            if (end == "else")
            {
                otherwise = ParseBody("if", "endif");
                _tokens.Take();
            }

            _unknown.Forgive(since);
            return new If(at, branches, otherwise);
        }
    }

    private Statement ParseSet(Position at)
    {
        Target target = _targets.ParseSetTarget();
        if (_tokens.SkipOperator("="))
        {
            return new Assign(at, target, _expressions.ParseTuple());
        }

        FilterCall? filter = _expressions.Operands.ParseFilters(value: null);
        return new AssignBlock(at, target, filter, ParseScope("set"));
    }

    private MacroStatement ParseMacro(Position at)
    {
        string name = _targets.ParseName().Name;
        IReadOnlyList<MacroParameter> parameters = ParseSignature();
        return new MacroStatement(at, name, new MacroBody(name, parameters, ParseMacroBody("macro", parameters, at)));
    }

    private CallBlock ParseCall(Position at)
    {
        IReadOnlyList<MacroParameter> parameters = _tokens.Current.IsOperator("(") ? ParseSignature() : [];
        if (_expressions.ParseExpression() is not Call call)
        {
            throw TemplateError.Syntax("expected call", at);
        }

        return new CallBlock(at, call, new MacroBody(name: null, parameters, ParseMacroBody("call", parameters, at)));
    }

    private ScopedSuite ParseMacroBody(string tag, IReadOnlyList<MacroParameter> parameters, Position at)
    {
        if (parameters.Select(parameter => parameter.Name).Distinct(StringComparer.Ordinal).Count() < parameters.Count)
        {
            throw TemplateError.Syntax("duplicate argument in a macro's definition", at);
        }

        return ParseFunction(tag);
    }

    private List<MacroParameter> ParseSignature()
    {
        _tokens.ExpectOperator("(");
        List<MacroParameter> parameters = [];
        while (!_tokens.Current.IsOperator(")"))
        {
            if (parameters.Count > 0)
            {
                _tokens.ExpectOperator(",");
            }

            NameTarget name = _targets.ParseName();
            bool hasDefault = _tokens.SkipOperator("=");
            if (!hasDefault && parameters is [.., { Default: not null }])
            {
                throw TemplateError.Syntax("non-default argument follows default argument", name.At);
            }

            parameters.Add(new MacroParameter(name.Name, hasDefault ? _expressions.ParseExpression() : null));
        }

        _tokens.ExpectOperator(")");
        return parameters;
    }

    private With ParseWith(Position at)
    {
        List<(Target Target, Expression Value)> variables = [];
        while (_tokens.Current.Kind != TokenKind.BlockEnd)
        {
            if (variables.Count > 0)
            {
                _tokens.ExpectOperator(",");
            }

            Target target = _targets.ParseLoopTarget();
            _tokens.ExpectOperator("=");
            variables.Add((target, _expressions.ParseExpression()));
        }

        return new With(at, variables, ParseScope("with"));
    }

    private Block ParseBlock(Position at)
    {
        string name = _tokens.Expect(TokenKind.Name).Text;
        bool isScoped = _tokens.SkipName("scoped");
        if (!_blocks.TryAdd(name, null))
        {
            throw TemplateError.Syntax($"block {Repr.OfText(name)} defined twice", at);
        }

        ScopedSuite body = ParseFunction("block");
        _tokens.SkipName(name);
        Block block = new(at, name, isScoped, body, _blocks!);
        _blocks[name] = block;
        return block;
    }

    private List<Statement> ParsePrint()
    {
        List<Statement> printed = [];
        while (_tokens.Current.Kind != TokenKind.BlockEnd)
        {
            if (printed.Count > 0)
            {
                _tokens.ExpectOperator(",");
            }

            printed.Add(new Print(_tokens.Current.At, _expressions.ParseExpression()));
        }

        return printed;
    }

    private TemplateError Unclosed(string message, Position at, string? tag = null)
    {
        if (_open.TryPeek(out (string Tag, string[] Ends) open))
        {
            string wanted = string.Join(" or ", open.Ends.Select(end => $"'{end}'"));
            bool nesting = tag is not null && _open.Any(statement => statement.Ends.Contains(tag));
            message += nesting
                ? $" You probably made a nesting mistake. Jinja is expecting this tag, but currently looking for {wanted}."
                : $" Jinja was looking for the following tags: {wanted}.";
            message += $" The innermost block that needs to be closed is '{open.Tag}'.";
        }

        return TemplateError.Syntax(message, at);
    }
}
