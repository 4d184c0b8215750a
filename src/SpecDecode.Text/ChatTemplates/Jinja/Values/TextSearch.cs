using SpecDecode.ChatTemplates.Jinja.Runtime;

namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>Finds one text in another, in time that grows with the sum of their lengths and not with the product.</summary>
internal static class TextSearch
{
    private const long SmallProduct = 1 << 16;

    /// <summary>The first place, in UTF-16 units, or -1.</summary>
    public static int IndexOf(Meter meter, string text, string part)
    {
        int found = Find(meter, text, part, 0);
        meter.Scan(found < 0 ? text.Length : found);
        return found;
    }

    /// <summary>The last place at which the part lies wholly before <paramref name="end"/>, or -1.</summary>
    public static int LastIndexOf(Meter meter, string text, string part, int end)
    {
        if (part.Length == 0)
        {
            return end;
        }

        if (part.Length <= 8 || (long)end * part.Length <= SmallProduct)
        {
            int last = text.AsSpan(0, end).LastIndexOf(part);
            meter.Scan(end - Math.Max(last, 0));
            return last;
        }

        int found = Match(meter, new string(part.Reverse().ToArray()), end, i => text[end - 1 - i]);
        meter.Scan(found < 0 ? end : found);
        return found < 0 ? -1 : end - found - part.Length;
    }

    /// <summary>All places that do not overlap, from the left.</summary>
    public static IEnumerable<int> All(Meter meter, string text, string part, long most = long.MaxValue)
    {
        int at = 0;
        while (most-- > 0)
        {
            int found = Find(meter, text, part, at);
            meter.Scan((found < 0 ? text.Length : found) - at);
            if (found < 0)
            {
                break;
            }

            yield return found;
            at = found + part.Length;
        }
    }

    private static int Find(Meter meter, string text, string part, int from)
    {
        int length = text.Length - from;
        if (part.Length > length)
        {
            return -1;
        }

        // A short part, or two short texts, cost little whatever is in them.
        if (part.Length <= 8 || (long)length * part.Length <= SmallProduct)
        {
            return text.IndexOf(part, from, StringComparison.Ordinal);
        }

        int found = Match(meter, part, length, i => text[from + i]);
        return found < 0 ? -1 : from + found;
    }

    // Knuth, Morris and Pratt.
    private static int Match(Meter meter, string part, int length, Func<int, char> at)
    {
        meter.Work(part.Length);
        int[] borders = Borders(part);
        int matched = 0;
        for (int i = 0; i < length; i++)
        {
            char character = at(i);
            while (matched > 0 && character != part[matched])
            {
                matched = borders[matched - 1];
            }

            if (character == part[matched] && ++matched == part.Length)
            {
                meter.Work(i >> 2);
                return i - matched + 1;
            }
        }

        meter.Work(length >> 2);
        return -1;
    }

    private static int[] Borders(string part)
    {
        int[] borders = new int[part.Length];
        for (int i = 1, matched = 0; i < part.Length; i++)
        {
            while (matched > 0 && part[i] != part[matched])
            {
                matched = borders[matched - 1];
            }

            if (part[i] == part[matched])
            {
                matched++;
            }

            borders[i] = matched;
        }

        return borders;
    }
}
