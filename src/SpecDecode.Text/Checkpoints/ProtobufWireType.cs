namespace SpecDecode.Checkpoints;

/// <summary>How the value of a field is written in a file of protocol buffers, as the lowest three bits of its tag say.</summary>
internal enum ProtobufWireType
{
    /// <summary>Seven bits in a byte, the lowest first; the eighth says that there are more.</summary>
    Varint = 0,

    /// <summary>Eight bytes, little endian.</summary>
    Fixed64 = 1,

    /// <summary>A length and as many bytes: a text, bytes, a message, or packed numbers.</summary>
    Bytes = 2,

    /// <summary>Fields up to an <see cref="EndGroup"/> of the same number; an old way to write a message.</summary>
    StartGroup = 3,

    /// <summary>The end of a group.</summary>
    EndGroup = 4,

    /// <summary>Four bytes, little endian.</summary>
    Fixed32 = 5,
}
