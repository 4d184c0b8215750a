using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Tree;

namespace SpecDecode.ChatTemplates.Jinja.Syntax;

/// <summary>
/// Reads what stands between operators: names and literals with what follows them: attributes, elements, calls, filters, tests.
/// </summary>
internal sealed class OperandParser(TokenStream tokens, UnknownNames unknown, ExpressionParser expressions)
{
    /// <summary>Whether there was a slice of a literal, the one operation that Jinja2 does another way beforehand.</summary>
    public bool HasConstantSlice { get; private set; }

    /// <summary>An operand with its signs.</summary>
    public Expression ParseSigned() => ParseSigned(withFilters: true);

    /// <summary>The arguments of a call, from bracket to bracket.</summary>
    public CallArguments ParseArguments()
    {
        Position at = tokens.ExpectOperator("(").At;
        List<Expression> positional = [];
        List<(string Name, Expression Value)> named = [];
        HashSet<string> names = new(StringComparer.Ordinal);
        Expression? rest = null;
        Expression? namedRest = null;
        while (!tokens.Current.IsOperator(")"))
        {
            if (tokens.SkipOperator("*"))
            {
                Ensure(rest is null && namedRest is null);
                rest = expressions.ParseExpression();
            }
            else if (tokens.SkipOperator("**"))
            {
                Ensure(namedRest is null);
                namedRest = expressions.ParseExpression();
            }
            else if (tokens.Current.Kind == TokenKind.Name && tokens.Ahead.IsOperator("="))
            {
                Ensure(namedRest is null);
                string name = tokens.Take().Text;
                tokens.Take();
                if (!names.Add(name))
                {
                    throw TemplateError.Syntax($"keyword argument repeated: {name}", at);
                }

                named.Add((name, expressions.ParseExpression()));
            }
            else
            {
                Ensure(rest is null && namedRest is null && named.Count == 0);
                positional.Add(expressions.ParseExpression());
            }

            if (!tokens.Current.IsOperator(")"))
            {
                tokens.ExpectOperator(",");
            }
        }

        tokens.ExpectOperator(")");
        return positional.Count == 0 && named.Count == 0 && rest is null && namedRest is null ? CallArguments.None
            : new CallArguments(positional, named, rest, namedRest);

        void Ensure(bool fits)
        {
            if (!fits)
            {
                throw TemplateError.Syntax("invalid syntax for function call expression", at);
            }
        }
    }

    /// <summary><c>| name(arguments)</c>, any number of them.</summary>
    /// <param name="value">What they are applied to; null for what a block writes.</param>
    /// <param name="nameComesFirst">Whether the first has no bar in front.</param>
    public FilterCall? ParseFilters(Expression? value, bool nameComesFirst = false)
    {
        FilterCall? filter = null;
        while (nameComesFirst || tokens.SkipOperator("|"))
        {
            nameComesFirst = false;
            Token name = tokens.Expect(TokenKind.Name);
            string full = ParseDottedName(name.Text);
            unknown.CheckFilter(full, name.At);
            CallArguments arguments = tokens.Current.IsOperator("(") ? ParseArguments() : CallArguments.None;
            filter = new FilterCall(name.At, filter ?? value, full, arguments);
        }

        return filter;
    }

    private Expression ParseSigned(bool withFilters)
    {
        Meter.EnsureStack();
        Expression expression;
        if (tokens.Current.IsOperator("-") || tokens.Current.IsOperator("+"))
        {
            Token sign = tokens.Take();
            expression = new Sign(sign.At, sign.Text == "-", ParseSigned(withFilters: false));
        }
        else
        {
            expression = ParsePrimary();
        }

        expression = ParsePostfix(expression);
        return withFilters ? ParseFiltersAndTests(expression) : expression;
    }

    private Expression ParsePrimary()
    {
        Token token = tokens.Take();
        switch (token.Kind)
        {
            case TokenKind.Name:
                return token.Text switch
                {
                    "true" or "True" => new Constant(token.At, true),
                    "false" or "False" => new Constant(token.At, false),
                    "none" or "None" => new Constant(token.At, null),
                    _ => new Name(token.At, token.Text),
                };
            case TokenKind.Text:
                List<object?> literals = [token.Value];
                while (tokens.Current.Kind == TokenKind.Text)
                {
                    literals.Add(tokens.Take().Value);
                }

                return new Constant(token.At, literals.Count == 1 ? token.Value : string.Concat(literals));
            case TokenKind.Integer or TokenKind.Real:
                return new Constant(token.At, token.Value);
            case TokenKind.Operator when token.Text == "(":
                Expression inner = expressions.ParseTuple(inBrackets: true);
                tokens.ExpectOperator(")");
                return inner;
            case TokenKind.Operator when token.Text == "[":
                return ParseList(token.At);
            case TokenKind.Operator when token.Text == "{":
                return ParseDict(token.At);
            default:
                throw TemplateError.Syntax($"unexpected '{token.Description}'", token.At);
        }
    }

