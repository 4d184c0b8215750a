namespace SpecDecode.Descriptions;

/// <summary>What the elements of a stage's tensors are.</summary>
internal enum ElementType
{
    /// <summary>32-bit floats: what stages compute in, and hand on unless it is 16 bits.</summary>
    Float32,

    /// <summary>32-bit integers: token ids and lengths.</summary>
    Int32,

    /// <summary>float16: what stages hand on to each other, where that is 16 bits.</summary>
    Float16,

    /// <summary>bfloat16: likewise.</summary>
    BFloat16,
}

/// <summary>Facts about element types.</summary>
internal static class ElementTypes
{
    /// <summary>The type of a precision.</summary>
    public static ElementType Of(ComputePrecision precision) => precision switch
    {
        ComputePrecision.Fp32 => ElementType.Float32,
        ComputePrecision.Fp16 => ElementType.Float16,
        ComputePrecision.Bf16 => ElementType.BFloat16,
        _ => throw new ArgumentOutOfRangeException(nameof(precision), precision, "A precision that no stage computes in."),
    };

    /// <summary>Bytes of an element.</summary>
    public static int Bytes(this ElementType type) => type switch
    {
        ElementType.Float32 => sizeof(float),
        ElementType.Int32 => sizeof(int),
        ElementType.Float16 or ElementType.BFloat16 => sizeof(ushort),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "An element type that no stage has."),
    };

    /// <summary>Its number in ONNX's TensorProto.DataType.</summary>
    public static int OnnxNumber(this ElementType type) => type switch
    {
        ElementType.Float32 => 1,
        ElementType.Int32 => 6,
        ElementType.Float16 => 10,
        ElementType.BFloat16 => 16,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "An element type that no graph is written for."),
    };
}
