using SpecDecode.ChatTemplates.Jinja.Runtime;

namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>What <c>joiner()</c> makes: called, it is nothing the first time and the separator from then on.</summary>
internal sealed class JoinerValue(object? separator) : ICallable
{
    private bool _used;

    public string Name => "joiner";

    public object? Call(Run run, Arguments arguments)
    {
        if (arguments is not { Positional: [], Named: [] })
        {
            throw TemplateError.Type("a joiner takes no arguments");
        }

        if (_used)
        {
            return separator;
        }

        _used = true;
        return "";
    }
}
