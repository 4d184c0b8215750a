using SpecDecode.ChatTemplates.Jinja.Builtins;
using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Syntax;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Tree;

/// <summary>What can be assigned to.</summary>
internal abstract class Target(Position at)
{
    public Position At => at;

    public abstract void Assign(Frame frame, object? value);

    /// <summary>Tells the variables that it assigns, and those that it reads.</summary>
    public abstract void Names(Action<string> assign, Action<string> read);
}

/// <summary>A variable.</summary>
internal sealed class NameTarget(Position at, string name) : Target(at)
{
    public string Name => name;

    public override void Assign(Frame frame, object? value) => frame.Set(name, value);

    public override void Names(Action<string> assign, Action<string> read) => assign(name);
}

/// <summary>An attribute of a namespace.</summary>
internal sealed class AttributeTarget(Position at, string name, string attribute) : Target(at)
{
    public override void Assign(Frame frame, object? value) => Space(frame).Set(frame.Meter.Memory, attribute, value);

    /// <summary>Assigns what is evaluated from the attribute's own value and more, <c>ns.a = ns.a ~ …</c>.</summary>
    public void Extend(Frame frame, Expression value)
    {
        NamespaceValue.Slot? before = (frame.Get(name) as NamespaceValue)?.Unread(attribute);
        object? extended = value.Evaluate(frame);
        NamespaceValue space = Space(frame);
        if (before is not null)
        {
            // The one read was for the operation, which holds its operand no longer.
            NamespaceValue.ForgetRead(before);
        }

        space.Set(frame.Meter.Memory, attribute, extended, isNewList: value is Binary && extended is SequenceValue);
    }

    /// <summary>Whether an expression begins with this attribute's own value.</summary>
    public bool IsExtendedBy(Expression value) => value switch
    {
        Binary { Operator: BinaryOperator.Add } sum => IsReadBy(sum.Left) || IsExtendedBy(sum.Left),
        Concatenation texts => IsReadBy(texts.First) || IsExtendedBy(texts.First),
        _ => false,
    };

    private bool IsReadBy(Expression value) => value is AttributeLookup lookup && lookup.Name == attribute && lookup.Owner is Name owner && owner.Text == name;

    private NamespaceValue Space(Frame frame)
    {
        frame.Meter.At = At;
        return frame.Get(name) is NamespaceValue space ? space : throw TemplateError.Runtime("cannot assign attribute on non-namespace object");
    }

    public override void Names(Action<string> assign, Action<string> read) => read(name);
}

/// <summary>Several at once.</summary>
internal sealed class TupleTarget(Position at, IReadOnlyList<Target> targets) : Target(at)
{
    public override void Assign(Frame frame, object? value)
    {
        Meter.EnsureStack();
        frame.Meter.At = At;
        List<object?> values = Unpacking.Of(frame.Meter, value, targets.Count);
        for (int i = 0; i < values.Count; i++)
        {
            targets[i].Assign(frame, values[i]);
        }
    }

    public override void Names(Action<string> assign, Action<string> read)
    {
        Meter.EnsureStack();
        foreach (Target target in targets)
        {
            target.Names(assign, read);
        }
    }
}
