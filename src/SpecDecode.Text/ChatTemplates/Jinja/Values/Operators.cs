using SpecDecode.ChatTemplates.Jinja.Builtins;
using SpecDecode.ChatTemplates.Jinja.Runtime;

namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>The operators between any two values.</summary>
internal static class Operators
{
    public static object? Apply(Run run, BinaryOperator op, object? left, object? right)
    {
        if (op == BinaryOperator.Modulo && Text.TryGet(left, out string format))
        {
            return left is MarkupValue
                ? new MarkupValue(PercentFormat.Apply(run, format, right, value => Text.Is(value) ? MarkupValue.Escape(run.Meter, value) : value))
                : PercentFormat.Apply(run, format, right);
        }

        if ((left as Undefined ?? right as Undefined) is { } undefined)
        {
            throw undefined.Error();
        }

        if (Number.Is(left) && Number.Is(right))
        {
            run.Meter.Work(left is System.Numerics.BigInteger || right is System.Numerics.BigInteger || op == BinaryOperator.Power ? 64 : 0);
            object result = Arithmetic.Apply(op, left, right);
            run.Meter.Memory.Make(result is System.Numerics.BigInteger ? RenderLimits.IntegerBits / 8 : 0);
            return result;
        }

        return op switch
        {
            BinaryOperator.Add => Add(run.Meter, left, right),
            BinaryOperator.Multiply => Multiply(run.Meter, left, right),
            _ => throw Unsupported(op, left, right),
        };
    }

    public static bool Compare(Run run, ComparisonOperator op, object? left, object? right) => op switch
    {
        ComparisonOperator.Equal => Comparison.AreEqual(run.Meter, left, right),
        ComparisonOperator.NotEqual => !Comparison.AreEqual(run.Meter, left, right),
        ComparisonOperator.In => Sequences.Contains(run.Meter, right, left),
        ComparisonOperator.NotIn => !Sequences.Contains(run.Meter, right, left),
        _ => Comparison.Ordered(run.Meter, op, left, right),
    };

    private static object Add(Meter meter, object? left, object? right)
    {
        if (Text.Is(left) && Text.Is(right))
        {
            bool markup = left is MarkupValue || right is MarkupValue;
            string one = markup ? MarkupValue.Escape(meter, left) : (string)left!;
            string two = markup ? MarkupValue.Escape(meter, right) : (string)right!;
            meter.AllocateText(one.Length + (long)two.Length);
            return markup ? new MarkupValue(one + two) : one + two;
        }

        if ((left, right) is (ListValue, ListValue) or (TupleValue, TupleValue))
        {
            SequenceValue one = (SequenceValue)left;
            SequenceValue two = (SequenceValue)right;
            meter.AllocateReferences(one.Items.Count + (long)two.Items.Count);
            return one.With([.. one.Items, .. two.Items]);
        }

        throw left is SequenceValue || Text.Is(left)
            ? TemplateError.Type($"can only concatenate {ConcatenableName(left)} (not \"{TypeName.Of(right)}\") to {ConcatenableName(left)}")
            : Unsupported(BinaryOperator.Add, left, right);
    }

    private static object Multiply(Meter meter, object? left, object? right)
    {
        (object? repeated, object? count) = Text.Is(left) || left is SequenceValue ? (left, right) : (right, left);
        if (!Text.Is(repeated) && repeated is not SequenceValue)
        {
            throw Unsupported(BinaryOperator.Multiply, left, right);
        }

        if (!Number.IsInteger(count))
        {
            throw TemplateError.Type($"can't multiply sequence by non-int of type '{TypeName.Of(count)}'");
        }

        if (count is System.Numerics.BigInteger)
        {
            throw TemplateError.Overflow("cannot fit 'int' into an index-sized integer");
        }

        long times = Math.Clamp(Number.Index(count), 0, int.MaxValue);
        if (Text.TryGet(repeated, out string text))
        {
            return Text.Like(repeated, text.Length == 0 ? "" : TextFunctions.Repeat(meter, text, times));
        }

        SequenceValue sequence = (SequenceValue)repeated!;
        meter.AllocateReferences(sequence.Items.Count * times);
        List<object?> items = [];
        for (long i = 0; i < times && sequence.Items.Count > 0; i++)
        {
            items.AddRange(sequence.Items);
        }

        return sequence.With(items);
    }

    private static string ConcatenableName(object? value) => value is MarkupValue ? "str" : value is GroupValue ? "tuple" : TypeName.Of(value);

    private static TemplateError Unsupported(BinaryOperator op, object? left, object? right)
    {
        string sign = op switch
        {
            BinaryOperator.Add => "+",
            BinaryOperator.Subtract => "-",
            BinaryOperator.Multiply => "*",
            BinaryOperator.Divide => "/",
            BinaryOperator.FloorDivide => "//",
            BinaryOperator.Modulo => "%",
            _ => "** or pow()",
        };
        return TemplateError.Type($"unsupported operand type(s) for {sign}: '{TypeName.Of(left)}' and '{TypeName.Of(right)}'");
    }
}
