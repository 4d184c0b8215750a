using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Syntax;

namespace SpecDecode.ChatTemplates.Jinja.Tree;

/// <summary>How execution goes on behind a statement.</summary>
internal enum Flow
{
    Next,
    Break,
    Continue,
}

/// <summary>A part of a template that does something.</summary>
internal abstract class Statement(Position at)
{
    public Position At => at;

    public abstract Flow Execute(Frame frame);

    /// <summary>Tells the scope that it is in which names it reads and assigns there, not those of scopes of its own.</summary>
    public abstract void Declare(Symbols scope);

    /// <summary>Resolves the scopes inside it.</summary>
    public virtual void Resolve(Symbols scope)
    {
    }

    /// <summary>Tells every name in it and in all scopes inside it.</summary>
    public abstract void Mention(NameUse names);
}

/// <summary>Statements one behind the other.</summary>
internal sealed class Suite(IReadOnlyList<Statement> statements)
{
    public Flow Execute(Frame frame)
    {
        Meter.EnsureStack();
        foreach (Statement statement in statements)
        {
            frame.Meter.Step();
            frame.Meter.At = statement.At;
            Flow flow = statement.Execute(frame);
            if (flow != Flow.Next)
            {
                return flow;
            }
        }

        return Flow.Next;
    }

    public void Declare(Symbols scope)
    {
        foreach (Statement statement in statements)
        {
            statement.Declare(scope);
        }
    }

    public void Resolve(Symbols scope)
    {
        Meter.EnsureStack();
        foreach (Statement statement in statements)
        {
            statement.Resolve(scope);
        }
    }

    public void Mention(NameUse names)
    {
        Meter.EnsureStack();
        foreach (Statement statement in statements)
        {
            statement.Mention(names);
        }
    }
}

/// <summary>Statements with a scope of their own.</summary>
internal sealed class ScopedSuite(Suite suite)
{
    public Suite Suite => suite;

    /// <summary>Names that are undefined when the scope begins, whatever there is outside.</summary>
    public IReadOnlyList<string> AssignedLater { get; private set; } = [];

    public void Resolve(Symbols? parent, params ReadOnlySpan<string> declared)
    {
        Symbols inner = new(parent);
        foreach (string name in declared)
        {
            inner.Declare(name);
        }

        suite.Declare(inner);
        AssignedLater = inner.AssignedLater;
        suite.Resolve(inner);
    }
}
