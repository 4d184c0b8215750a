using System.Buffers;
using System.Globalization;
using System.Text;

namespace SpecDecode.Tokenizers;

/// <summary>
/// Reads every token as bytes in the <see cref="ByteAlphabet"/>, or as its own UTF-8 where it has other characters, and
/// decodes all bytes as one UTF-8 text; every invalid sequence becomes one U+FFFD.
/// </summary>
internal sealed class ByteLevelStage(DecoderStage next) : DecoderStage
{
    private readonly Decoder _utf8 = Encoding.UTF8.GetDecoder();
    private bool _any;

    /// <summary>The bytes that a token stands for.</summary>
    public static byte[] Bytes(ReadOnlySpan<char> text)
    {
        var bytes = new byte[3 * text.Length];
        return bytes[..Bytes(text, bytes)];
    }

    public override void Write(ReadOnlySpan<char> text, bool begins)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(3 * text.Length);
        int count = Bytes(text, bytes);
        Decode(bytes.AsSpan(0, count), flush: false);
        ArrayPool<byte>.Shared.Return(bytes);
    }

    public override void Complete()
    {
        Decode([], flush: true);
        next.Complete();
    }

    private static int Bytes(ReadOnlySpan<char> text, Span<byte> bytes)
    {
        int count = 0;
        foreach (char letter in text)
        {
            if (!ByteAlphabet.TryGetByte(letter, out bytes[count]))
                return Encoding.UTF8.GetBytes(text, bytes);
            count++;
        }
        return count;
    }

    private void Decode(ReadOnlySpan<byte> bytes, bool flush)
    {
        // Up to three bytes held back may turn out invalid together with this call's.
        var chars = ArrayPool<char>.Shared.Rent(bytes.Length + 4);
        int count = _utf8.GetChars(bytes, chars, flush);
        next.Write(chars.AsSpan(0, count), begins: !_any);
        _any = true;
        ArrayPool<char>.Shared.Return(chars);
    }
}

/// <summary>
/// Decodes runs of byte tokens such as <c>&lt;0xE2&gt;</c> as UTF-8; every byte that is part of no character becomes one
/// U+FFFD. Every character goes on as a token of its own. Other tokens pass.
/// </summary>
internal sealed class ByteFallbackStage(DecoderStage next) : DecoderStage
{
    private readonly byte[] _held = new byte[4];
    private int _count;

    public override void Write(ReadOnlySpan<char> text, bool begins)
    {
        if (!TryParse(text, out byte value))
        {
            Release(complete: true);
            next.Write(text, begins);
            return;
        }
        _held[_count++] = value;
        Release(complete: false);
    }

    public override void Complete()
    {
        Release(complete: true);
        next.Complete();
    }

    private void Release(bool complete)
    {
        Span<char> chars = stackalloc char[2];
        while (_count > 0)
        {
            var status = Rune.DecodeFromUtf8(_held.AsSpan(0, _count), out var rune, out int used);
            if (status == OperationStatus.NeedMoreData && !complete)
                return;
            if (status == OperationStatus.Done)
            {
                next.Write(chars[..rune.EncodeToUtf16(chars)], begins: true);
            }
            else
            {
                for (int i = 0; i < used; i++)
                    next.Write("\uFFFD", begins: true);
            }
            _held.AsSpan(used, _count - used).CopyTo(_held);
            _count -= used;
        }
    }

    /// <summary>Whether a text names a byte.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out byte value)
    {
        value = 0;
        return text.Length == 6 && text.StartsWith("<0x") && text[5] == '>'
            && byte.TryParse(text[3..5], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }
}
