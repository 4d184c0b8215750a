namespace SpecDecode.Descriptions;

/// <summary>What the elements of a stage's tensors are.</summary>
internal enum ElementType
{
    /// <summary>32-bit floats: weights, residuals, keys and values, logits.</summary>
    Float32,

    /// <summary>32-bit integers: token ids and lengths.</summary>
    Int32,
}

/// <summary>Facts about element types.</summary>
internal static class ElementTypes
{
    /// <summary>Bytes of an element.</summary>
    public static int Bytes(this ElementType type) => type switch
    {
        ElementType.Float32 => sizeof(float),
        ElementType.Int32 => sizeof(int),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "An element type that no stage has."),
    };
}
