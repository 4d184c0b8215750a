using System.Text;
using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Builtins;

/// <summary>What the methods of texts do.</summary>
internal static class TextFunctions
{
    /// <summary>Without white space, or without the characters named, at one or both ends.</summary>
    public static string Strip(Meter meter, string text, string? characters, bool start, bool end)
    {
        // Sorted, so that a long set costs its length once.
        meter.Work(characters?.Length ?? 0);
        HashSet<string>? listed = characters is null ? null : [.. CodePoints.Each(characters)];
        int from = 0;
        int to = text.Length;
        if (start)
        {
            from = CodePoints.Each(text).TakeWhile(Removed).Sum(point => point.Length);
        }

        if (end && from < to)
        {
            to -= CodePoints.EachFromEnd(text).TakeWhile(Removed).Sum(point => point.Length);
        }

        meter.Work((text.Length - (to - from)) >> 2);
        meter.AllocateText(to - from < text.Length ? to - from : 0);
        return text[from..to];

        bool Removed(string point) => listed is null ? Text.IsSpace(point[0]) : listed.Contains(point);
    }

    /// <summary>As many fill characters as a text lacks to a width.</summary>
    public static string Padding(Meter meter, string text, long width, string fill) => Repeat(meter, fill, width - CodePoints.Length(text));

    public static string Center(Meter meter, string text, long width, string fill)
    {
        long missing = Math.Max(0, width - CodePoints.Length(text));
        long left = (missing / 2) + (missing & width & 1);
        return Repeat(meter, fill, left) + text + Repeat(meter, fill, missing - left);
    }

    public static string ZeroFill(Meter meter, string text, long width)
    {
        bool signed = text.Length > 0 && text[0] is '+' or '-';
        string zeros = Padding(meter, text, width, "0");
        return signed && text.Length > 0 ? text[0] + zeros + text[1..] : zeros + text;
    }

    public static string Repeat(Meter meter, string text, long times)
    {
        if (times <= 0)
        {
            return "";
        }

        meter.AllocateText(Math.Min(times, int.MaxValue) * text.Length);
        return text.Length == 1 ? new string(text[0], (int)times) : string.Concat(Enumerable.Repeat(text, (int)Math.Min(times, int.MaxValue)));
    }

    public static string ExpandTabs(Meter meter, string text, long size)
    {
        StringBuilder result = new();
        long column = 0;
        foreach (char character in text)
        {
            if (character == '\t')
            {
                long spaces = size > 0 ? size - (column % size) : 0;
                result.Append(Repeat(meter, " ", spaces));
                column += spaces;
            }
            else
            {
                result.Append(character);
                column = character is '\n' or '\r' ? 0 : column + 1;
            }
        }

        meter.AllocateText(result.Length);
        return result.ToString();
    }

    /// <param name="meter">Counts.</param>
    /// <param name="text">Where.</param>
    /// <param name="old">What; the empty text is found before each character and at the end.</param>
    /// <param name="replacement">What comes instead.</param>
    /// <param name="count">How often at most; negative for always.</param>
    public static string Replace(Meter meter, string text, string old, string replacement, long count)
    {
        long most = count < 0 ? long.MaxValue : count;
        StringBuilder result = new();
        int copied = 0;
        if (old.Length == 0)
        {
            foreach (string point in CodePoints.Each(text).TakeWhile(_ => most > 0))
            {
                meter.AllocateText(replacement.Length + point.Length);
                result.Append(replacement).Append(point);
                copied += point.Length;
                most--;
            }

            result.Append(most > 0 ? replacement : "").Append(text, copied, text.Length - copied);
            meter.AllocateText(result.Length);
            return result.ToString();
        }

        foreach (int found in TextSearch.All(meter, text, old, most))
        {
            meter.Step();
            meter.AllocateText(replacement.Length + found - copied);
            result.Append(text, copied, found - copied).Append(replacement);
            copied = found + old.Length;
        }

        if (copied == 0)
        {
            return text;
        }

        meter.AllocateText(text.Length - copied);
        return result.Append(text, copied, text.Length - copied).ToString();
    }

