namespace SpecDecode.Checkpoints;

/// <summary>What one element of a stored tensor is. Only the first three can be read as weights.</summary>
internal enum TensorElementType
{
    /// <summary>A type that this library neither reads nor names: packed 4- and 6-bit floats, 8-bit floats, or one unknown to it.</summary>
    Other,

    /// <summary>IEEE 754 single precision, <c>F32</c>.</summary>
    Float32,

    /// <summary>IEEE 754 half precision, <c>F16</c>.</summary>
    Float16,

    /// <summary>The upper half of a single, <c>BF16</c>.</summary>
    BFloat16,

    /// <summary>IEEE 754 double precision, <c>F64</c>.</summary>
    Float64,

    /// <summary>Two singles, <c>C64</c>.</summary>
    Complex64,

    /// <summary>A truth value in one byte, <c>BOOL</c>.</summary>
    Boolean,

    /// <summary>Signed, 8 bits, <c>I8</c>.</summary>
    Int8,

    /// <summary>Unsigned, 8 bits, <c>U8</c>.</summary>
    UInt8,

    /// <summary>Signed, 16 bits, <c>I16</c>.</summary>
    Int16,

    /// <summary>Unsigned, 16 bits, <c>U16</c>.</summary>
    UInt16,

    /// <summary>Signed, 32 bits, <c>I32</c>.</summary>
    Int32,

    /// <summary>Unsigned, 32 bits, <c>U32</c>.</summary>
    UInt32,

    /// <summary>Signed, 64 bits, <c>I64</c>.</summary>
    Int64,

    /// <summary>Unsigned, 64 bits, <c>U64</c>.</summary>
    UInt64,
}
