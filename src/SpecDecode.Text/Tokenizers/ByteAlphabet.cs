using System.Text;

namespace SpecDecode.Tokenizers;

/// <summary>
/// The letters that GPT-2 writes bytes with: printable Latin-1 bytes stand for themselves, the other 68 are U+0100 and
/// upwards, so that no token holds a space or a control character.
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] Letters = CreateLetters();
    private static readonly short[] Bytes = CreateBytes();

    /// <summary>The letter of a byte.</summary>
    public static char LetterOf(byte value) => Letters[value];

    /// <summary>A text's UTF-8 in letters.</summary>
    public static string Spell(ReadOnlySpan<char> text)
    {
        TextRewriting.Check(Encoding.UTF8.GetByteCount(text));
        return string.Create(Encoding.UTF8.GetByteCount(text), text, static (letters, source) =>
        {
            int count = 0;
            Span<byte> utf8 = stackalloc byte[4];
            foreach (var rune in source.EnumerateRunes())
            {
                foreach (byte b in utf8[..rune.EncodeToUtf8(utf8)])
                    letters[count++] = LetterOf(b);
            }
        });
    }

    /// <summary>The byte of a letter; false for characters outside the alphabet.</summary>
    public static bool TryGetByte(char letter, out byte value)
    {
        int found = letter < Bytes.Length ? Bytes[letter] : -1;
        value = (byte)found;
        return found >= 0;
    }

    private static char[] CreateLetters()
    {
        var letters = new char[256];
        int next = 0x100;
        for (int b = 0; b < 256; b++)
            letters[b] = b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE ? (char)b : (char)next++;
        return letters;
    }

    private static short[] CreateBytes()
    {
        var bytes = new short[0x100 + 68];
        Array.Fill(bytes, (short)-1);
        for (int b = 0; b < 256; b++)
            bytes[Letters[b]] = (short)b;
        return bytes;
    }
}
