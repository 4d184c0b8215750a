using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Tree;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Syntax;

/// <summary>Reads expressions, with the precedence of Jinja2: conditional, or, and, not, comparison, + -, ~, * / // %, **, sign, filters.</summary>
internal sealed class ExpressionParser(TokenStream tokens, UnknownNames unknown)
{
    private const int MaxDepth = 200;

    private static readonly Dictionary<string, ComparisonOperator> Comparisons = new(StringComparer.Ordinal)
    {
        ["=="] = ComparisonOperator.Equal,
        ["!="] = ComparisonOperator.NotEqual,
        ["<"] = ComparisonOperator.Less,
        ["<="] = ComparisonOperator.LessOrEqual,
        [">"] = ComparisonOperator.Greater,
        [">="] = ComparisonOperator.GreaterOrEqual,
    };

    private int _depth;

    /// <summary>An expression; with commas, a tuple.</summary>
    /// <param name="withCondition">Whether <c>a if b else c</c> is one.</param>
    /// <param name="endName">A word that ends it, besides the tag's end.</param>
    /// <param name="inBrackets">Whether it may be empty.</param>
    public Expression ParseTuple(bool withCondition = true, string? endName = null, bool inBrackets = false)
    {
        Position at = tokens.Current.At;
        List<Expression> items = [];
        bool isTuple = false;
        while (!IsTupleEnd(endName))
        {
            items.Add(ParseExpression(withCondition));
            if (!tokens.SkipOperator(","))
            {
                break;
            }

            isTuple = true;
        }

        return isTuple || (items.Count == 0 && inBrackets) ? new SequenceLiteral(at, items, isTuple: true)
            : items.Count > 0 ? items[0]
            : throw TemplateError.Syntax($"Expected an expression, got '{tokens.Current.Description}'", tokens.Current.At);
    }