    private SequenceLiteral ParseList(Position at)
    {
        List<Expression> items = [];
        while (!tokens.Current.IsOperator("]"))
        {
            items.Add(expressions.ParseExpression());
            if (!tokens.SkipOperator(","))
            {
                break;
            }
        }

        tokens.ExpectOperator("]");
        return new SequenceLiteral(at, items, isTuple: false);
    }

    private DictLiteral ParseDict(Position at)
    {
        List<(Expression Key, Expression Value)> entries = [];
        while (!tokens.Current.IsOperator("}"))
        {
            Expression key = expressions.ParseExpression();
            tokens.ExpectOperator(":");
            entries.Add((key, expressions.ParseExpression()));
            if (!tokens.SkipOperator(","))
            {
                break;
            }
        }

        tokens.ExpectOperator("}");
        return new DictLiteral(at, entries);
    }

    private Expression ParsePostfix(Expression owner)
    {
        while (true)
        {
            if (tokens.Current.IsOperator("."))
            {
                Position at = tokens.Take().At;
                Token name = tokens.Take();
                owner = name.Kind switch
                {
                    TokenKind.Name => new AttributeLookup(at, owner, name.Text),
                    TokenKind.Integer => new ItemLookup(at, owner, new Constant(name.At, name.Value)),
                    _ => throw TemplateError.Syntax("expected name or number", name.At),
                };
            }
            else if (tokens.Current.IsOperator("["))
            {
                owner = ParseSubscript(owner, tokens.Take().At);
            }
            else if (tokens.Current.IsOperator("("))
            {
                owner = new Call(tokens.Current.At, owner, ParseArguments());
            }
            else
            {
                return owner;
            }
        }
    }

    private Expression ParseSubscript(Expression owner, Position at)
    {
        Expression? start = tokens.Current.IsOperator(":") ? null : expressions.ParseExpression();
        if (tokens.SkipOperator(":"))
        {
            Expression? stop = IsSliceEnd() ? null : expressions.ParseExpression();
            Expression? step = tokens.SkipOperator(":") && !IsSliceEnd() ? expressions.ParseExpression() : null;
            tokens.ExpectOperator("]");
            HasConstantSlice |= owner is Constant or SequenceLiteral or DictLiteral or Sign or SliceLookup;
            return new SliceLookup(at, owner, start, stop, step);
        }

        List<Expression> keys = [start!];
        while (tokens.SkipOperator(","))
        {
            keys.Add(expressions.ParseExpression());
        }

        tokens.ExpectOperator("]");
        return new ItemLookup(at, owner, keys.Count == 1 ? keys[0] : new SequenceLiteral(at, keys, isTuple: true));
    }

    private bool IsSliceEnd() => tokens.Current.IsOperator(":") || tokens.Current.IsOperator("]");

    private Expression ParseFiltersAndTests(Expression value)
    {
        while (true)
        {
            if (tokens.Current.IsOperator("|"))
            {
                value = ParseFilters(value)!;
            }
            else if (tokens.Current.IsName("is"))
            {
                value = ParseTest(value);
            }
            else if (tokens.Current.IsOperator("("))
            {
                value = new Call(tokens.Current.At, value, ParseArguments());
            }
            else
            {
                return value;
            }
        }
    }

    private Expression ParseTest(Expression value)
    {
        Position at = tokens.Take().At;
        bool negated = tokens.SkipName("not");
        string name = ParseDottedName(tokens.Expect(TokenKind.Name).Text);
        unknown.CheckTest(name, at);
        CallArguments arguments = CallArguments.None;
        if (tokens.Current.IsOperator("("))
        {
            arguments = ParseArguments();
        }
        else if (BeginsOperand())
        {
            if (tokens.Current.IsName("is"))
            {
                throw TemplateError.Syntax("You cannot chain multiple tests with is", tokens.Current.At);
            }

            arguments = new CallArguments([ParsePostfix(ParsePrimary())], [], null, null);
        }

        Expression test = new TestCall(at, value, name, arguments);
        return negated ? new Not(at, test) : test;
    }

    private bool BeginsOperand() => tokens.Current.Kind switch
    {
        TokenKind.Name => tokens.Current.Text is not ("else" or "or" or "and"),
        TokenKind.Text or TokenKind.Integer or TokenKind.Real => true,
        TokenKind.Operator => tokens.Current.Text is "[" or "{",
        _ => false,
    };

    private string ParseDottedName(string name)
    {
        while (tokens.SkipOperator("."))
        {
            name += "." + tokens.Expect(TokenKind.Name).Text;
        }

        return name;
    }
}