    public static string Join(Meter meter, string separator, object? iterable, bool escape)
    {
        StringBuilder result = new();
        int index = 0;
        foreach (object? item in Sequences.Iterate(meter, iterable))
        {
            string part = escape ? MarkupValue.Escape(meter, item)
                : Text.TryGet(item, out string text) ? text
                : throw TemplateError.Type($"sequence item {index}: expected str instance, {TypeName.Of(item)} found");
            meter.AllocateText(part.Length + separator.Length);
            result.Append(index++ == 0 ? "" : separator).Append(part);
        }

        return result.ToString();
    }

    public static object? Translate(Run run, string text, BoundArguments a)
    {
        StringBuilder result = new();
        foreach (int code in CodePoints.Numbers(text))
        {
            run.Meter.Step();
            string part = !Indexing.TryGet(run.Meter, a[1], (long)code, out object? value) ? CodePoints.OfNumber(code)
                : value is null ? ""
                : Text.TryGet(value, out string replacement) ? replacement
                : Number.IsInteger(value) && Number.Index(value) is >= 0 and <= 0x10FFFF ? CodePoints.OfNumber((int)Number.Index(value))
                : throw TemplateError.Type("character mapping must return integer, None or str");
            run.Meter.AllocateText(part.Length);
            result.Append(part);
        }

        return result.ToString();
    }

    /// <summary>Whether a text begins or ends with another, or with one of a tuple's.</summary>
    public static bool Affix(Meter meter, string text, BoundArguments a, bool atEnd)
    {
        if (Window(meter, text, a) is not var (window, _))
        {
            return false;
        }

        IReadOnlyList<object?> affixes = a[1] switch
        {
            TupleValue tuple => tuple.Items,
            Undefined undefined => throw undefined.Error(),
            var single when Text.Is(single) => [single],
            var other => throw TemplateError.Type(
                $"{(atEnd ? "endswith" : "startswith")} first arg must be str or a tuple of str, not {TypeName.Of(other)}"),
        };
        foreach (object? affix in affixes)
        {
            meter.Step();
            if (!Text.TryGet(affix, out string part))
            {
                throw TemplateError.Type($"tuple for {(atEnd ? "endswith" : "startswith")} must only contain str, not {TypeName.Of(affix)}");
            }

            meter.Scan(part.Length);
            if (atEnd ? window.EndsWith(part, StringComparison.Ordinal) : window.StartsWith(part, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The code point at which another text begins, or -1.</summary>
    public static int Find(Meter meter, string text, BoundArguments a, bool last)
    {
        string part = a.Text(1);
        meter.Work(part.Length >> 3);
        if (Window(meter, text, a) is not var (window, start))
        {
            return -1;
        }

        int unit = last ? TextSearch.LastIndexOf(meter, window, part, window.Length) : TextSearch.IndexOf(meter, window, part);
        meter.Scan(Math.Max(unit, 0));
        return unit < 0 ? -1 : start + CodePoints.IndexOfUnit(window, unit);
    }

    public static int Count(Meter meter, string text, BoundArguments a)
    {
        string part = a.Text(1);
        meter.Work(part.Length >> 3);
        if (Window(meter, text, a) is not var (window, _))
        {
            return 0;
        }

        meter.Scan(part.Length == 0 ? window.Length : 0);
        return part.Length == 0 ? CodePoints.Length(window) + 1 : TextSearch.All(meter, window, part).Count();
    }

    // The part between the second and third argument, and its first code point; null where it starts behind the end.
    private static (string Text, int Start)? Window(Meter meter, string text, BoundArguments a)
    {
        if (a.Or(2, null) is null && a.Or(3, null) is null)
        {
            return (text, 0);
        }

        meter.Work(text.Length >> 4);
        int length = CodePoints.Length(text);
        long start = Bound(a.WholeOrNone(2) ?? 0, length);
        long end = Math.Min(Bound(a.WholeOrNone(3) ?? length, length), length);
        if (start > length || end < start)
        {
            return null;
        }

        int from = CodePoints.UnitOfIndex(text, (int)start);
        return (text[from..CodePoints.UnitOfIndex(text, (int)end)], (int)start);
    }

    private static long Bound(long index, int length) => index < 0 ? Math.Max(0, index + length) : index;
}
