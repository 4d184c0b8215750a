using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Syntax;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Tree;

/// <summary><c>a.name</c>.</summary>
internal sealed class AttributeLookup(Position at, Expression owner, string name) : Expression(at)
{
    public override IEnumerable<Expression> Parts => [owner];

    public Expression Owner => owner;

    public string Name => name;

    protected override object? Compute(Frame frame)
    {
        object? value = owner.Evaluate(frame);
        Mark(frame);
        return Access.Attribute(frame.Run, value, name);
    }
}

/// <summary><c>a[key]</c>.</summary>
internal sealed class ItemLookup(Position at, Expression owner, Expression key) : Expression(at)
{
    public override IEnumerable<Expression> Parts => [owner, key];

    protected override object? Compute(Frame frame)
    {
        object? value = owner.Evaluate(frame);
        object? index = key.Evaluate(frame);
        Mark(frame);
        return Access.Item(frame.Run, value, index);
    }
}

/// <summary><c>a[start:stop:step]</c>.</summary>
internal sealed class SliceLookup(Position at, Expression owner, Expression? start, Expression? stop, Expression? step) : Expression(at)
{
    public override IEnumerable<Expression> Parts => new[] { owner, start, stop, step }.OfType<Expression>();

    protected override object? Compute(Frame frame)
    {
        object? value = owner.Evaluate(frame);
        object? from = start?.Evaluate(frame);
        object? to = stop?.Evaluate(frame);
        object? by = step?.Evaluate(frame);
        Mark(frame);
        try
        {
            return Indexing.Slice(frame.Meter, value, from, to, by);
        }
        catch (TemplateError error) when (frame.Meter.IsFolding && error.Kind == "TypeError")
        {
            return Undefined.Because(error.Message);
        }
    }
}
