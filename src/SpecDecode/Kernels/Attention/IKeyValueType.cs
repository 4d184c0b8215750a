namespace SpecDecode.Kernels.Attention;

/// <summary>How keys and values are stored.</summary>
internal interface IKeyValueType
{
    /// <summary>Bytes of a number.</summary>
    static abstract int Bytes { get; }

    /// <summary>Whether each key and each value has a scale, by which its numbers are multiplied.</summary>
    static abstract bool IsScaled { get; }

    /// <summary>16 numbers.</summary>
    static abstract unsafe TLanes Load<TLanes>(byte* from)
        where TLanes : unmanaged, ILanes<TLanes>;
}
