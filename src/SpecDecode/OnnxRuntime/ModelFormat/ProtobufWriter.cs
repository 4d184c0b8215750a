using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using SpecDecode.Checkpoints;

namespace SpecDecode.OnnxRuntime.ModelFormat;

/// <summary>
/// Writes messages as protocol buffers, byte for byte as Google's library does: numbers as short as they can be, and of fields
/// that are there once only those that are not zero or empty. A message stands behind its length, so it is measured first, by
/// the same code that writes it; nothing but the finished file is allocated.
/// </summary>
internal ref struct ProtobufWriter
{
    private readonly Span<byte> _destination;
    private readonly bool _measures;
    private int _position;

    private ProtobufWriter(Span<byte> destination, bool measures)
    {
        _destination = destination;
        _measures = measures;
    }

    /// <summary>Writes a message as a file.</summary>
    public static byte[] Write(IProtobufMessage message)
    {
        byte[] file = new byte[Measure(message)];
        ProtobufWriter writer = new(file, measures: false);
        message.WriteTo(ref writer);
        return file;
    }

    /// <summary>A whole number, unless it is zero.</summary>
    public void Integer(int field, long value)
    {
        if (value != 0)
        {
            WriteInteger(field, value);
        }
    }

    /// <summary>A float, unless it is zero.</summary>
    public void Float(int field, float value)
    {
        if (value != 0)
        {
            Tag(field, ProtobufWireType.Fixed32);
            Span<byte> bytes = stackalloc byte[sizeof(float)];
            BinaryPrimitives.WriteSingleLittleEndian(bytes, value);
            Append(bytes);
        }
    }

    /// <summary>A text, unless it is empty.</summary>
    public void Text(int field, string value)
    {
        if (value.Length > 0)
        {
            WriteText(field, value);
        }
    }

    /// <summary>Bytes, unless there are none.</summary>
    public void Bytes(int field, ReadOnlySpan<byte> value)
    {
        if (!value.IsEmpty)
        {
            Tag(field, ProtobufWireType.Bytes);
            Varint((ulong)value.Length);
            Append(value);
        }
    }

    /// <summary>A message, even if nothing is in it.</summary>
    public void Message(int field, IProtobufMessage value)
    {
        int length = Measure(value);
        Tag(field, ProtobufWireType.Bytes);
        Varint((ulong)length);
        if (_measures)
        {
            Advance(length);
        }
        else
        {
            value.WriteTo(ref this);
        }
    }

    /// <summary>One choice out of several, a whole number; where it is taken, it is written even if it is zero.</summary>
    public void Choice(int field, long? value)
    {
        if (value is { } number)
        {
            WriteInteger(field, number);
        }
    }

    /// <summary>One choice out of several, a text; where it is taken, it is written even if it is empty.</summary>
    public void Choice(int field, string? value)
    {
        if (value is not null)
        {
            WriteText(field, value);
        }
    }

    /// <summary>A list of whole numbers, packed.</summary>
    public void Integers(int field, IReadOnlyList<long> values)
    {
        if (values.Count > 0)
        {
            Tag(field, ProtobufWireType.Bytes);
            Varint((ulong)values.Sum(value => VarintLength((ulong)value)));
            foreach (long value in values)
            {
                Varint((ulong)value);
            }
        }
    }

    /// <summary>A list of texts.</summary>
    public void Texts(int field, IReadOnlyList<string> values)
    {
        foreach (string value in values)
        {
            WriteText(field, value);
        }
    }

    /// <summary>A list of messages.</summary>
    public void Messages(int field, IReadOnlyList<IProtobufMessage> values)
    {
        foreach (IProtobufMessage value in values)
        {
            Message(field, value);
        }
    }

    private static int Measure(IProtobufMessage message)
    {
        ProtobufWriter writer = new(default, measures: true);
        message.WriteTo(ref writer);
        return writer._position;
    }

    private static int VarintLength(ulong value) => BitOperations.Log2(value | 1) / 7 + 1;

    private void WriteInteger(int field, long value)
    {
        Tag(field, ProtobufWireType.Varint);
        Varint((ulong)value);
    }

    private void WriteText(int field, string value)
    {
        int length = Encoding.UTF8.GetByteCount(value);
        Tag(field, ProtobufWireType.Bytes);
        Varint((ulong)length);
        if (!_measures)
        {
            Encoding.UTF8.GetBytes(value, _destination[_position..]);
        }

        Advance(length);
    }

    private void Tag(int field, ProtobufWireType type) => Varint((ulong)((uint)field << 3 | (uint)type));

    private void Varint(ulong value)
    {
        for (; value > 0x7F; value >>= 7)
        {
            Append((byte)(value | 0x80));
        }

        Append((byte)value);
    }

    private void Append(byte value) => Append([value]);

    private void Append(scoped ReadOnlySpan<byte> bytes)
    {
        if (!_measures)
        {
            bytes.CopyTo(_destination[_position..]);
        }

        Advance(bytes.Length);
    }

    private void Advance(int length) => _position = checked(_position + length);
}
