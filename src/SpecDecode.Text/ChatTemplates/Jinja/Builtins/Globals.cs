using System.Collections.Frozen;
using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Builtins;

/// <summary>The functions that every template has: Jinja2's, and those that Hugging Face adds for chat templates.</summary>
internal static class Globals
{
    private static readonly FrozenDictionary<string, BuiltinFunction> ByName = Make();

    public static bool TryGet(string name, out object? value)
    {
        bool found = ByName.TryGetValue(name, out BuiltinFunction? function);
        value = function;
        return found;
    }

    private static FrozenDictionary<string, BuiltinFunction> Make()
    {
        FunctionTable table = new();
        table.Add("raise_exception(message)", (run, a) => throw TemplateError.Raised(a.Printed(run, 0)));
        table.Add("strftime_now(format)", (run, a) => TimeFormat.Apply(run.Meter, run.Now, a.Text(0)));
        table.Add("range(start, stop?, step?, /)", (_, a) => a.Has(1)
            ? new RangeValue(a.Whole(0), a.Whole(1), a.Whole(2, 1))
            : new RangeValue(0, a.Whole(0), 1));
        table.Add("dict(*, **)", (run, a) => Dict(run, a));
        table.Add("namespace(*, **)", Namespace);
        table.Add("cycler(*)", (_, a) => a.Rest.Count > 0 ? new CyclerValue(a.Rest)
            : throw new TemplateError("RuntimeError", "at least one item has to be provided"));
        table.Add("joiner(sep?)", (_, a) => new JoinerValue(a.Or(0, ", ")));
        table.Refuse("lipsum", "the output of a template must not change from call to call; remove the call from the template.");
        return table.Functions.ToFrozenDictionary(StringComparer.Ordinal);
    }

    private static DictValue Dict(Run run, BoundArguments a)
    {
        if (a.Rest.Count > 1)
        {
            throw TemplateError.Type($"dict expected at most 1 argument, got {a.Rest.Count}");
        }

        DictValue dict = new();
        if (a.Rest is [Undefined undefined])
        {
            throw undefined.Error();
        }

        if (a.Rest is [DictValue source])
        {
            run.Meter.AllocateItems(source.Count * 2L);
            foreach ((object? key, object? value) in source.Entries)
            {
                dict.Set(run.Meter, key, value);
            }
        }
        else if (a.Rest is [var pairs])
        {
            foreach (object? pair in Sequences.Iterate(run.Meter, pairs))
            {
                List<object?> parts = Unpacking.Of(run.Meter, pair, 2);
                run.Meter.AllocateItems(2);
                dict.Set(run.Meter, parts[0], parts[1]);
            }
        }

        foreach ((string name, object? value) in a.Named)
        {
            dict.Set(run.Meter, name, value);
        }

        return dict;
    }

    private static object? Namespace(Run run, BoundArguments a)
    {
        NamespaceValue space = new();
        foreach ((object? key, object? value) in Dict(run, a).Entries)
        {
            // Others could be stored by Python, but never read.
            if (Text.TryGet(key, out string name))
            {
                space.Begin(name, value);
            }
        }

        return space;
    }
}
