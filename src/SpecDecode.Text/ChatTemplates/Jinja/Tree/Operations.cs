using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Syntax;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Tree;

/// <summary><c>a + b</c> and the like.</summary>
internal sealed class Binary(Position at, BinaryOperator op, Expression left, Expression right) : Expression(at)
{
    public override IEnumerable<Expression> Parts => [left, right];

    public BinaryOperator Operator => op;

    public Expression Left => left;

    protected override object? Compute(Frame frame)
    {
        object? one = left.Evaluate(frame);
        object? two = right.Evaluate(frame);
        Mark(frame);
        return Operators.Apply(frame.Run, op, one, two);
    }
}

/// <summary><c>-a</c> or <c>+a</c>.</summary>
internal sealed class Sign(Position at, bool negative, Expression operand) : Expression(at)
{
    public override IEnumerable<Expression> Parts => [operand];

    protected override object? Compute(Frame frame)
    {
        object? value = operand.Evaluate(frame);
        Mark(frame);
        return negative ? Arithmetic.Negate(value) : Arithmetic.Plus(value);
    }
}

/// <summary><c>not a</c>.</summary>
internal sealed class Not(Position at, Expression operand) : Expression(at)
{
    public override IEnumerable<Expression> Parts => [operand];

    protected override object? Compute(Frame frame) => !Truth.Of(operand.Evaluate(frame));
}

/// <summary><c>a and b</c>, <c>a or b</c>: the operand that decided.</summary>
internal sealed class Logical(Position at, bool isAnd, Expression left, Expression right) : Expression(at)
{
    public override IEnumerable<Expression> Parts => [left, right];

    protected override object? Compute(Frame frame)
    {
        object? value = left.Evaluate(frame);
        return Truth.Of(value) == isAnd ? right.Evaluate(frame) : value;
    }
}

/// <summary><c>a &lt; b == c</c>: every neighbouring pair must hold.</summary>
internal sealed class Compare(Position at, Expression first, IReadOnlyList<(ComparisonOperator Operator, Expression Operand)> rest) : Expression(at)
{
    public override IEnumerable<Expression> Parts => [first, .. rest.Select(entry => entry.Operand)];

    protected override object? Compute(Frame frame)
    {
        object? left = first.Evaluate(frame);
        foreach ((ComparisonOperator op, Expression operand) in rest)
        {
            object? right = operand.Evaluate(frame);
            Mark(frame);
            if (!Operators.Compare(frame.Run, op, left, right))
            {
                return false;
            }

            left = right;
        }

        return true;
    }
}

/// <summary><c>a ~ b</c>: texts one behind the other, whatever they were.</summary>
internal sealed class Concatenation(Position at, IReadOnlyList<Expression> operands) : Expression(at)
{
    public override IEnumerable<Expression> Parts => operands;

    public Expression First => operands[0];

    protected override object? Compute(Frame frame)
    {
        string[] texts = new string[operands.Count];
        long length = 0;
        for (int i = 0; i < texts.Length; i++)
        {
            object? value = operands[i].Evaluate(frame);
            Mark(frame);
            texts[i] = Text.Of(frame.Meter, value);
            length += texts[i].Length;
        }

        frame.Meter.AllocateText(length);
        return string.Concat(texts);
    }
}

/// <summary><c>a if test else b</c>; without <c>else</c> it may be undefined.</summary>
internal sealed class Conditional(Position at, Expression test, Expression then, Expression? otherwise) : Expression(at)
{
    public override IEnumerable<Expression> Parts => otherwise is null ? [test, then] : [test, then, otherwise];

    protected override object? Compute(Frame frame)
    {
        if (Truth.Of(test.Evaluate(frame)))
        {
            return then.Evaluate(frame);
        }

        if (otherwise is not null)
        {
            return otherwise.Evaluate(frame);
        }

        RefuseFolding(frame);
        return Undefined.Because($"the inline if-expression on line {At.Line} evaluated to false and no else section was defined.");
    }
}
