using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Syntax;

namespace SpecDecode.ChatTemplates.Jinja.Tree;

/// <summary>A part of a template that has a value.</summary>
internal abstract class Expression(Position at)
{
    /// <summary>Where it is, for errors.</summary>
    public Position At => at;

    /// <summary>The parts that it is made of.</summary>
    public abstract IEnumerable<Expression> Parts { get; }

    public object? Evaluate(Frame frame)
    {
        Meter.EnsureStack();
        frame.Meter.Step();
        return Compute(frame);
    }

    /// <summary>Tells the names of all variables that it reads.</summary>
    public virtual void ReadNames(Action<string> read)
    {
        Meter.EnsureStack();
        foreach (Expression part in Parts)
        {
            part.ReadNames(read);
        }
    }

    protected abstract object? Compute(Frame frame);

    /// <summary>Says that this is where an error would come from now.</summary>
    protected void Mark(Frame frame) => frame.Meter.At = at;
}
