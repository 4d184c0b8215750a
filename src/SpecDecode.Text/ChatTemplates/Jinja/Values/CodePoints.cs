using System.Globalization;
using System.Text;
using SpecDecode.ChatTemplates.Jinja.Runtime;

namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>
/// Texts counted in code points, as Python counts them. A text without surrogates, which is nearly every one, is its own
/// index.
/// </summary>
internal static class CodePoints
{
    private static readonly string[] Ascii = [.. Enumerable.Range(0, 128).Select(code => ((char)code).ToString())];

    public static int Length(string text) => IsSimple(text) ? text.Length : text.Length - Pairs(text);

    /// <summary>Whether code points and UTF-16 units are the same.</summary>
    public static bool IsSimple(ReadOnlySpan<char> text) => !text.ContainsAnyInRange('\uD800', '\uDFFF');

    /// <summary>How many code points lie before a UTF-16 unit.</summary>
    public static int IndexOfUnit(string text, int unit) => unit <= 0 || IsSimple(text.AsSpan(0, unit)) ? unit : unit - Pairs(text.AsSpan(0, unit));

    /// <summary>The UTF-16 unit at which a code point begins; the end of the text for those beyond.</summary>
    public static int UnitOfIndex(string text, int index)
    {
        if (IsSimple(text))
        {
            return Math.Min(index, text.Length);
        }

        int unit = 0;
        for (; index > 0 && unit < text.Length; index--)
        {
            unit += Width(text, unit);
        }

        return unit;
    }

    /// <summary>One code point as a text.</summary>
    public static string At(string text, int index)
    {
        int unit = UnitOfIndex(text, index);
        return Cut(text, unit, Width(text, unit));
    }

    /// <summary>Each code point as a text.</summary>
    public static IEnumerable<string> Each(string text)
    {
        for (int unit = 0; unit < text.Length;)
        {
            int width = Width(text, unit);
            yield return Cut(text, unit, width);
            unit += width;
        }
    }

    /// <summary>The same from the last to the first.</summary>
    public static IEnumerable<string> EachFromEnd(string text)
    {
        for (int end = text.Length; end > 0;)
        {
            int width = end > 1 && char.IsSurrogatePair(text[end - 2], text[end - 1]) ? 2 : 1;
            end -= width;
            yield return Cut(text, end, width);
        }
    }

    /// <summary>The code points' numbers; half a surrogate pair is its own.</summary>
    public static IEnumerable<int> Numbers(string text)
    {
        for (int unit = 0; unit < text.Length;)
        {
            int width = Width(text, unit);
            yield return width == 2 ? char.ConvertToUtf32(text[unit], text[unit + 1]) : text[unit];
            unit += width;
        }
    }

    /// <summary>The text of a code point; a surrogate is allowed.</summary>
    public static string OfNumber(int code) => code < 128 ? Ascii[code] : code < 0x10000 ? ((char)code).ToString() : char.ConvertFromUtf32(code);

    /// <summary>Every <paramref name="step"/>th code point of a slice whose bounds are already within the text.</summary>
    public static string Slice(Meter meter, string text, int start, int count, int step)
    {
        meter.Scan(text.Length);
        meter.AllocateText(count);
        if (IsSimple(text) && step == 1)
        {
            return text.Substring(start, count);
        }

        if (IsSimple(text))
        {
            return string.Create(count, (text, start, step), static (result, from) =>
            {
                for (int i = 0; i < result.Length; i++)
                {
                    result[i] = from.text[from.start + (i * from.step)];
                }
            });
        }

        string[] points = [.. Each(text)];
        meter.AllocateItems(points.Length);
        StringBuilder slice = new();
        for (int i = 0; i < count; i++)
        {
            slice.Append(points[start + (i * step)]);
        }

        return slice.ToString();
    }

    public static UnicodeCategory Category(int code) =>
        code is >= 0xD800 and <= 0xDFFF ? UnicodeCategory.Surrogate : CharUnicodeInfo.GetUnicodeCategory(code);

    private static int Width(string text, int unit) =>
        char.IsHighSurrogate(text[unit]) && unit + 1 < text.Length && char.IsLowSurrogate(text[unit + 1]) ? 2 : 1;

    private static string Cut(string text, int unit, int width) => width == 1 && text[unit] < 128 ? Ascii[text[unit]] : text.Substring(unit, width);

    private static int Pairs(ReadOnlySpan<char> text)
    {
        int pairs = 0;
        for (int i = 0; i + 1 < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && char.IsLowSurrogate(text[i + 1]))
            {
                pairs++;
                i++;
            }
        }

        return pairs;
    }
}
