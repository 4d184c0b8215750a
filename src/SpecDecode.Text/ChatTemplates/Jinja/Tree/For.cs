using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Syntax;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Tree;

/// <summary><c>{% for target in iterable if filter recursive %}</c>, with <c>else</c> for when there was nothing.</summary>
internal sealed class For(
    Position at, Target target, Expression iterable, Expression? filter, bool isRecursive, ScopedSuite body, ScopedSuite otherwise) : Statement(at)
{
    public override Flow Execute(Frame frame)
    {
        MemoryAccount.Mark begin = frame.Meter.Memory.Now;
        object? items = iterable.Evaluate(frame);
        Flow flow = Loop(frame, items, 0);
        frame.Meter.Memory.Release(begin);
        return flow;
    }

    public override void Declare(Symbols scope) => iterable.ReadNames(scope.Read);

    public override void Resolve(Symbols scope)
    {
        List<string> declared = ["loop"];
        target.Names(declared.Add, _ => { });
        body.Resolve(scope, [.. declared]);
        otherwise.Resolve(scope);
    }

    public override void Mention(NameUse names)
    {
        target.Names(names.Assign, names.Read);
        iterable.ReadNames(names.Read);
        filter?.ReadNames(names.Read);
        body.Suite.Mention(names);
        otherwise.Suite.Mention(names);
    }

    private Flow Loop(Frame frame, object? items, int depth0)
    {
        frame.Meter.At = iterable.At;
        if (filter is not null || isRecursive)
        {
            // The loop evaluates in this scope for as long as something holds it.
            frame.Capture();
        }

        if (filter is not null)
        {
            items = new IteratorValue(Filtered(frame, Sequences.Iterate(frame.Meter, items)), items);
        }

        LoopValue loop = new(frame.Meter, items, isRecursive ? (inner, depth) => Recurse(frame, inner, depth) : null, depth0);

        // As in Jinja2, "else" is for when no round came to its end: one that all rounds left early counts as empty.
        bool any = false;
        while (loop.Next(out object? item))
        {
            MemoryAccount.Mark begin = frame.Meter.Memory.Now;
            Frame round = frame.Inner(body.AssignedLater);
            round.Set("loop", loop);
            frame.Meter.At = At;
            target.Assign(round, item);
            Flow flow = body.Suite.Execute(round);
            frame.Meter.Memory.Release(begin, round);
            if (flow == Flow.Break)
            {
                break;
            }

            any |= flow == Flow.Next;
            frame.Meter.At = iterable.At;
        }

        return any ? Flow.Next : otherwise.Suite.Execute(frame.Inner(otherwise.AssignedLater));
    }

    private IEnumerable<object?> Filtered(Frame frame, IEnumerable<object?> items)
    {
        foreach (object? item in items)
        {
            Frame test = frame.Inner([]);
            target.Assign(test, item);
            if (Truth.Of(filter!.Evaluate(test)))
            {
                yield return item;
            }
        }
    }

    private string Recurse(Frame frame, object? items, int depth)
    {
        Meter.EnsureStack();
        frame.Meter.Enter();
        MemoryAccount.Mark begin = frame.Meter.Memory.Now;
        OutputText written = new(frame.Meter);
        Frame inner = frame.Inner([], written);
        Loop(inner, items, depth);
        frame.Meter.Leave();
        return written.End(begin, inner);
    }
}
