using System.Text;
using System.Text.Unicode;

namespace SpecDecode.Checkpoints;

/// <summary>
/// One field of a protocol buffers message. How its value is read depends on <see cref="Type"/>: a field whose number is known
/// and whose wire type is another one is an unknown field.
/// </summary>
internal readonly ref struct ProtobufField
{
    // A number's value; or the file up to the end of the bytes, where they start, and in how many messages they lie.
    private readonly ulong _bits;
    private readonly ReadOnlySpan<byte> _file;
    private readonly int _start;
    private readonly int _depth;

    /// <summary>A number.</summary>
    /// <param name="number">The field's number.</param>
    /// <param name="type">How it was written.</param>
    /// <param name="bits">Its value.</param>
    public ProtobufField(int number, ProtobufWireType type, ulong bits)
    {
        Number = number;
        Type = type;
        _bits = bits;
    }

    /// <summary>Bytes.</summary>
    /// <param name="number">The field's number.</param>
    /// <param name="file">The file up to their end.</param>
    /// <param name="start">Where they start.</param>
    /// <param name="depth">In how many messages the message lies that has the field.</param>
    public ProtobufField(int number, ReadOnlySpan<byte> file, int start, int depth)
    {
        Number = number;
        Type = ProtobufWireType.Bytes;
        _file = file;
        _start = start;
        _depth = depth;
    }

    /// <summary>Which field of its message it is.</summary>
    public int Number { get; }

    /// <summary>How its value is written.</summary>
    public ProtobufWireType Type { get; }

    /// <summary>The value of a varint as an int32 or an enumeration; higher bits are dropped, as the format says.</summary>
    public int Integer => (int)_bits;

    /// <summary>The value of a varint as a bool.</summary>
    public bool Flag => _bits != 0;

    /// <summary>The value of four bytes as a float.</summary>
    public float Float => BitConverter.UInt32BitsToSingle((uint)_bits);

    /// <summary>The value of bytes as they are.</summary>
    public ReadOnlySpan<byte> Bytes => _file[_start..];

    /// <summary>The value of bytes as a message.</summary>
    /// <exception cref="InvalidDataException">It is nested too deep.</exception>
    public ProtobufReader Message() => new(_file, _start, _depth + 1);

    /// <summary>The value of bytes as a text.</summary>
    /// <exception cref="InvalidDataException">It is not valid UTF-8.</exception>
    public string Text() => Utf8.IsValid(Bytes)
        ? Encoding.UTF8.GetString(Bytes)
        : throw new InvalidDataException($"the text at byte {_start} is not valid UTF-8");
}
