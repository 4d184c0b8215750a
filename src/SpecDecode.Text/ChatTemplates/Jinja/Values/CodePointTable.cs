using System.Globalization;

namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>A map of code points, or a set of them, from a text of <see cref="CaseTables"/>.</summary>
internal sealed class CodePointTable
{
    // In order of their beginnings; ranges with a step of 2 do not overlap others.
    private readonly Entry[] _entries;

    /// <param name="table">Entries such as <c>DF</c>, <c>41-5A=61</c>, <c>100-12E/2=101</c>.</param>
    public CodePointTable(string table) => _entries = [.. table
        .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
        .Select(Read)
        .OrderBy(entry => entry.First)];

    public bool Contains(int code) => Find(code) is not null;

    /// <summary>What a code point becomes; itself where the table does not say.</summary>
    public int Map(int code) => code + (Find(code)?.Offset ?? 0);

    private Entry? Find(int code)
    {
        int low = 0;
        int high = _entries.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) >> 1;
            Entry entry = _entries[middle];
            if (code < entry.First)
            {
                high = middle - 1;
            }
            else if (code > entry.Last)
            {
                low = middle + 1;
            }
            else
            {
                return (code - entry.First) % entry.Step == 0 ? entry : null;
            }
        }

        return null;
    }

    private static Entry Read(string text)
    {
        string[] sides = text.Split('=');
        string[] range = sides[0].Split('/');
        string[] ends = range[0].Split('-');
        int first = Hexadecimal(ends[0]);
        return new Entry(first, Hexadecimal(ends[^1]), range.Length > 1 ? 2 : 1, sides.Length > 1 ? Hexadecimal(sides[1]) - first : 0);
    }

    private static int Hexadecimal(string text) => int.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private sealed record Entry(int First, int Last, int Step, int Offset);
}
