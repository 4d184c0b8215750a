using SpecDecode.Descriptions;

namespace SpecDecode.Kernels;

/// <summary>How quantised weights lie in a block (<see cref="PanelLayout"/>), as a type, so that kernels are compiled for each.</summary>
internal interface IBlockWeights
{
    /// <summary>Bits of a weight.</summary>
    static abstract int Bits { get; }

    /// <summary>Bytes of a block before its cells.</summary>
    static abstract int HeadBytes { get; }
}

/// <summary>8 bits around 128.</summary>
internal readonly struct Int8Weights : IBlockWeights
{
    /// <inheritdoc/>
    public static int Bits => 8;

    /// <inheritdoc/>
    public static int HeadBytes => PanelLayout.ScaleBytes;
}

/// <summary>4 bits, each block with zero points of its own.</summary>
internal readonly struct Int4Weights : IBlockWeights
{
    /// <inheritdoc/>
    public static int Bits => 4;

    /// <inheritdoc/>
    public static int HeadBytes => PanelLayout.ScaleBytes + PanelLayout.ZeroPointBytes;
}