    public Expression ParseExpression(bool withCondition = true)
    {
        if (++_depth > MaxDepth)
        {
            throw TemplateError.Syntax($"expressions are nested deeper than {MaxDepth}.", tokens.Current.At);
        }

        Meter.EnsureStack();
        Expression expression = withCondition ? ParseConditional() : ParseOr();
        _depth--;
        return expression;
    }

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
                rest = ParseExpression();
            }
            else if (tokens.SkipOperator("**"))
            {
                Ensure(namedRest is null);
                namedRest = ParseExpression();
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

                named.Add((name, ParseExpression()));
            }
            else
            {
                Ensure(rest is null && namedRest is null && named.Count == 0);
                positional.Add(ParseExpression());
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

    private bool IsTupleEnd(string? endName) => tokens.Current.Kind is TokenKind.VariableEnd or TokenKind.BlockEnd
        || tokens.Current.IsOperator(")") || (endName is not null && tokens.Current.IsName(endName));

    private Expression ParseConditional()
    {
        Position at = tokens.Current.At;
        int since = unknown.Count;
        Expression value = ParseOr();
        while (tokens.SkipName("if"))
        {
            Expression test = ParseOr();
            Expression? otherwise = tokens.SkipName("else") ? ParseExpression() : null;
            value = new Conditional(at, test, value, otherwise);
            unknown.Forgive(since);
            at = tokens.Current.At;
        }

        return value;
    }

    private Expression ParseOr()
    {
        Expression left = ParseAnd();
        while (tokens.Current.IsName("or"))
        {
            left = new Logical(tokens.Take().At, isAnd: false, left, ParseAnd());
        }

        return left;
    }

    private Expression ParseAnd()
    {
        Expression left = ParseNot();
        while (tokens.Current.IsName("and"))
        {
            left = new Logical(tokens.Take().At, isAnd: true, left, ParseNot());
        }

        return left;
    }

    private Expression ParseNot()
    {
        if (!tokens.Current.IsName("not"))
        {
            return ParseComparison();
        }

        Meter.EnsureStack();
        return new Not(tokens.Take().At, ParseNot());
    }

    private Expression ParseComparison()
    {
        Expression first = ParseSum();
        Position at = tokens.Current.At;
        List<(ComparisonOperator Operator, Expression Operand)> rest = [];
        while (true)
        {
            if (tokens.Current.Kind == TokenKind.Operator && Comparisons.TryGetValue(tokens.Current.Text, out ComparisonOperator op))
            {
                tokens.Take();
                rest.Add((op, ParseSum()));
            }
            else if (tokens.SkipName("in"))
            {
                rest.Add((ComparisonOperator.In, ParseSum()));
            }
            else if (tokens.Current.IsName("not") && tokens.Ahead.IsName("in"))
            {
                tokens.Take();
                tokens.Take();
                rest.Add((ComparisonOperator.NotIn, ParseSum()));
            }
            else
            {
                return rest.Count == 0 ? first : new Compare(at, first, rest);
            }
        }
    }

    private Expression ParseSum()
    {
        Expression left = ParseConcatenation();
        while (tokens.Current.IsOperator("+") || tokens.Current.IsOperator("-"))
        {
            Token op = tokens.Take();
            left = new Binary(op.At, op.Text == "+" ? BinaryOperator.Add : BinaryOperator.Subtract, left, ParseConcatenation());
        }

        return left;
    }

    private Expression ParseConcatenation()
    {
        Expression first = ParseProduct();
        Position at = tokens.Current.At;
        List<Expression> operands = [first];
        while (tokens.SkipOperator("~"))
        {
            operands.Add(ParseProduct());
        }

        return operands.Count == 1 ? first : new Concatenation(at, operands);
    }

    private Expression ParseProduct()
    {
        Expression left = ParsePower();
        while (tokens.Current.Kind == TokenKind.Operator && tokens.Current.Text is "*" or "/" or "//" or "%")
        {
            Token op = tokens.Take();
            left = new Binary(op.At, op.Text switch
            {
                "*" => BinaryOperator.Multiply,
                "/" => BinaryOperator.Divide,
                "//" => BinaryOperator.FloorDivide,
                _ => BinaryOperator.Modulo,
            }, left, ParsePower());
        }

        return left;
    }

    // From the left, unlike Python's.
    private Expression ParsePower()
    {
        Expression left = ParseUnary(withFilters: true);
        while (tokens.Current.IsOperator("**"))
        {
            left = new Binary(tokens.Take().At, BinaryOperator.Power, left, ParseUnary(withFilters: true));
        }

        return left;
    }

    private Expression ParseUnary(bool withFilters)
    {
        Meter.EnsureStack();
        Expression expression;
        if (tokens.Current.IsOperator("-") || tokens.Current.IsOperator("+"))
        {
            Token sign = tokens.Take();
            expression = new Sign(sign.At, sign.Text == "-", ParseUnary(withFilters: false));
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
                Expression inner = Nested(() => ParseTuple(inBrackets: true));
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

    private Expression Nested(Func<Expression> parse)
    {
        _depth++;
        Expression expression = parse();
        _depth--;
        return expression;
    }

    private SequenceLiteral ParseList(Position at)
    {
        List<Expression> items = [];
        while (!tokens.Current.IsOperator("]"))
        {
            items.Add(ParseExpression());
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
            Expression key = ParseExpression();
            tokens.ExpectOperator(":");
            entries.Add((key, ParseExpression()));
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
        Expression? start = tokens.Current.IsOperator(":") ? null : ParseExpression();
        if (tokens.SkipOperator(":"))
        {
            Expression? stop = IsSliceEnd() ? null : ParseExpression();
            Expression? step = tokens.SkipOperator(":") && !IsSliceEnd() ? ParseExpression() : null;
            tokens.ExpectOperator("]");
            return new SliceLookup(at, owner, start, stop, step);
        }

        List<Expression> keys = [start!];
        while (tokens.SkipOperator(","))
        {
            keys.Add(ParseExpression());
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
