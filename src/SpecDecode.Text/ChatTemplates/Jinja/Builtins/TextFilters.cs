using System.Text;
using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Builtins;

/// <summary>Filters that make a text.</summary>
internal static class TextFilters
{
    public static void AddTo(FunctionTable table)
    {
        table.Add("tojson(x, ensure_ascii?, indent?, separators?, sort_keys?)", JsonText.Dump);
        table.AddQuick("string(value)", (run, a) => Text.Is(a[0]) ? a[0] : a.Printed(run, 0));
        table.Add("trim(value, chars?)", (run, a) =>
            Mapped(run, a, text => TextFunctions.Strip(run.Meter, text, a.Or(1, null) is null ? null : a.Text(1), start: true, end: true)));
        table.Add("upper(s)", (run, a) => Mapped(run, a, text => CaseMapping.Upper(run.Meter, text)));
        table.Add("lower(s)", (run, a) => Mapped(run, a, text => CaseMapping.Lower(run.Meter, text)));
        table.Add("capitalize(s)", (run, a) => Mapped(run, a, text => CaseMapping.Capitalize(run.Meter, text)));
        table.Add("title(s)", (run, a) => Mapped(run, a, text => Title(run.Meter, text)));
        table.Add("center(value, width?)", (run, a) => Mapped(run, a, text => TextFunctions.Center(run.Meter, text, a.Whole(1, 80), " ")));
        table.Add("replace(s, old, new, count?)", (run, a) =>
            TextFunctions.Replace(run.Meter, a.Printed(run, 0), a.Printed(run, 1), a.Printed(run, 2), a.WholeOrNone(3) ?? -1));
        table.Add("indent(s, width?, first?, blank?)", Indent);
        table.Add("truncate(s, length?, killwords?, end?, leeway?)", Truncate);
        table.Add("wordwrap(s, width?, break_long_words?, wrapstring?, break_on_hyphens?)", (run, a) => TextWrapping.Wrap(
            run.Meter, a.Text(0), a.Whole(1, 79), a.Truth(2, absent: true), a.Or(3, null) is null ? "\n" : a.Text(3), a.Truth(4, absent: true)));
        table.Add("wordcount(s)", (run, a) => WordCount(run.Meter, a.Printed(run, 0)));
        table.Add("format(value, *, **)", Format);
        table.Add("escape(s)", (run, a) => new MarkupValue(MarkupValue.Escape(run.Meter, a[0])), "e");
        table.Add("forceescape(value)", (run, a) => new MarkupValue(MarkupValue.Escape(run.Meter, a.Printed(run, 0))));
        table.Add("safe(value)", (run, a) => new MarkupValue(a.Printed(run, 0)));
        table.Add("striptags(value)", (run, a) => Html.StripTags(run.Meter, a.Printed(run, 0)));
        table.Add("urlencode(value)", UrlEncode);
        table.Add("xmlattr(d, autospace?)", XmlAttributes);
        table.Add("pprint(value)", (run, a) => PrettyText.Of(run.Meter, a[0]));
        table.Refuse("urlize", "links in HTML are not made here; remove the filter from the template.");
    }

    private static object Mapped(Run run, BoundArguments a, Func<string, string> map)
    {
        string text = a.Printed(run, 0);
        run.Meter.Scan(text.Length);
        return Text.Like(a[0], map(text));
    }

    // Words begin behind white space, hyphens and opening brackets.
    private static string Title(Meter meter, string text)
    {
        StringBuilder result = new();
        int begin = 0;
        while (begin < text.Length)
        {
            int end = begin;
            while (end < text.Length && !(Text.IsSpace(text[end]) || text[end] is '-' or '(' or '{' or '[' or '<'))
            {
                end++;
            }

            if (end == begin)
            {
                result.Append(text[begin++]);
                continue;
            }

            meter.Work(8);
            int first = begin + (char.IsHighSurrogate(text[begin]) && begin + 1 < end ? 2 : 1);
            result.Append(CaseMapping.Upper(meter, text[begin..first])).Append(CaseMapping.Lower(meter, text[first..end]));
            begin = end;
        }

        return result.ToString();
    }

    private static object? Indent(Run run, BoundArguments a)
    {
        object? width = a.Or(1, 4L);
        string indention = Text.TryGet(width, out string given) ? given : TextFunctions.Repeat(run.Meter, " ", Number.Index(width));
        if (!Text.Is(a[0]))
        {
            throw a[0] is Undefined undefined ? undefined.Error()
                : TemplateError.Type($"unsupported operand type(s) for +=: '{TypeName.Of(a[0])}' and 'str'");
        }

