using System.Collections.Frozen;
using SpecDecode.ChatTemplates.Jinja.Builtins;
using SpecDecode.ChatTemplates.Jinja.Runtime;

namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>
/// <c>owner.name</c> and <c>owner[key]</c>. There is nothing behind an attribute but this table: no reflection. What Python
/// has and the sandbox forbids is undefined with a message that says so.
/// </summary>
internal static class Access
{
    private static readonly FrozenSet<string> ObjectAttributes = FrozenSet.Create(StringComparer.Ordinal,
        "__class__", "__delattr__", "__dir__", "__doc__", "__eq__", "__format__", "__ge__", "__getattribute__", "__getstate__", "__gt__",
        "__hash__", "__init__", "__init_subclass__", "__le__", "__lt__", "__ne__", "__new__", "__reduce__", "__reduce_ex__", "__repr__",
        "__setattr__", "__sizeof__", "__str__", "__subclasshook__");

    private static readonly FrozenSet<string> ListMutators = FrozenSet.Create(StringComparer.Ordinal,
        "append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove");

    private static readonly FrozenSet<string> DictMutators = FrozenSet.Create(StringComparer.Ordinal,
        "clear", "pop", "popitem", "setdefault", "update");

    /// <summary>An attribute, or else the element of that name.</summary>
    public static object? Attribute(Run run, object? owner, string name)
    {
        if (owner is Undefined undefined)
        {
            throw undefined.Error();
        }

        return TryAttribute(run, owner, name, out object? value) || Indexing.TryGet(run.Meter, owner, name, out value)
            ? value
            : Undefined.Of(owner, name);
    }

    /// <summary>An element, or else the attribute of that name.</summary>
    public static object? Item(Run run, object? owner, object? key)
    {
        if (Indexing.TryGet(run.Meter, owner, key, out object? value))
        {
            return value;
        }

        return Text.TryGet(key, out string name) && TryAttribute(run, owner, name, out value) ? value : Undefined.Of(owner, key);
    }

    /// <summary>An attribute in Python's sense: a method or property, not an element.</summary>
    public static bool TryAttribute(Run run, object? owner, string name, out object? value)
    {
        if (owner is NamespaceValue space)
        {
            return space.TryGet(name, out value);
        }

        if (IsForbidden(owner, name))
        {
            value = Undefined.Unsafe(owner, name);
            return true;
        }

        switch (owner, name)
        {
            case (LoopValue loop, "previtem" or "nextitem"):
                value = loop.Neighbour(next: name == "nextitem");
                return true;
            case (GroupValue group, "grouper"):
                value = group.Items[0];
                return true;
            case (CyclerValue cycler, "current"):
                value = cycler.Current;
                return true;
        }

        value = Property(owner, name);
        if (value is not null)
        {
            return true;
        }

        BuiltinFunction? method = owner switch
        {
            string or MarkupValue => TextMethods.Find(name, owner is MarkupValue),
            SequenceValue => ContainerMethods.OfSequence(name, owner is ListValue),
            DictValue => ContainerMethods.OfDict(name),
            RangeValue => ContainerMethods.OfSequence(name, isList: false),
            LoopValue => ContainerMethods.OfLoop(name),
            CyclerValue => ContainerMethods.OfCycler(name),
            long or bool or double or System.Numerics.BigInteger => ContainerMethods.OfNumber(name, owner is double),
            _ => null,
        };
        value = method is null ? null : new BoundMethod(owner!, method);
        return method is not null;
    }

    private static bool IsForbidden(object? owner, string name) => (name.StartsWith("__", StringComparison.Ordinal) && ObjectAttributes.Contains(name))
        || (owner is ListValue && ListMutators.Contains(name))
        || (owner is DictValue && DictMutators.Contains(name))
        || (owner is MacroValue or LoopValue && name is "_func" or "_environment" or "_invoke" or "_iterable" or "_recurse");

    // Those that are never None.
    private static object? Property(object? owner, string name) => (owner, name) switch
    {
        (LoopValue loop, _) => loop.Property(name),
        (GroupValue group, "list") => group.Items[1],
        (RangeValue range, "start") => range.Start,
        (RangeValue range, "stop") => range.Stop,
        (RangeValue range, "step") => range.Step,
        (MacroValue macro, "name") => macro.Name,
        (MacroValue macro, "arguments") => new TupleValue([.. macro.Parameters]),
        (MacroValue macro, "caller") => macro.UsesCaller,
        (MacroValue macro, "catch_kwargs") => macro.TakesNamed,
        (MacroValue macro, "catch_varargs") => macro.TakesRest,
        (bool truth, "real" or "numerator") => truth ? 1L : 0L,
        (long or System.Numerics.BigInteger or double, "real") => owner,
        (long or System.Numerics.BigInteger, "numerator") => owner,
        (long or System.Numerics.BigInteger or bool, "imag") => 0L,
        (long or System.Numerics.BigInteger or bool, "denominator") => 1L,
        (double, "imag") => 0.0,
        (ViewValue view, "mapping") => view.Dict,
        (BlockReference block, "name") => block.Name,
        (BlockReference block, "super") => BlockReference.Parent(block.Name),
        _ => null,
    };
}
