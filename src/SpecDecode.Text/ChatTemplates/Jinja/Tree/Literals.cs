using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Syntax;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Tree;

/// <summary>A value that is written out.</summary>
internal sealed class Constant(Position at, object? value) : Expression(at)
{
    public override IEnumerable<Expression> Parts => [];

    protected override object? Compute(Frame frame) => value;
}

/// <summary>A variable.</summary>
internal sealed class Name(Position at, string text) : Expression(at)
{
    public override IEnumerable<Expression> Parts => [];

    public string Text => text;

    public override void ReadNames(Action<string> read) => read(text);

    protected override object? Compute(Frame frame)
    {
        RefuseFolding(frame);
        return frame.Get(text);
    }
}

/// <summary><c>[a, b]</c> or <c>(a, b)</c>.</summary>
internal sealed class SequenceLiteral(Position at, IReadOnlyList<Expression> items, bool isTuple) : Expression(at)
{
    public override IEnumerable<Expression> Parts => items;

    public bool IsTuple => isTuple;

    protected override object? Compute(Frame frame)
    {
        frame.Meter.AllocateItems(items.Count);
        object?[] values = new object?[items.Count];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = items[i].Evaluate(frame);
        }

        return isTuple ? new TupleValue(values) : new ListValue(values);
    }
}

/// <summary><c>{key: value}</c>.</summary>
internal sealed class DictLiteral(Position at, IReadOnlyList<(Expression Key, Expression Value)> entries) : Expression(at)
{
    public override IEnumerable<Expression> Parts => entries.SelectMany(entry => new[] { entry.Key, entry.Value });

    protected override object? Compute(Frame frame)
    {
        frame.Meter.AllocateItems(entries.Count * 2L);
        DictValue dict = new(entries.Count);
        foreach ((Expression key, Expression value) in entries)
        {
            object? name = key.Evaluate(frame);
            object? entry = value.Evaluate(frame);
            Mark(frame);
            dict.Set(frame.Meter, name, entry);
        }

        return dict;
    }
}
