using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Tree;

namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>A macro, or the body of a call block, with the scope that it was defined in.</summary>
internal sealed class MacroValue(MacroBody body, Frame scope) : ICallable
{
    /// <summary>Its name; null for a call block's body.</summary>
    public string? Name => body.Name;

    string ICallable.Name => body.Name ?? "caller";

    public IEnumerable<string> Parameters => body.Parameters.Select(parameter => parameter.Name);

    public bool UsesCaller => body.UsesCaller;

    public bool TakesNamed => body.UsesNamed;

    public bool TakesRest => body.UsesRest;

    public object? Call(Run run, Arguments arguments)
    {
        IReadOnlyList<MacroParameter> parameters = body.Parameters;
        run.Meter.Work(1 + (16L * parameters.Count) + arguments.Count);
        MemoryAccount.Mark begin = run.Meter.Memory.Now;
        OutputText output = new(run.Meter);
        Frame frame = scope.Inner(body.AssignedLater, output);
        Dictionary<string, object?> named = new(StringComparer.Ordinal);
        foreach ((string name, object? value) in arguments.Named)
        {
            named[name] = value;
        }

        // Defaults see the parameters before them.
        List<int> missing = [];
        for (int i = 0; i < parameters.Count; i++)
        {
            if (i < arguments.Positional.Count)
            {
                frame.Set(parameters[i].Name, arguments.Positional[i]);
            }
            else if (named.Remove(parameters[i].Name, out object? value))
            {
                frame.Set(parameters[i].Name, value);
            }
            else
            {
                frame.Set(parameters[i].Name, Undefined.Named(parameters[i].Name));
                missing.Add(i);
            }
        }

        if (body.UsesCaller && !body.HasCallerParameter)
        {
            frame.Set("caller", named.Remove("caller", out object? caller) ? caller ?? NoCaller() : NoCaller());
        }

        if (body.UsesNamed)
        {
            DictValue rest = new();
            run.Meter.AllocateItems(named.Count * 2L);
            foreach ((string name, object? value) in named)
            {
                rest.Set(run.Meter, name, value);
            }

            frame.Set("kwargs", rest);
        }
        else if (named.Count > 0)
        {
            throw named.ContainsKey("caller")
                ? TemplateError.Type($"macro {Shown} was invoked with two values for the special caller argument. This is most likely a bug.")
                : TemplateError.Type($"macro {Shown} takes no keyword argument {Repr.OfText(named.Keys.First())}");
        }

        if (body.UsesRest)
        {
            run.Meter.AllocateReferences(arguments.Positional.Count);
            frame.Set("varargs", new TupleValue([.. arguments.Positional.Skip(parameters.Count)]));
        }
        else if (arguments.Positional.Count > parameters.Count)
        {
            throw TemplateError.Type($"macro {Shown} takes not more than {parameters.Count} argument(s)");
        }

        run.Meter.Enter();
        foreach (int i in missing)
        {
            frame.Set(parameters[i].Name, parameters[i].Default is { } value ? value.Evaluate(frame)
                : Undefined.NotProvided(parameters[i].Name));
        }

        body.Execute(frame);
        run.Meter.Leave();
        return output.End(begin, frame);
    }

    private string Shown => body.Name is null ? "None" : Repr.OfText(body.Name);

    private static Undefined NoCaller() => Undefined.Because("No caller defined");
}