        IReadOnlyList<object?> lines = TextSplitting.Lines(run.Meter, a.Text(0) + "\n", keepEnds: false).Items;
        bool blank = a.Truth(3);
        StringBuilder result = new(a.Truth(2) ? indention : "");
        for (int i = 0; i < lines.Count; i++)
        {
            string line = (string)lines[i]!;
            run.Meter.AllocateText(indention.Length + line.Length);
            result.Append(i > 0 ? "\n" : "").Append(i > 0 && (blank || line.Length > 0) ? indention : "").Append(line);
        }

        return Text.Like(a[0], result.ToString());
    }

    private static object? Truncate(Run run, BoundArguments a)
    {
        long length = a.Whole(1, 255);
        string end = a.Has(3) ? a.Text(3) : "...";
        long leeway = a.WholeOrNone(4) ?? 5;
        int ending = CodePoints.Length(end);
        if (length < ending)
        {
            throw new TemplateError("AssertionError", $"expected length >= {ending}, got {length}");
        }

        if (leeway < 0)
        {
            throw new TemplateError("AssertionError", $"expected leeway >= 0, got {leeway}");
        }

        if (Sequences.Length(run.Meter, a[0]) <= length + leeway)
        {
            return a[0];
        }

        string text = a.Text(0);
        string cut = CodePoints.Slice(run.Meter, text, 0, (int)(length - ending), 1);
        int space = a.Truth(2) ? -1 : cut.LastIndexOf(' ');
        return Text.Like(a[0], (space < 0 ? cut : cut[..space]) + end);
    }

    private static long WordCount(Meter meter, string text)
    {
        meter.Work(text.Length >> 3);
        long words = 0;
        bool inWord = false;
        foreach (int code in CodePoints.Numbers(text))
        {
            bool word = TextClasses.IsWord(code);
            words += word && !inWord ? 1 : 0;
            inWord = word;
        }

        return words;
    }

    private static object? Format(Run run, BoundArguments a)
    {
        if (a.Rest.Count > 0 && a.Named.Count > 0)
        {
            throw TemplateError.FilterArgument("can't handle positional and keyword arguments at the same time");
        }

        object values = new TupleValue(a.Rest);
        if (a.Named.Count > 0)
        {
            DictValue named = new();
            foreach ((string name, object? value) in a.Named)
            {
                named.Set(run.Meter, name, value);
            }

            values = named;
        }

        return Operators.Apply(run, BinaryOperator.Modulo, Text.Is(a[0]) ? a[0] : a.Printed(run, 0), values);
    }

    private static object? UrlEncode(Run run, BoundArguments a)
    {
        if (Text.Is(a[0]) || !Sequences.IsIterable(a[0]))
        {
            return Quote(run.Meter, a.Printed(run, 0), safe: "/");
        }

        IEnumerable<object?> pairs = a[0] is DictValue dict
            ? dict.Entries.Select(entry => new TupleValue([entry.Key, entry.Value]))
            : Sequences.Iterate(run.Meter, a[0]);
        return string.Join('&', pairs.Select(pair =>
        {
            List<object?> parts = Unpacking.Of(run.Meter, pair, 2);
            return string.Join('=', parts.Select(part =>
                Quote(run.Meter, Text.Of(run.Meter, part), safe: "").Replace("%20", "+", StringComparison.Ordinal)));
        }));
    }

    private static string Quote(Meter meter, string text, string safe)
    {
        meter.Work(text.Length);
        StringBuilder result = new();
        foreach (byte unit in Encoding.UTF8.GetBytes(text))
        {
            char character = (char)unit;
            _ = char.IsAsciiLetterOrDigit(character) || character is '_' or '.' or '-' or '~' || safe.Contains(character, StringComparison.Ordinal)
                ? result.Append(character)
                : result.Append('%').Append(unit.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
        }

        meter.AllocateText(result.Length);
        return result.ToString();
    }

    private static object? XmlAttributes(Run run, BoundArguments a)
    {
        if (a[0] is not DictValue dict)
        {
            throw a[0] is Undefined undefined ? undefined.Error() : TemplateError.Attribute($"'{TypeName.Of(a[0])}' object has no attribute 'items'");
        }

        List<string> attributes = [];
        foreach ((object? key, object? value) in dict.Entries)
        {
            if (value is null or Undefined)
            {
                continue;
            }

            string name = Text.TryGet(key, out string text) ? text : throw TemplateError.Type("expected string or bytes-like object");
            run.Meter.Work(name.Length >> 2);
            if (name.Any(character => character is ' ' or (>= '\t' and <= '\r') or '/' or '>' or '='))
            {
                throw TemplateError.Value($"Invalid character in attribute name: {Repr.OfText(name)}");
            }

            string attribute = $"{MarkupValue.Escape(run.Meter, key)}=\"{MarkupValue.Escape(run.Meter, value)}\"";
            run.Meter.AllocateText(attribute.Length * 2L);
            attributes.Add(attribute);
        }

        return (a.Truth(1, absent: true) && attributes.Count > 0 ? " " : "") + string.Join(' ', attributes);
    }
}
