using System.Buffers.Binary;

namespace SpecDecode.Checkpoints;

/// <summary>
/// Reads the fields of a protocol buffers message in the order in which they stand. A field is read whole, so a caller passes
/// over one that it does not know by asking for the next; groups, which no file of a checkpoint has, are passed over here. What
/// is refused and what is let pass is what Google's library for C# refuses and lets pass.
/// </summary>
internal ref struct ProtobufReader
{
    private const int MaxDepth = 100;
    private const int MaxVarintLength = 10;

    private readonly ReadOnlySpan<byte> _file;
    private readonly int _depth;
    private int _position;

    /// <summary>Begins to read a file that is one message.</summary>
    /// <param name="file">All its bytes.</param>
    public ProtobufReader(ReadOnlySpan<byte> file) : this(file, 0, 0)
    {
    }

    /// <summary>Begins to read a message within a file.</summary>
    /// <param name="file">The file up to the message's end.</param>
    /// <param name="start">Where the message starts.</param>
    /// <param name="depth">In how many messages it lies.</param>
    /// <exception cref="InvalidDataException">In too many.</exception>
    public ProtobufReader(ReadOnlySpan<byte> file, int start, int depth)
    {
        _file = file;
        _position = start;
        _depth = depth <= MaxDepth ? depth : throw TooDeep(start);
    }

    /// <summary>Reads the next field.</summary>
    /// <param name="field">Number and value.</param>
    /// <returns>False at the end of the message.</returns>
    /// <exception cref="InvalidDataException">The bytes are no message; the text says what is wrong and where.</exception>
    public bool TryRead(out ProtobufField field)
    {
        while (_position < _file.Length)
        {
            int start = _position;
            var (number, type) = ReadTag();
            if (type == ProtobufWireType.EndGroup)
                throw new InvalidDataException($"a group ends at byte {start} that did not begin");
            if (type != ProtobufWireType.StartGroup)
            {
                field = ReadValue(number, type);
                return true;
            }
            SkipGroup(number, start, _depth + 1);
        }
        field = default;
        return false;
    }

    private (int Number, ProtobufWireType Type) ReadTag()
    {
        int start = _position;
        uint tag = (uint)ReadVarint();
        var (number, type) = ((int)(tag >> 3), (ProtobufWireType)(tag & 7));
        if (number == 0)
            throw new InvalidDataException($"the field at byte {start} has the number 0");
        return type <= ProtobufWireType.Fixed32
            ? (number, type)
            : throw new InvalidDataException($"the field at byte {start} is of the wire type {(int)type}, which does not exist");
    }

    private ProtobufField ReadValue(int number, ProtobufWireType type)
    {
        if (type == ProtobufWireType.Varint)
            return new(number, type, ReadVarint());

        int start = _position;
        int length = type switch
        {
            ProtobufWireType.Fixed32 => sizeof(uint),
            ProtobufWireType.Fixed64 => sizeof(ulong),
            _ => (int)ReadVarint(),
        };
        if (length < 0 || length > _file.Length - _position)
            throw new InvalidDataException($"the value at byte {start} would end beyond byte {_file.Length}, where what holds it ends");
        int from = _position;
        _position += length;
        return type switch
        {
            ProtobufWireType.Fixed32 => new(number, type, BinaryPrimitives.ReadUInt32LittleEndian(_file[from..])),
            ProtobufWireType.Fixed64 => new(number, type, BinaryPrimitives.ReadUInt64LittleEndian(_file[from..])),
            _ => new(number, _file[.._position], from, _depth),
        };
    }

    // Bits beyond the 64th are dropped, and so are those beyond the 32nd of tags and lengths.
    private ulong ReadVarint()
    {
        int start = _position;
        ulong value = 0;
        for (int i = 0; i < MaxVarintLength; i++)
        {
            if (_position == _file.Length)
                throw new InvalidDataException($"it ends within the number at byte {start}");
            byte next = _file[_position++];
            value |= (ulong)(next & 0x7F) << (7 * i);
            if (next < 0x80)
                return value;
        }
        throw new InvalidDataException($"the number at byte {start} has more than {MaxVarintLength} bytes");
    }

    private void SkipGroup(int number, int start, int depth)
    {
        if (depth > MaxDepth)
            throw TooDeep(start);
        while (_position < _file.Length)
        {
            int at = _position;
            var (inner, type) = ReadTag();
            if (type == ProtobufWireType.StartGroup)
                SkipGroup(inner, at, depth + 1);
            else if (type != ProtobufWireType.EndGroup)
                ReadValue(inner, type);
            else if (inner == number)
                return;
            else
                throw new InvalidDataException($"the group {number} that begins at byte {start} ends as the group {inner} at byte {at}");
        }
        throw new InvalidDataException($"it ends within the group at byte {start}");
    }

    private static InvalidDataException TooDeep(int at) =>
        new($"at byte {at} messages are nested more than {MaxDepth} deep");
}
