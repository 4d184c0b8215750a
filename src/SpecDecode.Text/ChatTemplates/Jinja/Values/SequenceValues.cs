namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>A list or tuple. Neither changes once it is made: the sandbox is immutable.</summary>
internal abstract class SequenceValue(IReadOnlyList<object?> items)
{
    public IReadOnlyList<object?> Items { get; } = items;

    /// <summary>Another of the same kind.</summary>
    public abstract SequenceValue With(IReadOnlyList<object?> items);
}

/// <summary>A list.</summary>
internal sealed class ListValue(IReadOnlyList<object?> items) : SequenceValue(items)
{
    public override SequenceValue With(IReadOnlyList<object?> items) => new ListValue(items);
}

/// <summary>A tuple.</summary>
internal class TupleValue(IReadOnlyList<object?> items) : SequenceValue(items)
{
    public static TupleValue Empty { get; } = new([]);

    public override SequenceValue With(IReadOnlyList<object?> items) => new TupleValue(items);
}

/// <summary>A group of <c>groupby</c>: the tuple of key and members, with names for both.</summary>
internal sealed class GroupValue(object? grouper, ListValue members) : TupleValue([grouper, members]);
