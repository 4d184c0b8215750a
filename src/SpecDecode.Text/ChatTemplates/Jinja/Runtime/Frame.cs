using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Runtime;

/// <summary>A scope: its own variables over those of the scopes around it, and where it writes.</summary>
internal sealed class Frame
{
    // Stands for a variable that is assigned in this scope later and must not be looked for outside until then.
    private static readonly object Missing = new();

    // Scopes that can be looked into in the time of a step.
    private const int HopsPerStep = 4;

    private readonly Frame? _parent;
    private Dictionary<string, object?>? _variables;

    private Frame(Run run, Frame? parent, OutputText output)
    {
        Run = run;
        _parent = parent;
        Output = output;
    }

    public Run Run { get; }

    public Meter Meter => Run.Meter;

    public OutputText Output { get; }

    /// <summary>Whether something may see its variables after the scope has ended.</summary>
    public bool IsCaptured { get; private set; }

    /// <summary>The outermost scope of a template.</summary>
    public static Frame Root(Run run, OutputText output, IReadOnlyList<string> assignedLater)
    {
        Frame frame = new(run, parent: null, output);
        frame.Hide(assignedLater);
        return frame;
    }

    /// <summary>A scope inside this one.</summary>
    /// <param name="assignedLater">Names that this scope assigns before it reads them.</param>
    /// <param name="output">Where it writes; by default where this one does.</param>
    public Frame Inner(IReadOnlyList<string> assignedLater, OutputText? output = null)
    {
        Frame frame = new(Run, this, output ?? Output);
        frame.Hide(assignedLater);
        return frame;
    }

    /// <summary>The scope of a block: it sees the template's own variables and none of the scopes around it.</summary>
    /// <param name="assignedLater">Names that the block assigns before it reads them.</param>
    /// <param name="output">Where it writes.</param>
    public Frame Block(IReadOnlyList<string> assignedLater, OutputText output)
    {
        Frame root = this;
        while (root._parent is not null)
        {
            root = root._parent;
        }

        Frame exported = new(Run, parent: null, output);
        Meter.Work(root._variables?.Count ?? 0);
        foreach ((string name, object? value) in root._variables ?? [])
        {
            if (value != Missing)
            {
                exported.Set(name, value);
            }
        }

        return exported.Inner(assignedLater);
    }

    /// <summary>A macro or a loop takes this scope, and with it those around it.</summary>
    public void Capture()
    {
        for (Frame? frame = this; frame is { IsCaptured: false }; frame = frame._parent)
        {
            frame.IsCaptured = true;
        }
    }

    public void Set(string name, object? value)
    {
        _variables ??= new Dictionary<string, object?>(StringComparer.Ordinal);
        _variables[name] = value;
    }

    /// <summary>A variable's value; one that does not exist is undefined.</summary>
    public object? Get(string name)
    {
        int hops = 0;
        for (Frame? frame = this; frame is not null; frame = frame._parent, hops++)
        {
            if (hops == HopsPerStep)
            {
                Meter.Step();
                hops = 0;
            }

            if (frame._variables is { } variables && variables.TryGetValue(name, out object? value))
            {
                return value == Missing ? Undefined.Named(name) : value;
            }
        }

        return Run.TryResolve(name, out object? resolved) ? resolved : Undefined.Named(name);
    }

    private void Hide(IReadOnlyList<string> names)
    {
        Meter.Work(names.Count * 2L);
        foreach (string name in names)
        {
            Set(name, Missing);
        }
    }
}
