using System.Numerics;
using SpecDecode.ChatTemplates.Jinja.Runtime;

namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>Python's equality and order.</summary>
internal static class Comparison
{
    /// <param name="meter">Counts what is compared; may be null for keys, which are short.</param>
    /// <param name="left">Any value.</param>
    /// <param name="right">Any value.</param>
    public static bool AreEqual(Meter? meter, object? left, object? right) => AreEqual(meter, left, right, 0);

    /// <summary>One of the four that need an order.</summary>
    /// <exception cref="TemplateError">The values have none.</exception>
    public static bool Ordered(Meter meter, ComparisonOperator op, object? left, object? right) => Ordered(meter, op, left, right, 0);

    private static bool AreEqual(Meter? meter, object? left, object? right, int depth)
    {
        Meter.EnsureDepth(depth);
        meter?.Step();
        if (Text.TryGet(left, out string text))
        {
            if (!Text.TryGet(right, out string other) || text.Length != other.Length)
            {
                return false;
            }

            meter?.Scan(text.Length);
            return text == other;
        }

        if (Number.Is(left) && Number.Is(right))
        {
            return CompareNumbers(left, right) == 0;
        }

        switch (left, right)
        {
            case (null, null) or (Undefined, Undefined):
                return true;
            case (ListValue, ListValue) or (TupleValue, TupleValue):
                SequenceValue one = (SequenceValue)left;
                SequenceValue two = (SequenceValue)right;
                if (one.Items.Count != two.Items.Count)
                {
                    return false;
                }

                for (int i = 0; i < one.Items.Count; i++)
                {
                    if (!AreSameOrEqual(meter, one.Items[i], two.Items[i], depth + 1))
                    {
                        return false;
                    }
                }

                return true;
            case (DictValue dict, DictValue other):
                return dict.Count == other.Count && dict.Entries.All(entry => other.TryGet(meter!, entry.Key, out object? value)
                    && AreSameOrEqual(meter, entry.Value, value, depth + 1));
            case (ViewValue { IsValues: false } view, ViewValue { IsValues: false } other):
                return view.Count == other.Count && Enumerable.Range(0, view.Count).All(i =>
                    Enumerable.Range(0, other.Count).Any(j => AreEqual(meter, view.At(i), other.At(j), depth + 1)));
            case (RangeValue range, RangeValue other):
                return range.Count == other.Count && (range.Count == 0 || (range.Start == other.Start && (range.Count == 1 || range.Step == other.Step)));
            case (BoundMethod method, BoundMethod other):
                return method.Equals(other);
            default:
                return ReferenceEquals(left, right);
        }
    }

    /// <summary>What decides in containers: a value is equal to itself there, even one that is not a number.</summary>
    public static bool AreSameOrEqual(Meter? meter, object? left, object? right) => AreSameOrEqual(meter, left, right, 0);

    /// <summary>Python's <c>is</c>, as near as it can be told here: small numbers and texts are shared.</summary>
    public static bool Same(object? left, object? right) => ReferenceEquals(left, right) || (left, right) switch
    {
        (bool one, bool two) => one == two,
        (long one, long two) => one == two,
        (string one, string two) => one == two,
        _ => false,
    };

    private static bool AreSameOrEqual(Meter? meter, object? left, object? right, int depth)
    {
        meter?.Step();
        return ReferenceEquals(left, right) || AreEqual(meter, left, right, depth);
    }

    private static bool Ordered(Meter meter, ComparisonOperator op, object? left, object? right, int depth)
    {
        Meter.EnsureDepth(depth);
        meter.Step();
        if (Text.TryGet(left, out string text) && Text.TryGet(right, out string other))
        {
            meter.Scan(Math.Min(text.Length, other.Length));
            return Holds(op, CompareTexts(text, other));
        }

        if (Number.Is(left) && Number.Is(right))
        {
            return CompareNumbers(left, right) is { } order && Holds(op, order);
        }

        if ((left, right) is (ListValue, ListValue) or (TupleValue, TupleValue))
        {
            IReadOnlyList<object?> one = ((SequenceValue)left).Items;
            IReadOnlyList<object?> two = ((SequenceValue)right).Items;
            for (int i = 0; i < Math.Min(one.Count, two.Count); i++)
            {
                if (!AreSameOrEqual(meter, one[i], two[i], depth + 1))
                {
                    return Ordered(meter, op, one[i], two[i], depth + 1);
                }
            }

            return Holds(op, one.Count.CompareTo(two.Count));
        }

        if ((left as Undefined ?? right as Undefined) is { } undefined)
        {
            throw undefined.Error();
        }

        string sign = op switch
        {
            ComparisonOperator.Less => "<",
            ComparisonOperator.LessOrEqual => "<=",
            ComparisonOperator.Greater => ">",
            _ => ">=",
        };
        throw TemplateError.Type($"'{sign}' not supported between instances of '{TypeName.Of(left)}' and '{TypeName.Of(right)}'");
    }

    private static bool Holds(ComparisonOperator op, int order) => op switch
    {
        ComparisonOperator.Less => order < 0,
        ComparisonOperator.LessOrEqual => order <= 0,
        ComparisonOperator.Greater => order > 0,
        _ => order >= 0,
    };

    // By code point: surrogates, which stand for the highest ones, sort behind U+E000 to U+FFFF.
    private static int CompareTexts(string left, string right)
    {
        int common = left.AsSpan().CommonPrefixLength(right);
        if (common == left.Length || common == right.Length)
        {
            return left.Length.CompareTo(right.Length);
        }

        (char a, char b) = (left[common], right[common]);
        return char.IsSurrogate(a) == char.IsSurrogate(b) ? a.CompareTo(b) : char.IsSurrogate(a) ? 1 : -1;
    }

    // Null where one of them is not a number (NaN). A whole number and a real one compare exactly.
    private static int? CompareNumbers(object? left, object? right)
    {
        if (left is long a && right is long b)
        {
            return a.CompareTo(b);
        }

        bool leftWhole = Number.TryInteger(left, out BigInteger x);
        bool rightWhole = Number.TryInteger(right, out BigInteger y);
        if (leftWhole && rightWhole)
        {
            return x.CompareTo(y);
        }

        double p = leftWhole ? 0 : (double)left!;
        double q = rightWhole ? 0 : (double)right!;
        if (double.IsNaN(p) || double.IsNaN(q))
        {
            return null;
        }

        if (leftWhole)
        {
            return -CompareRealToWhole(q, x);
        }

        return rightWhole ? CompareRealToWhole(p, y) : p.CompareTo(q);
    }

    private static int CompareRealToWhole(double real, BigInteger whole)
    {
        if (double.IsInfinity(real))
        {
            return real > 0 ? 1 : -1;
        }

        double floor = Math.Floor(real);
        int order = new BigInteger(floor).CompareTo(whole);
        return order == 0 && real > floor ? 1 : order;
    }
}
