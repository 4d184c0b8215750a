using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Tree;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Syntax;

/// <summary>Reads expressions, with the precedence of Jinja2: conditional, or, and, not, comparison, + -, ~, * / // %, **, sign, filters.</summary>
internal sealed class ExpressionParser
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

    private readonly TokenStream _tokens;
    private readonly UnknownNames _unknown;
    private readonly OperandParser _operands;
    private int _depth;

    public ExpressionParser(TokenStream tokens, UnknownNames unknown)
    {
        _tokens = tokens;
        _unknown = unknown;
        _operands = new OperandParser(tokens, unknown, this);
    }

    /// <summary>Reads what stands between operators.</summary>
    public OperandParser Operands => _operands;

    /// <summary>An expression; with commas, a tuple.</summary>
    /// <param name="withCondition">Whether <c>a if b else c</c> is one.</param>
    /// <param name="endName">A word that ends it, besides the tag's end.</param>
    /// <param name="inBrackets">Whether it may be empty.</param>
    public Expression ParseTuple(bool withCondition = true, string? endName = null, bool inBrackets = false)
    {
        Position at = _tokens.Current.At;
        List<Expression> items = [];
        bool isTuple = false;
        while (!IsTupleEnd(endName))
        {
            items.Add(ParseExpression(withCondition));
            if (!_tokens.SkipOperator(","))
            {
                break;
            }

            isTuple = true;
        }

        return isTuple || (items.Count == 0 && inBrackets) ? new SequenceLiteral(at, items, isTuple: true)
            : items.Count > 0 ? items[0]
            : throw TemplateError.Syntax($"Expected an expression, got '{_tokens.Current.Description}'", _tokens.Current.At);
    }

    public Expression ParseExpression(bool withCondition = true)
    {
        if (++_depth > MaxDepth)
        {
            throw TemplateError.Syntax($"expressions are nested deeper than {MaxDepth}.", _tokens.Current.At);
        }

        Meter.EnsureStack();
        Expression expression = withCondition ? ParseConditional() : ParseOr();
        _depth--;
        return expression;
    }

    private bool IsTupleEnd(string? endName) => _tokens.Current.Kind is TokenKind.VariableEnd or TokenKind.BlockEnd
        || _tokens.Current.IsOperator(")") || (endName is not null && _tokens.Current.IsName(endName));

    private Expression ParseConditional()
    {
        Position at = _tokens.Current.At;
        int since = _unknown.Count;
        Expression value = ParseOr();
        while (_tokens.SkipName("if"))
        {
            Expression test = ParseOr();
            Expression? otherwise = _tokens.SkipName("else") ? ParseExpression() : null;
            value = new Conditional(at, test, value, otherwise);
            _unknown.Forgive(since);
            at = _tokens.Current.At;
        }

        return value;
    }

    private Expression ParseOr()
    {
        Expression left = ParseAnd();
        while (_tokens.Current.IsName("or"))
        {
            left = new Logical(_tokens.Take().At, isAnd: false, left, ParseAnd());
        }

        return left;
    }

    private Expression ParseAnd()
    {
        Expression left = ParseNot();
        while (_tokens.Current.IsName("and"))
        {
            left = new Logical(_tokens.Take().At, isAnd: true, left, ParseNot());
        }

        return left;
    }

    private Expression ParseNot()
    {
        if (!_tokens.Current.IsName("not"))
        {
            return ParseComparison();
        }

        Meter.EnsureStack();
        return new Not(_tokens.Take().At, ParseNot());
    }

    private Expression ParseComparison()
    {
        Expression first = ParseSum();
        Position at = _tokens.Current.At;
        List<(ComparisonOperator Operator, Expression Operand)> rest = [];
        while (true)
        {
            if (_tokens.Current.Kind == TokenKind.Operator && Comparisons.TryGetValue(_tokens.Current.Text, out ComparisonOperator op))
            {
                _tokens.Take();
                rest.Add((op, ParseSum()));
            }
            else if (_tokens.SkipName("in"))
            {
                rest.Add((ComparisonOperator.In, ParseSum()));
            }
            else if (_tokens.Current.IsName("not") && _tokens.Ahead.IsName("in"))
            {
                _tokens.Take();
                _tokens.Take();
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
        while (_tokens.Current.IsOperator("+") || _tokens.Current.IsOperator("-"))
        {
            Token op = _tokens.Take();
            left = new Binary(op.At, op.Text == "+" ? BinaryOperator.Add : BinaryOperator.Subtract, left, ParseConcatenation());
        }

        return left;
    }

    private Expression ParseConcatenation()
    {
        Expression first = ParseProduct();
        Position at = _tokens.Current.At;
        List<Expression> operands = [first];
        while (_tokens.SkipOperator("~"))
        {
            operands.Add(ParseProduct());
        }

        return operands.Count == 1 ? first : new Concatenation(at, operands);
    }

    private Expression ParseProduct()
    {
        Expression left = ParsePower();
        while (_tokens.Current.Kind == TokenKind.Operator && _tokens.Current.Text is "*" or "/" or "//" or "%")
        {
            Token op = _tokens.Take();
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
        Expression left = _operands.ParseSigned();
        while (_tokens.Current.IsOperator("**"))
        {
            left = new Binary(_tokens.Take().At, BinaryOperator.Power, left, _operands.ParseSigned());
        }

        return left;
    }
}
