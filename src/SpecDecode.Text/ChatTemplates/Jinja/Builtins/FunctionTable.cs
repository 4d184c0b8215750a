using SpecDecode.ChatTemplates.Jinja.Runtime;

namespace SpecDecode.ChatTemplates.Jinja.Builtins;

/// <summary>Functions by name, while a table of filters or tests is put together.</summary>
internal sealed class FunctionTable
{
    public Dictionary<string, Values.BuiltinFunction> Functions { get; } = new(StringComparer.Ordinal);

    /// <summary>Adds a function under its name and others.</summary>
    public void Add(string signature, Func<Run, BoundArguments, object?> body, params ReadOnlySpan<string> aliases) =>
        Add(signature, body, looks: true, aliases);

    /// <summary>Adds a function that counts by itself what it looks at, if that is anything.</summary>
    public void AddQuick(string signature, Func<Run, BoundArguments, object?> body, params ReadOnlySpan<string> aliases) =>
        Add(signature, body, looks: false, aliases);

    /// <summary>Adds a function that Jinja2 has and that is refused here.</summary>
    public void Refuse(string name, string why) => Add($"{name}(*, **)", (_, _) => throw TemplateError.Unsupported($"{name}: {why}"));

    private void Add(string signature, Func<Run, BoundArguments, object?> body, bool looks, ReadOnlySpan<string> aliases)
    {
        Values.BuiltinFunction function = new(new Signature(signature), (run, a) =>
        {
            object? result = body(run, a);
            return result is int number ? (long)number : result;
        }, looks);
        Functions[function.Name] = function;
        foreach (string alias in aliases)
        {
            Functions[alias] = function;
        }
    }
}
