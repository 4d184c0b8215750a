using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Builtins;

/// <summary>The parameters of a function of the engine, and binding arguments to them.</summary>
internal sealed class Signature
{
    private readonly string[] _parameters;
    private readonly int _required;
    private readonly bool _takesRest;
    private readonly bool _takesNamed;
    private readonly bool _byPlaceOnly;

    /// <param name="text">
    /// Such as <c>join(value, d?, attribute?)</c>: a question mark for what may be left out, <c>*</c> and <c>**</c> for the
    /// rest by place and by name, <c>/</c> at the end where no name may be used.
    /// </param>
    public Signature(string text)
    {
        int open = text.IndexOf('(', StringComparison.Ordinal);
        Name = text[..open];
        List<string> parameters = [];
        foreach (string part in text[(open + 1)..^1].Split(", ", StringSplitOptions.RemoveEmptyEntries))
        {
            switch (part)
            {
                case "*":
                    _takesRest = true;
                    break;
                case "**":
                    _takesNamed = true;
                    break;
                case "/":
                    _byPlaceOnly = true;
                    break;
                default:
                    parameters.Add(part.TrimEnd('?'));
                    _required += part.EndsWith('?') ? 0 : 1;
                    break;
            }
        }

        _parameters = [.. parameters];
    }

    public string Name { get; }

    /// <exception cref="TemplateError">They do not fit.</exception>
    public BoundArguments Bind(Arguments arguments)
    {
        object?[] values = new object?[_parameters.Length];
        Array.Fill(values, BoundArguments.Absent);
        int given = Math.Min(arguments.Positional.Count, values.Length);
        for (int i = 0; i < given; i++)
        {
            values[i] = arguments.Positional[i];
        }

        if (arguments.Positional.Count > values.Length && !_takesRest)
        {
            throw TemplateError.Type($"{Name}() takes {values.Length} positional arguments but {arguments.Positional.Count} were given");
        }

        List<KeyValuePair<string, object?>> named = [];
        foreach ((string name, object? value) in arguments.Named)
        {
            int at = _byPlaceOnly ? -1 : Array.IndexOf(_parameters, name);
            if (at >= 0 && values[at] != BoundArguments.Absent)
            {
                throw TemplateError.Type($"{Name}() got multiple values for argument '{name}'");
            }

            if (at >= 0)
            {
                values[at] = value;
            }
            else if (_takesNamed)
            {
                named.Add(new(name, value));
            }
            else
            {
                throw TemplateError.Type(_byPlaceOnly ? $"{Name}() takes no keyword arguments" : $"{Name}() got an unexpected keyword argument '{name}'");
            }
        }

        int missing = Array.IndexOf(values, BoundArguments.Absent, 0, _required);
        if (missing >= 0)
        {
            throw TemplateError.Type($"{Name}() missing 1 required positional argument: '{_parameters[missing]}'");
        }

        return new BoundArguments(values, [.. arguments.Positional.Skip(values.Length)], named);
    }
}
