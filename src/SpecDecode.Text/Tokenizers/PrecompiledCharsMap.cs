using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace SpecDecode.Tokenizers;

/// <summary>
/// SentencePiece's compiled character map: a double-array trie from UTF-8 texts to their replacements. The layout is a
/// 32-bit size, the trie's units of 32 bits (darts-clone), and replacements that end in a zero byte.
/// </summary>
internal sealed class PrecompiledCharsMap
{
    // No published map has a text nearly as long. A damaged trie can lead around in circles, and would at every place of a text.
    private const int MaxMatch = 1024;

    private readonly uint[] _units;
    private readonly byte[] _replacements;

    private PrecompiledCharsMap(uint[] units, byte[] replacements)
    {
        _units = units;
        _replacements = replacements;
    }

    /// <summary>Reads the map from base 64.</summary>
    public static PrecompiledCharsMap Read(JsonNode node)
    {
        var text = node.Text();
        var bytes = new byte[text.Length / 4 * 3 + 3];
        return Convert.TryFromBase64String(text, bytes, out int length) && TryCreate(bytes.AsSpan(0, length)) is { } map
            ? map
            : throw node.Error("is no character map");
    }

    /// <summary>Reads the map; null when it is damaged.</summary>
    public static PrecompiledCharsMap? TryCreate(ReadOnlySpan<byte> blob)
    {
        if (blob.Length < 4)
            return null;
        uint size = BinaryPrimitives.ReadUInt32LittleEndian(blob);
        if (size > blob.Length - 4 || size < 4 || size % 4 != 0)
            return null;
        var units = new uint[size / 4];
        var replacements = blob[(4 + (int)size)..].ToArray();
        for (int i = 0; i < units.Length; i++)
        {
            units[i] = BinaryPrimitives.ReadUInt32LittleEndian(blob[(4 + 4 * i)..]);
            if (units[i] >> 31 != 0 && (units[i] & int.MaxValue) >= replacements.Length)
                return null;
        }
        return replacements is [.., 0] ? new(units, replacements) : null;
    }

    /// <summary>
    /// Finds the replacement of the longest beginning of <paramref name="utf8"/> that has one, or of the shortest. One that
    /// would end within a character does not count.
    /// </summary>
    public bool TryReplace(ReadOnlySpan<byte> utf8, bool longest, out int used, out ReadOnlySpan<byte> replacement)
    {
        used = 0;
        replacement = default;
        uint at = Offset(_units[0]);
        for (int i = 0; i < Math.Min(utf8.Length, MaxMatch); i++)
        {
            at ^= utf8[i];
            if (at >= _units.Length || (_units[at] & 0x800000FF) != utf8[i])
                break;
            uint unit = _units[at];
            at ^= Offset(unit);
            if (at >= _units.Length)
                break;
            bool atCharacter = i + 1 == utf8.Length || (utf8[i + 1] & 0xC0) != 0x80;
            if ((unit >> 8 & 1) == 0 || !atCharacter || _units[at] >> 31 == 0)
                continue;
            used = i + 1;
            replacement = _replacements.AsSpan((int)(_units[at] & int.MaxValue));
            if (!longest)
                break;
        }
        if (used > 0)
            replacement = replacement[..replacement.IndexOf((byte)0)];
        return used > 0;
    }

    /// <summary>
    /// Rewrites a text as tokenizer files of kind <c>Precompiled</c> mean it: short grapheme clusters as a whole, with what
    /// their shortest beginning becomes; others character by character.
    /// </summary>
    public string RewriteGraphemes(string text)
    {
        var output = new StringBuilder(text.Length);
        Span<byte> utf8 = stackalloc byte[8];
        for (int i = 0; i < text.Length;)
        {
            // No cluster that counts is longer than five units; one that never ends is cut, but not within a character.
            int window = Math.Min(text.Length - i, 64);
            window -= char.IsHighSurrogate(text[i + window - 1]) ? 1 : 0;
            int length = StringInfo.GetNextTextElementLength(text.AsSpan(i, window));
            var cluster = text.AsSpan(i, length);
            i += length;
            if (length < 6 && Encoding.UTF8.GetByteCount(cluster) < 6
                && TryReplace(utf8[..Encoding.UTF8.GetBytes(cluster, utf8)], longest: false, out _, out var whole))
            {
                output.Append(Encoding.UTF8.GetString(whole));
                continue;
            }
            foreach (var rune in cluster.EnumerateRunes())
            {
                if (TryReplace(utf8[..rune.EncodeToUtf8(utf8)], longest: false, out _, out var one))
                    output.Append(Encoding.UTF8.GetString(one));
                else
                    output.Append(rune);
            }
            TextRewriting.Check(output.Length);
        }
        return output.ToString();
    }

    private static uint Offset(uint unit) => unit >> 10 << (int)((unit & 0x200) >> 6);
}
