using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Syntax;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Tree;

/// <summary>Text that stands in the template.</summary>
internal sealed class Data(Position at, string text) : Statement(at)
{
    public override Flow Execute(Frame frame)
    {
        frame.Output.Append(text);
        return Flow.Next;
    }

    public override void Declare(Symbols scope)
    {
    }

    public override void Mention(NameUse names)
    {
    }
}

/// <summary><c>{{ value }}</c>.</summary>
internal sealed class Print(Position at, Expression value) : Statement(at)
{
    public override Flow Execute(Frame frame)
    {
        MemoryAccount.Mark begin = frame.Meter.Memory.Now;
        object? printed = frame.Meter.FoldsConstants && value.TryFold(frame, out object? constant) ? constant : value.Evaluate(frame);
        frame.Meter.At = At;
        string text = Text.Of(frame.Meter, printed);
        frame.Meter.Memory.Release(begin);
        frame.Output.Append(text);
        return Flow.Next;
    }

    public override void Declare(Symbols scope) => value.ReadNames(scope.Read);

    public override void Mention(NameUse names) => value.ReadNames(names.Read);
}

/// <summary><c>{% filter name %}</c>: what is written inside goes through filters.</summary>
internal sealed class FilterBlock(Position at, FilterCall filter, ScopedSuite body) : Statement(at)
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

        string result = Text.OfBlock(filter.ApplyTo(inner, written.End(begin, inner)));
        frame.Meter.Memory.Release(begin, inner);
        frame.Output.Append(result);
        return Flow.Next;
    }

    public override void Declare(Symbols scope) => filter.ReadNames(scope.Read);

    public override void Resolve(Symbols scope) => body.Resolve(scope);

    public override void Mention(NameUse names)
    {
        filter.ReadNames(names.Read);
        body.Suite.Mention(names);
    }
}

/// <summary><c>{% generation %}</c> marks what a model wrote, for training; here it is a scope and no more.</summary>
internal sealed class GenerationBlock(Position at, ScopedSuite body) : Statement(at)
{
    public override Flow Execute(Frame frame)
    {
        MemoryAccount.Mark begin = frame.Meter.Memory.Now;
        Frame inner = frame.Inner(body.AssignedLater);
        body.Suite.Execute(inner);
        frame.Meter.Memory.Release(begin, inner);
        return Flow.Next;
    }

    public override void Declare(Symbols scope)
    {
    }

    public override void Resolve(Symbols scope) => body.Resolve(scope);

    public override void Mention(NameUse names) => body.Suite.Mention(names);
}
