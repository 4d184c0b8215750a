using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Syntax;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Tree;

/// <summary>A part of a template that has a value.</summary>
internal abstract class Expression(Position at)
{
    // Whether it was found to be no constant, which does not change.
    private volatile bool _isVariable;

    /// <summary>Where it is, for errors.</summary>
    public Position At => at;

    /// <summary>The parts that it is made of.</summary>
    public abstract IEnumerable<Expression> Parts { get; }

    public object? Evaluate(Frame frame)
    {
        Meter.EnsureStack();
        frame.Meter.Step();
        return frame.Meter.FoldsConstants && TryFold(frame, out object? constant) && HasLiteral(constant) ? constant : Compute(frame);
    }

    /// <summary>
    /// Evaluates a constant expression as Jinja2 does before it runs a template. That differs in one thing: a slice of what
    /// has no slices is undefined there, and an error where the template runs.
    /// </summary>
    /// <returns>Whether it is one and nothing went wrong.</returns>
    public bool TryFold(Frame frame, out object? value)
    {
        value = null;
        if (_isVariable || frame.Meter.IsFolding)
        {
            return false;
        }

        frame.Meter.IsFolding = true;
        try
        {
            value = Compute(frame);
            return true;
        }
        catch (TemplateError error) when (error.Kind != TemplateError.SecurityKind)
        {
            _isVariable = true;
            return false;
        }
        finally
        {
            frame.Meter.IsFolding = false;
        }
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

    /// <summary>Says that it has no value before the template runs.</summary>
    protected static void RefuseFolding(Frame frame)
    {
        if (frame.Meter.IsFolding)
        {
            throw TemplateError.NotConstant();
        }
    }

    // What Jinja2 can write into a program; other constants it evaluates again where they stand.
    private static bool HasLiteral(object? value) => value switch
    {
        null or string or MarkupValue or RangeValue => true,
        SequenceValue sequence => sequence.Items.All(HasLiteral),
        DictValue dict => dict.Entries.All(entry => HasLiteral(entry.Key) && HasLiteral(entry.Value)),
        _ => Number.Is(value),
    };
}
