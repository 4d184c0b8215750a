using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Syntax;

namespace SpecDecode.ChatTemplates.Jinja.Tree;

/// <summary><c>{% set target = value %}</c>.</summary>
internal sealed class Assign(Position at, Target target, Expression value) : Statement(at)
{
    private readonly AttributeTarget? _extended = target is AttributeTarget attribute && attribute.IsExtendedBy(value) ? attribute : null;

    public override Flow Execute(Frame frame)
    {
        if (_extended is not null)
        {
            _extended.Extend(frame, value);
            return Flow.Next;
        }

        object? assigned = value.Evaluate(frame);
        target.Assign(frame, assigned);
        return Flow.Next;
    }

    public override void Declare(Symbols scope)
    {
        value.ReadNames(scope.Read);
        target.Names(scope.Assign, scope.Read);
    }

    public override void Mention(NameUse names)
    {
        target.Names(names.Assign, names.Read);
        value.ReadNames(names.Read);
    }
}

/// <summary><c>{% set target %}…{% endset %}</c>, with filters or without.</summary>
internal sealed class AssignBlock(Position at, Target target, FilterCall? filter, ScopedSuite body) : Statement(at)
{
    public override Flow Execute(Frame frame)
    {
        MemoryAccount.Mark begin = frame.Meter.Memory.Now;
        OutputText written = new(frame.Meter);
        Frame inner = frame.Inner(body.AssignedLater, written);
        Flow flow = body.Suite.Execute(inner);
        if (flow != Flow.Next)
        {
            return flow;
        }

        string text = written.End(begin, inner);
        target.Assign(frame, filter is null ? text : filter.ApplyTo(inner, text));
        return Flow.Next;
    }

    public override void Declare(Symbols scope) => target.Names(scope.Assign, scope.Read);

    public override void Resolve(Symbols scope) => body.Resolve(scope);

    public override void Mention(NameUse names)
    {
        target.Names(names.Assign, names.Read);
        filter?.ReadNames(names.Read);
        body.Suite.Mention(names);
    }
}

/// <summary><c>{% with a = 1 %}</c>: a scope with variables, whose values are of the scope around it.</summary>
internal sealed class With(Position at, IReadOnlyList<(Target Target, Expression Value)> variables, ScopedSuite body) : Statement(at)
{
    public override Flow Execute(Frame frame)
    {
        MemoryAccount.Mark begin = frame.Meter.Memory.Now;
        Frame inner = frame.Inner(body.AssignedLater);
        foreach ((Target target, Expression value) in variables)
        {
            target.Assign(inner, value.Evaluate(frame));
        }

        Flow flow = body.Suite.Execute(inner);
        frame.Meter.Memory.Release(begin, inner);
        return flow;
    }

    public override void Declare(Symbols scope)
    {
        foreach ((_, Expression value) in variables)
        {
            value.ReadNames(scope.Read);
        }
    }

    public override void Resolve(Symbols scope)
    {
        List<string> declared = [];
        foreach ((Target target, _) in variables)
        {
            target.Names(declared.Add, _ => { });
        }

        body.Resolve(scope, [.. declared]);
    }

    public override void Mention(NameUse names)
    {
        foreach ((Target target, Expression value) in variables)
        {
            target.Names(names.Assign, names.Read);
            value.ReadNames(names.Read);
        }

        body.Suite.Mention(names);
    }
}
