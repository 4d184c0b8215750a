using System.Text;

namespace SpecDecode.Tests.Tokenizers;

/// <summary>
/// Files that are SentencePiece models more or less: fields known and unknown, of the wire type that they have and of others, in
/// any order and any number of times, numbers longer than they need be, groups, texts that are not UTF-8, and damage.
/// </summary>
internal sealed class RandomMessages(int seed)
{
    private static readonly int[] Numbers = [1, 2, 3, 4, 5, 24, 35, 46, 47, 16, 100_000, (1 << 29) - 1];
    private static readonly string[] Texts = ["", "a", "▁the", "é", "你\U0001F680", "\0", "<s>", new('b', 300)];

    private readonly Random _random = new(seed);

    /// <summary>A model whose fields can all be read, unless a text is none.</summary>
    public byte[] Model()
    {
        var model = new List<byte>();
        for (int fields = _random.Next(6); fields > 0; fields--)
        {
            if (_random.Next(4) == 0)
                Field(model, 3);
            else
                Bytes(model, _random.Next(1, 6), Message(3));
        }
        return [.. model];
    }

    /// <summary>The same bytes with a few changed, taken out, put in, or cut off.</summary>
    public byte[] Damage(byte[] file)
    {
        var damaged = new List<byte>(file);
        for (int edits = _random.Next(1, 4); edits > 0 && damaged.Count > 0; edits--)
        {
            int at = _random.Next(damaged.Count);
            switch (_random.Next(6))
            {
                case 0:
                    damaged.RemoveRange(at, Math.Min(_random.Next(1, 8), damaged.Count - at));
                    break;
                case 1:
                    damaged.Insert(at, Byte());
                    break;
                case 2:
                    damaged.RemoveRange(at, damaged.Count - at);
                    break;
                case 3:
                    damaged[at] ^= (byte)(1 << _random.Next(8));
                    break;
                default:
                    damaged[at] = Byte();
                    break;
            }
        }
        return [.. damaged];
    }

    private byte[] Message(int depth)
    {
        var message = new List<byte>();
        for (int fields = _random.Next(5); fields > 0; fields--)
            Field(message, depth);
        return [.. message];
    }

    private void Field(List<byte> message, int depth)
    {
        int number = Numbers[_random.Next(Numbers.Length)];
        switch (_random.Next(depth > 0 ? 7 : 5))
        {
            case 0:
            case 1:
                Varint(message, (ulong)number << 3 | 0);
                Varint(message, Number());
                break;
            case 2:
                Varint(message, (ulong)number << 3 | 5);
                Fill(message, 4);
                break;
            case 3:
                Varint(message, (ulong)number << 3 | 1);
                Fill(message, 8);
                break;
            case 4:
                Bytes(message, number, _random.Next(20) == 0 ? [0xE2, 0x82] : Encoding.UTF8.GetBytes(Texts[_random.Next(Texts.Length)]));
                break;
            case 5:
                Bytes(message, number, Message(depth - 1));
                break;
            default:
                Varint(message, (ulong)number << 3 | 3);
                message.AddRange(Message(depth - 1));
                Varint(message, (ulong)number << 3 | 4);
                break;
        }
    }

    private void Bytes(List<byte> message, int number, byte[] content)
    {
        Varint(message, (ulong)number << 3 | 2);
        Varint(message, (ulong)content.Length);
        message.AddRange(content);
    }

    // Now and then with more bytes than it needs.
    private void Varint(List<byte> message, ulong value)
    {
        int length = 1;
        for (ulong rest = value; rest > 0x7F; rest >>= 7)
            length++;
        if (_random.Next(8) == 0)
            length = _random.Next(length, 11);
        for (; length > 1; length--, value >>= 7)
            message.Add((byte)(value | 0x80));
        message.Add((byte)value);
    }

    private ulong Number() => _random.Next(3) switch
    {
        0 => (ulong)_random.Next(8),
        1 => (ulong)_random.NextInt64(long.MinValue, long.MaxValue),
        _ => 1ul << _random.Next(64),
    };

    private byte Byte() => (byte)_random.Next(256);

    private void Fill(List<byte> message, int count)
    {
        for (; count > 0; count--)
            message.Add(Byte());
    }
}
