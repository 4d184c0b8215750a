using System.Text;
using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Builtins;

/// <summary>The method <c>format</c> of texts: <c>"{0}: {name.attribute[0]!r:&gt;10}".format(…)</c>, attributes by the sandbox's rules.</summary>
internal sealed class BraceFormat
{
    private readonly Run _run;
    private readonly IReadOnlyList<object?> _positional;
    private readonly Func<string, object?> _named;
    private readonly bool _escape;
    private int _automatic;

    private BraceFormat(Run run, IReadOnlyList<object?> positional, Func<string, object?> named, bool escape) =>
        (_run, _positional, _named, _escape) = (run, positional, named, escape);

    public static string Apply(Run run, string format, IReadOnlyList<object?> positional, IReadOnlyList<KeyValuePair<string, object?>> named, bool escape)
    {
        Dictionary<string, object?> byName = new(named, StringComparer.Ordinal);
        return new BraceFormat(run, positional, name => byName.TryGetValue(name, out object? value) ? value : throw Missing(name), escape).Expand(format, 2);
    }

    /// <summary>With a mapping for the names.</summary>
    public static string Apply(Run run, string format, object? mapping, bool escape) =>
        new BraceFormat(run, [], name => Indexing.TryGet(run.Meter, mapping, name, out object? value) ? value : throw Missing(name), escape).Expand(format, 2);

    private static TemplateError Missing(string name) => TemplateError.Key(Repr.OfText(name));

    private string Expand(string format, int depth)
    {
        if (depth < 0)
        {
            throw TemplateError.Value("Max string recursion exceeded");
        }

        StringBuilder result = new();
        for (int at = 0; at < format.Length;)
        {
            int brace = format.AsSpan(at).IndexOfAny('{', '}');
            if (brace < 0)
            {
                result.Append(format, at, format.Length - at);
                break;
            }

            result.Append(format, at, brace);
            at += brace;
            char character = format[at];
            if (at + 1 < format.Length && format[at + 1] == character)
            {
                result.Append(character);
                at += 2;
                continue;
            }

            if (character == '}')
            {
                throw TemplateError.Value("Single '}' encountered in format string");
            }

            int end = EndOfField(format, at);
            _run.Meter.Step();
            string field = Field(format[(at + 1)..end], depth);
            _run.Meter.AllocateText(field.Length);
            result.Append(field);
            at = end + 1;
        }

        _run.Meter.AllocateText(format.Length);
        return result.ToString();
    }

    private static int EndOfField(string format, int at)
    {
        if (at + 1 == format.Length)
        {
            throw TemplateError.Value("Single '{' encountered in format string");
        }

        // A bracket in the name may hold braces; the specification may hold fields.
        int open = 0;
        bool inBracket = false;
        bool inName = true;
        for (int i = at; i < format.Length; i++)
        {
            inBracket = inName && (inBracket ? format[i] != ']' : format[i] == '[');
            inName &= inBracket || format[i] is not (':' or '!');
            open += inBracket ? 0 : format[i] == '{' ? 1 : format[i] == '}' ? -1 : 0;
            if (open == 0 && !inBracket)
            {
                return i;
            }
        }

        throw TemplateError.Value("expected '}' before end of string");
    }

    private string Field(string field, int depth)
    {
        int nameEnd = 0;
        for (bool inBracket = false; nameEnd < field.Length && (inBracket || field[nameEnd] is not (':' or '!')); nameEnd++)
        {
            inBracket = inBracket ? field[nameEnd] != ']' : field[nameEnd] == '[';
        }

        string rest = field[nameEnd..];
        object? value = Value(field[..nameEnd]);
        if (rest.StartsWith('!'))
        {
            if (rest.Length < 2 || (rest.Length > 2 && rest[2] != ':'))
            {
                throw TemplateError.Value(rest.Length < 2 ? "unmatched '{' in format spec" : "expected ':' after conversion specifier");
            }

            value = rest[1] switch
            {
                's' => Text.Of(_run.Meter, value),
                'r' => Repr.Of(value, _run.Meter),
                'a' => Repr.Ascii(value, _run.Meter),
                _ => throw TemplateError.Value($"Unknown conversion specifier {rest[1]}"),
            };
            rest = rest[2..];
        }

        string specification = rest.StartsWith(':') ? Expand(rest[1..], depth - 1) : "";
        return _escape && Text.Is(value) && specification.Length == 0 ? MarkupValue.Escape(_run.Meter, value)
            : _escape ? MarkupValue.Escape(_run.Meter, FormatSpec.Apply(_run, value, specification))
            : FormatSpec.Apply(_run, value, specification);
    }

    private object? Value(string name)
    {
        int end = name.AsSpan().IndexOfAny('.', '[');
        string first = end < 0 ? name : name[..end];
        object? value = First(first);
        for (int at = end < 0 ? name.Length : end; at < name.Length;)
        {
            if (name[at] == '.')
            {
                int next = name.AsSpan(at + 1).IndexOfAny('.', '[') is var found and >= 0 ? at + 1 + found : name.Length;
                string attribute = name[(at + 1)..next];
                value = attribute.Length > 0 ? Access.Attribute(_run, value, attribute) : throw TemplateError.Value("Empty attribute in format string");
                at = next;
            }
            else if (name[at] == '[')
            {
                int close = name.IndexOf(']', at);
                if (close < 0)
                {
                    throw TemplateError.Value("Missing ']' in format string");
                }

                string key = name[(at + 1)..close];
                value = Access.Item(_run, value, key.Length > 0 && key.All(char.IsAsciiDigit) && key.Length < 10
                    ? long.Parse(key, System.Globalization.CultureInfo.InvariantCulture)
                    : key.Length > 0 ? key : throw TemplateError.Value("Empty attribute in format string"));
                at = close + 1;
            }
            else
            {
                throw TemplateError.Value("Only '.' or '[' may follow ']' in format field specifier");
            }
        }

        return value;
    }

    private object? First(string name)
    {
        if (name.Length > 0 && !name.All(char.IsAsciiDigit))
        {
            return _named(name);
        }

        if (name.Length > 0 ? _automatic > 0 : _automatic < 0)
        {
            throw TemplateError.Value("cannot switch from manual field specification to automatic field numbering");
        }

        int index = name.Length == 0 ? _automatic++ : int.TryParse(name, out int given) ? given : int.MaxValue;
        _automatic = name.Length > 0 ? -1 : _automatic;
        return index < _positional.Count ? _positional[index]
            : throw TemplateError.Index("tuple index out of range");
    }
}
