using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Builtins;

/// <summary>Arguments by the place of their parameters.</summary>
internal sealed class BoundArguments(object?[] values, IReadOnlyList<object?> rest, IReadOnlyList<KeyValuePair<string, object?>> named)
{
    /// <summary>Stands for an argument that was not given.</summary>
    public static object Absent { get; } = new();

    /// <summary>An argument that is required.</summary>
    public object? this[int index] => values[index];

    /// <summary>What was given beyond the parameters.</summary>
    public IReadOnlyList<object?> Rest => rest;

    public IReadOnlyList<KeyValuePair<string, object?>> Named => named;

    public bool Has(int index) => values[index] != Absent;

    /// <summary>An argument, or what stands in for one that was not given.</summary>
    public object? Or(int index, object? absent) => Has(index) ? values[index] : absent;

    /// <summary>A whole number.</summary>
    public long Whole(int index, long absent = 0) => Has(index) ? Number.Index(values[index]) : absent;

    /// <summary>A whole number, where None counts as not given.</summary>
    public long? WholeOrNone(int index) => Has(index) && values[index] is not null ? Number.Index(values[index]) : null;

    public bool Truth(int index, bool absent = false) => Has(index) ? Values.Truth.Of(values[index]) : absent;

    /// <summary>A text; anything else is an error.</summary>
    public string Text(int index) => Values.Text.TryGet(values[index], out string text) ? text
        : values[index] is Undefined undefined ? throw undefined.Error()
        : throw TemplateError.Type($"argument {index} must be str, not {TypeName.Of(values[index])}");

    /// <summary>With texts behind the first argument escaped for HTML, as methods of markup take them.</summary>
    public BoundArguments Escaped(Meter meter) => new(
        [values[0], .. values.Skip(1).Select(value => Values.Text.Is(value) ? MarkupValue.Escape(meter, value) : value)], rest, named);

    /// <summary>Any value as a text; what is none yet is printed.</summary>
    public string Printed(Run run, int index) => Values.Text.Of(run.Meter, values[index]);
}
