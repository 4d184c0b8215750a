using System.Collections.Frozen;
using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Builtins;

/// <summary>Filters that apply another filter or test to each element, when the element is asked for.</summary>
internal static class SelectionFilters
{
    /// <summary>Their names.</summary>
    public static FrozenSet<string> Names { get; } = FrozenSet.Create(StringComparer.Ordinal, "map", "select", "reject", "selectattr", "rejectattr");

    public static void AddTo(FunctionTable table)
    {
        table.Add("map(value, *, **)", (run, a) => new IteratorValue(Map(run, a), a[0]));
        table.Add("select(value, *, **)", (run, a) => new IteratorValue(Select(run, a, keep: true, byAttribute: false), a[0]));
        table.Add("reject(value, *, **)", (run, a) => new IteratorValue(Select(run, a, keep: false, byAttribute: false), a[0]));
        table.Add("selectattr(value, *, **)", (run, a) => new IteratorValue(Select(run, a, keep: true, byAttribute: true), a[0]));
        table.Add("rejectattr(value, *, **)", (run, a) => new IteratorValue(Select(run, a, keep: false, byAttribute: true), a[0]));
    }

    private static IEnumerable<object?> Map(Run run, BoundArguments a)
    {
        if (!Truth.Of(a[0]))
        {
            yield break;
        }

        Func<object?, object?> function = Mapping(run, a);
        foreach (object? item in Sequences.Iterate(run.Meter, a[0]))
        {
            yield return function(item);
        }
    }

    private static Func<object?, object?> Mapping(Run run, BoundArguments a)
    {
        Arguments arguments = new(a.Rest, a.Named);
        if (a.Rest.Count == 0 && arguments.TryGetNamed("attribute", out object? attribute))
        {
            foreach ((string name, _) in a.Named)
            {
                if (name is not ("attribute" or "default"))
                {
                    throw TemplateError.FilterArgument($"Unexpected keyword argument {Repr.OfText(name)}");
                }
            }

            arguments.TryGetNamed("default", out object? substitute);
            return new AttributePath(run, attribute, substitute: substitute).Follow;
        }

        if (a.Rest.Count == 0)
        {
            throw TemplateError.FilterArgument("map requires a filter argument");
        }

        BuiltinFunction filter = Filters.Find(Text.Of(run.Meter, a.Rest[0])) ?? throw TemplateError.Runtime($"No filter named {Repr.Of(a.Rest[0])}.");
        Arguments rest = arguments.Skip(1);
        return item => filter.Call(run, rest.Behind(item));
    }

    private static IEnumerable<object?> Select(Run run, BoundArguments a, bool keep, bool byAttribute)
    {
        if (!Truth.Of(a[0]))
        {
            yield break;
        }

        int used = byAttribute ? 1 : 0;
        if (a.Rest.Count < used)
        {
            throw TemplateError.FilterArgument("Missing parameter for attribute name");
        }

        AttributePath path = new(run, byAttribute ? a.Rest[0] : null);
        Func<object?, bool> test = Truth.Of;
        if (a.Rest.Count > used)
        {
            object? name = a.Rest[used];
            BuiltinFunction function = Tests.Find(Text.Of(run.Meter, name)) ?? throw TemplateError.Runtime($"No test named {Repr.Of(name)}.");
            Arguments rest = new Arguments(a.Rest, a.Named).Skip(used + 1);
            test = item => Truth.Of(function.Call(run, rest.Behind(item)));
        }

        foreach (object? item in Sequences.Iterate(run.Meter, a[0]))
        {
            if (test(path.Follow(item)) == keep)
            {
                yield return item;
            }
        }
    }
}
