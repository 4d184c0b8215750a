using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Syntax;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Tree;

/// <summary><c>{% if %}</c> with its <c>elif</c>s and <c>else</c>; no scope of its own.</summary>
internal sealed class If(Position at, IReadOnlyList<(Expression Test, Suite Body)> branches, Suite otherwise) : Statement(at)
{
    public override Flow Execute(Frame frame)
    {
        foreach ((Expression test, Suite body) in branches)
        {
            MemoryAccount.Mark begin = frame.Meter.Memory.Now;
            bool holds = Truth.Of(test.Evaluate(frame));
            frame.Meter.Memory.Release(begin);
            if (holds)
            {
                return body.Execute(frame);
            }
        }

        return otherwise.Execute(frame);
    }

    public override void Declare(Symbols scope)
    {
        branches[0].Test.ReadNames(scope.Read);
        scope.Branch(branches[0].Body.Declare, DeclareElifs, otherwise.Declare);
    }

    public override void Resolve(Symbols scope)
    {
        foreach ((_, Suite body) in branches)
        {
            body.Resolve(scope);
        }

        otherwise.Resolve(scope);
    }

    public override void Mention(NameUse names)
    {
        foreach ((Expression test, Suite body) in branches)
        {
            test.ReadNames(names.Read);
            body.Mention(names);
        }

        otherwise.Mention(names);
    }

    private void DeclareElifs(Symbols scope)
    {
        foreach ((Expression test, Suite body) in branches.Skip(1))
        {
            test.ReadNames(scope.Read);
            scope.Branch(body.Declare);
        }
    }
}

/// <summary><c>{% break %}</c> or <c>{% continue %}</c>.</summary>
internal sealed class LoopControl(Position at, Flow flow) : Statement(at)
{
    public override Flow Execute(Frame frame) => flow;

    public override void Declare(Symbols scope)
    {
    }

    public override void Mention(NameUse names)
    {
    }
}
