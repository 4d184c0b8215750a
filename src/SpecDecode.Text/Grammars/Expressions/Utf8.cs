using SpecDecode.Tokenizers.Patterns;

namespace SpecDecode.Grammars.Expressions;

/// <summary>A range of bytes, both ends included.</summary>
internal readonly record struct ByteRange(byte From, byte To);

/// <summary>Sets of characters as sequences of byte ranges.</summary>
internal static class Utf8
{
    /// <summary>All code points that are characters: no surrogates.</summary>
    public static CodePointSet Characters { get; } = CodePointSet.Between([0, 0xD800, 0xE000, 0x110000]);

    /// <summary>The byte sequences of a set's characters: each is one range of bytes for every byte.</summary>
    public static IEnumerable<ByteRange[]> Sequences(CodePointSet set)
    {
        int[] bounds = set.Bounds.ToArray();
        for (int i = 0; i < bounds.Length; i += 2)
        {
            foreach (var sequence in Split(bounds[i], bounds[i + 1] - 1))
                yield return sequence;
        }
    }

    private static IEnumerable<ByteRange[]> Split(int from, int to)
    {
        // Where the length of the encoding changes; each part has characters of one length.
        foreach (int last in (int[])[0x7F, 0x7FF, 0xFFFF, 0x10FFFF])
        {
            if (from > to || from > last)
                continue;
            foreach (var sequence in SplitEqual(from, Math.Min(to, last)))
                yield return sequence;
            from = last + 1;
        }
    }

    private static IEnumerable<ByteRange[]> SplitEqual(int from, int to)
    {
        // Within a sequence of ranges all bytes behind the first one that differs must run through all 64 values.
        for (int bits = 6; bits <= 18 && to > 0x7F; bits += 6)
        {
            int mask = (1 << bits) - 1;
            if ((from & ~mask) == (to & ~mask))
                continue;
            if ((from & mask) != 0)
                return SplitEqual(from, from | mask).Concat(SplitEqual((from | mask) + 1, to));
            if ((to & mask) != mask)
                return SplitEqual(from, (to & ~mask) - 1).Concat(SplitEqual(to & ~mask, to));
        }
        Span<byte> low = stackalloc byte[4];
        Span<byte> high = stackalloc byte[4];
        int length = new System.Text.Rune(from).EncodeToUtf8(low);
        new System.Text.Rune(to).EncodeToUtf8(high);
        var ranges = new ByteRange[length];
        for (int i = 0; i < length; i++)
            ranges[i] = new(low[i], high[i]);
        return [ranges];
    }
}
