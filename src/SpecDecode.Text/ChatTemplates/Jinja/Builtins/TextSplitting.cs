using System.Buffers;
using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Builtins;

/// <summary>Texts into parts.</summary>
internal static class TextSplitting
{
    private static readonly SearchValues<char> LineBreaks = SearchValues.Create("\n\r\v\f\u001C\u001D\u001E\u0085\u2028\u2029");

    /// <param name="meter">Counts.</param>
    /// <param name="text">What is split.</param>
    /// <param name="separator">Between parts; null for runs of white space, which at the ends do not count.</param>
    /// <param name="most">How often at most; negative for always.</param>
    public static ListValue Split(Meter meter, string text, string? separator, long most)
    {
        long left = most < 0 ? long.MaxValue : most;
        List<object?> parts = [];
        if (separator is not null)
        {
            int begin = 0;
            foreach (int found in TextSearch.All(meter, text, separator, left))
            {
                Add(meter, parts, text[begin..found]);
                begin = found + separator.Length;
            }

            Add(meter, parts, text[begin..]);
            return new ListValue(parts);
        }

        int at = SkipSpace(text, 0);
        while (at < text.Length)
        {
            if (left-- == 0)
            {
                Add(meter, parts, text[at..]);
                break;
            }

            int end = at;
            while (end < text.Length && !Text.IsSpace(text[end]))
            {
                end++;
            }

            Add(meter, parts, text[at..end]);
            at = SkipSpace(text, end);
        }

        return new ListValue(parts);
    }

    /// <summary>The same, counting from the end.</summary>
    public static ListValue SplitFromEnd(Meter meter, string text, string? separator, long most)
    {
        if (most < 0)
        {
            return Split(meter, text, separator, most);
        }

        long left = most;
        List<object?> parts = [];
        int end = text.Length;
        if (separator is not null)
        {
            while (left-- > 0)
            {
                int found = TextSearch.LastIndexOf(meter, text, separator, end);
                if (found < 0)
                {
                    break;
                }

                Add(meter, parts, text[(found + separator.Length)..end]);
                end = found;
            }

            Add(meter, parts, text[..end]);
        }
        else
        {
            end = Text.TrimEnd(text).Length;
            while (end > 0)
            {
                int begin = end;
                while (left > 0 && begin > 0 && !Text.IsSpace(text[begin - 1]))
                {
                    begin--;
                }

                if (left-- == 0)
                {
                    Add(meter, parts, text[..end]);
                    break;
                }

                Add(meter, parts, text[begin..end]);
                end = Text.TrimEnd(text.AsSpan(0, begin)).Length;
            }
        }

        parts.Reverse();
        return new ListValue(parts);
    }

    /// <summary>Lines, at every line boundary that Python knows.</summary>
    public static ListValue Lines(Meter meter, string text, bool keepEnds)
    {
        List<object?> lines = [];
        int begin = 0;
        while (begin < text.Length)
        {
            int length = text.AsSpan(begin).IndexOfAny(LineBreaks);
            int end = length < 0 ? text.Length : begin + length;
            int next = length < 0 ? end : text[end] == '\r' && end + 1 < text.Length && text[end + 1] == '\n' ? end + 2 : end + 1;
            Add(meter, lines, text[begin..(keepEnds ? next : end)]);
            begin = next;
        }

        return new ListValue(lines);
    }

    public static TupleValue Partition(Meter meter, string text, string separator)
    {
        CheckSeparator(separator);
        int found = TextSearch.IndexOf(meter, text, separator);
        meter.AllocateText(text.Length);
        return found < 0 ? new TupleValue([text, "", ""]) : new TupleValue([text[..found], separator, text[(found + separator.Length)..]]);
    }

    public static TupleValue PartitionFromEnd(Meter meter, string text, string separator)
    {
        CheckSeparator(separator);
        int found = TextSearch.LastIndexOf(meter, text, separator, text.Length);
        meter.AllocateText(text.Length);
        return found < 0 ? new TupleValue(["", "", text]) : new TupleValue([text[..found], separator, text[(found + separator.Length)..]]);
    }

    private static void CheckSeparator(string separator)
    {
        if (separator.Length == 0)
        {
            throw TemplateError.Value("empty separator");
        }
    }

    private static void Add(Meter meter, List<object?> parts, string part)
    {
        meter.Step();
        meter.AllocateItems(1);
        meter.AllocateText(part.Length);
        parts.Add(part);
    }

    private static int SkipSpace(string text, int at)
    {
        while (at < text.Length && Text.IsSpace(text[at]))
        {
            at++;
        }

        return at;
    }
}
