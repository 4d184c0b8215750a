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
