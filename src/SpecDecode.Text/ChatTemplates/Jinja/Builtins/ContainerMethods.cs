using System.Collections.Frozen;
using System.Numerics;
using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Builtins;

/// <summary>The methods of everything that is no text.</summary>
internal static class ContainerMethods
{
    private static readonly FrozenDictionary<string, BuiltinFunction> Sequence = Table(
        Method("index(self, value, start?, stop?, /)", IndexOf),
        Method("count(self, value, /)", (run, a) =>
            (long)Sequences.Iterate(run.Meter, a[0]).Count(item => Comparison.AreSameOrEqual(run.Meter, item, a[1]))));

    private static readonly BuiltinFunction Copy = Method("copy(self, /)", (_, a) => a[0]);

    private static readonly FrozenDictionary<string, BuiltinFunction> Dict = Table(
        Method("items(self, /)", (_, a) => new ViewValue((DictValue)a[0]!, ViewKind.Items)),
        Method("keys(self, /)", (_, a) => new ViewValue((DictValue)a[0]!, ViewKind.Keys)),
        Method("values(self, /)", (_, a) => new ViewValue((DictValue)a[0]!, ViewKind.Values)),
        Method("get(self, key, default?, /)", (run, a) => ((DictValue)a[0]!).TryGet(run.Meter, a[1], out object? value) ? value : a.Or(2, null)),
        Method("fromkeys(self, iterable, value?, /)", (run, a) =>
        {
            DictValue dict = new();
            foreach (object? key in Sequences.Iterate(run.Meter, a[1]))
            {
                run.Meter.AllocateItems(2);
                dict.Set(run.Meter, key, a.Or(2, null));
            }

            return dict;
        }),

        // Nothing changes a dictionary, so it is its own copy.
        Copy);

    private static readonly FrozenDictionary<string, BuiltinFunction> Loop = Table(
        Method("cycle(self, *)", (_, a) => ((LoopValue)a[0]!).Cycle(a.Rest)),
        Method("changed(self, *)", (_, a) => ((LoopValue)a[0]!).Changed(new TupleValue(a.Rest))));

    private static readonly FrozenDictionary<string, BuiltinFunction> Cycler = Table(
        Method("next(self)", (_, a) => ((CyclerValue)a[0]!).Next()),
        Method("reset(self)", (_, a) =>
        {
            ((CyclerValue)a[0]!).Reset();
            return null;
        }));

    private static readonly FrozenDictionary<string, BuiltinFunction> Numbers = Table(
        Method("is_integer(self, /)", (_, a) => a[0] is not double number || double.IsInteger(number)),
        Method("conjugate(self, /)", (_, a) => Arithmetic.Plus(a[0])),
        Method("bit_length(self, /)", (_, a) => Number.TryInteger(a[0], out BigInteger number) ? Number.Of(BigInteger.Abs(number).GetBitLength()) : 0L));

    public static BuiltinFunction? OfSequence(string name, bool isList) => isList && name == "copy" ? Copy : Sequence.GetValueOrDefault(name);

    public static BuiltinFunction? OfDict(string name) => Dict.GetValueOrDefault(name);

    public static BuiltinFunction? OfLoop(string name) => Loop.GetValueOrDefault(name);

    public static BuiltinFunction? OfCycler(string name) => Cycler.GetValueOrDefault(name);

    public static BuiltinFunction? OfNumber(string name, bool isReal) =>
        name == (isReal ? "bit_length" : "is_integer") ? null : Numbers.GetValueOrDefault(name);

    private static object? IndexOf(Run run, BoundArguments a)
    {
        List<object?> items = Sequences.ToList(run.Meter, a[0]);
        long start = a.Whole(2);
        long stop = a.Whole(3, long.MaxValue);
        start = start < 0 ? Math.Max(0, start + items.Count) : start;
        stop = stop < 0 ? stop + items.Count : Math.Min(stop, items.Count);
        for (long i = start; i < stop; i++)
        {
            if (Comparison.AreSameOrEqual(run.Meter, items[(int)i], a[1]))
            {
                return i;
            }
        }

        throw TemplateError.Value(a[0] switch
        {
            TupleValue => "tuple.index(x): x not in tuple",
            RangeValue => $"{Repr.Of(a[1])} is not in range",
            _ => $"{Repr.Of(a[1])} is not in list",
        });
    }

    private static BuiltinFunction Method(string signature, Func<Run, BoundArguments, object?> body) => new(new Signature(signature), body);

    private static FrozenDictionary<string, BuiltinFunction> Table(params BuiltinFunction[] methods) =>
        methods.ToFrozenDictionary(method => method.Name, StringComparer.Ordinal);
}
