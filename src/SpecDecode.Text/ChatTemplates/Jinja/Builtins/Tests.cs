using System.Collections.Frozen;
using System.Numerics;
using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Builtins;

/// <summary>What <c>is</c> asks, by name.</summary>
internal static class Tests
{
    private static readonly FrozenDictionary<string, BuiltinFunction> ByName = Make();

    public static BuiltinFunction? Find(string name) => ByName.GetValueOrDefault(name);

    private static FrozenDictionary<string, BuiltinFunction> Make()
    {
        FunctionTable table = new();
        table.AddQuick("defined(value)", (_, a) => a[0] is not Undefined);
        table.AddQuick("undefined(value)", (_, a) => a[0] is Undefined);
        table.AddQuick("none(value)", (_, a) => a[0] is null);
        table.AddQuick("boolean(value)", (_, a) => a[0] is bool);
        table.AddQuick("true(value)", (_, a) => a[0] is true);
        table.AddQuick("false(value)", (_, a) => a[0] is false);
        table.AddQuick("integer(value)", (_, a) => a[0] is long or BigInteger);
        table.AddQuick("float(value)", (_, a) => a[0] is double);
        table.AddQuick("number(value)", (_, a) => Number.Is(a[0]));
        table.AddQuick("string(value)", (_, a) => Text.Is(a[0]));
        table.AddQuick("mapping(value)", (_, a) => a[0] is DictValue);
        table.AddQuick("sequence(value)", (_, a) => Text.Is(a[0]) || a[0] is SequenceValue or DictValue or RangeValue or Undefined);
        table.AddQuick("iterable(value)", (_, a) => Sequences.IsIterable(a[0]));
        table.AddQuick("callable(value)", (_, a) => a[0] is ICallable or Undefined);
        table.AddQuick("escaped(value)", (_, a) => a[0] is MarkupValue);
        table.AddQuick("lower(value)", (run, a) => TextClasses.IsLower(Scanned(run, a)));
        table.AddQuick("upper(value)", (run, a) => TextClasses.IsUpper(Scanned(run, a)));
        table.AddQuick("odd(value)", (run, a) => Remainder(run, a[0], 2L, 1L));
        table.AddQuick("even(value)", (run, a) => Remainder(run, a[0], 2L, 0L));
        table.AddQuick("divisibleby(value, num)", (run, a) => Remainder(run, a[0], a[1], 0L));
        table.AddQuick("sameas(value, other)", (run, a) =>
        {
            run.Meter.Scan(Text.TryGet(a[0], out string text) ? text.Length : 0);
            return Comparison.Same(a[0], a[1]);
        });
        table.AddQuick("in(value, seq)", (run, a) => Operators.Compare(run, ComparisonOperator.In, a[0], a[1]));
        table.AddQuick("filter(value)", (run, a) => Hashed(run, a) is { } name && Filters.Find(name) is not null);
        table.AddQuick("test(value)", (run, a) => Hashed(run, a) is { } name && Find(name) is not null);
        AddComparison(table, "eq", ComparisonOperator.Equal, "==", "equalto");
        AddComparison(table, "ne", ComparisonOperator.NotEqual, "!=");
        AddComparison(table, "gt", ComparisonOperator.Greater, ">", "greaterthan");
        AddComparison(table, "ge", ComparisonOperator.GreaterOrEqual, ">=");
        AddComparison(table, "lt", ComparisonOperator.Less, "<", "lessthan");
        AddComparison(table, "le", ComparisonOperator.LessOrEqual, "<=");
        return table.Functions.ToFrozenDictionary(StringComparer.Ordinal);
    }

    private static void AddComparison(FunctionTable table, string name, ComparisonOperator op, params ReadOnlySpan<string> aliases) =>
        table.AddQuick($"{name}(a, b, /)", (run, a) => Operators.Compare(run, op, a[0], a[1]), aliases);

    // Names are looked up in a dictionary: only a text can be one, and what has no hash is refused.
    private static string? Hashed(Run run, BoundArguments a)
    {
        KeyComparer.Wrap(run.Meter, a[0]);
        return Text.TryGet(a[0], out string name) ? name : null;
    }

    private static string Scanned(Run run, BoundArguments a)
    {
        string text = a.Printed(run, 0);
        run.Meter.Work(text.Length >> 3);
        return text;
    }

    private static bool Remainder(Run run, object? value, object? divisor, long wanted) =>
        Comparison.AreEqual(run.Meter, Operators.Apply(run, BinaryOperator.Modulo, value, divisor), wanted);
}
