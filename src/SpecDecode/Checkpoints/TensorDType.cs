namespace SpecDecode.Checkpoints;

/// <summary>The dtype names of the safetensors format: what they stand for and how large one element is.</summary>
internal static class TensorDType
{
    /// <summary>The element type that a dtype name stands for.</summary>
    /// <param name="name">The name as stored, such as <c>BF16</c>; case matters.</param>
    /// <returns>The type, or <see cref="TensorElementType.Other"/>.</returns>
    public static TensorElementType Type(string name) => name switch
    {
        "F32" => TensorElementType.Float32,
        "F16" => TensorElementType.Float16,
        "BF16" => TensorElementType.BFloat16,
        "F64" => TensorElementType.Float64,
        "C64" => TensorElementType.Complex64,
        "BOOL" => TensorElementType.Boolean,
        "I8" => TensorElementType.Int8,
        "U8" => TensorElementType.UInt8,
        "I16" => TensorElementType.Int16,
        "U16" => TensorElementType.UInt16,
        "I32" => TensorElementType.Int32,
        "U32" => TensorElementType.UInt32,
        "I64" => TensorElementType.Int64,
        "U64" => TensorElementType.UInt64,
        _ => TensorElementType.Other,
    };

    /// <summary>The size of one element.</summary>
    /// <param name="name">The name as stored.</param>
    /// <returns>Bits per element; null for a name that the format did not have when this was written.</returns>
    public static int? Bits(string name) => name switch
    {
        "F4" => 4,
        "F6_E2M3" or "F6_E3M2" => 6,
        "BOOL" or "I8" or "U8" => 8,
        "F8_E4M3" or "F8_E5M2" or "F8_E8M0" or "F8_E4M3FNUZ" or "F8_E5M2FNUZ" => 8,
        "I16" or "U16" or "F16" or "BF16" => 16,
        "I32" or "U32" or "F32" => 32,
        "I64" or "U64" or "F64" or "C64" => 64,
        _ => null,
    };

    /// <summary>Bytes per element of the three types that can be read as weights; null for every other type.</summary>
    /// <param name="type">The element type.</param>
    public static int? WeightBytes(TensorElementType type) => type switch
    {
        TensorElementType.Float32 => 4,
        TensorElementType.Float16 or TensorElementType.BFloat16 => 2,
        _ => null,
    };
}
