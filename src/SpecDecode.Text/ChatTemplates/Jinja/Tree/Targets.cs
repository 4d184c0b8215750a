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
    public override void Assign(Frame frame, object? value)
    {
        frame.Meter.At = At;
        if (frame.Get(name) is not NamespaceValue space)
        {
            throw TemplateError.Runtime("cannot assign attribute on non-namespace object");
        }

        frame.Meter.AllocateItems(1);
        space.Set(attribute, value);
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
