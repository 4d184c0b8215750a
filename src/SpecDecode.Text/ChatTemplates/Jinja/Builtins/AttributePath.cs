using System.Globalization;
using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Builtins;

/// <summary>What filters take as <c>attribute</c>: names and indices with points between, followed from a value.</summary>
internal sealed class AttributePath
{
    private readonly Run _run;
    private readonly object?[] _parts;
    private readonly bool _foldCase;
    private readonly object? _substitute;

    /// <param name="run">The rendering.</param>
    /// <param name="attribute">A text with points, an index, or None for the value itself.</param>
    /// <param name="foldCase">Make texts at its end lower case, for comparing.</param>
    /// <param name="substitute">Stands in for what is undefined, unless it is None.</param>
    public AttributePath(Run run, object? attribute, bool foldCase = false, object? substitute = null)
    {
        (_run, _foldCase, _substitute) = (run, foldCase, substitute);
        if (Text.TryGet(attribute, out string path))
        {
            run.Meter.Work(path.Length);
        }

        _parts = attribute is null ? []
            : Text.Is(attribute) ? [.. path.Split('.').Select(Part)]
            : [attribute];
    }

    public object? Follow(object? value)
    {
        foreach (object? part in _parts)
        {
            _run.Meter.Step();
            value = Access.Item(_run, value, part);
            if (_substitute is not null && value is Undefined)
            {
                value = _substitute;
            }
        }

        return Fold(_run.Meter, value, _foldCase);
    }

    /// <summary>A text in lower case, anything else as it is.</summary>
    public static object? Fold(Meter meter, object? value, bool foldCase) =>
        foldCase && Text.TryGet(value, out string text) ? CaseMapping.Lower(meter, text) : value;

    private static object Part(string part) => part.Length is > 0 and < 10 && part.All(char.IsAsciiDigit) ? long.Parse(part, CultureInfo.InvariantCulture) : part;
}
