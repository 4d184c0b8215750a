namespace SpecDecode.Kernels.Attention;

/// <summary>
/// How the keys and values of 16 positions lie in the part of a page that is a layer's: head by head the keys <c>[D, 16]</c>, channel by channel so that
/// positions lie side by side, and the values <c>[16, D]</c>; where numbers are bytes, behind them the scales of the keys and of the values, <c>[16]</c> each.
/// </summary>
internal readonly struct PageLayout
{
    /// <summary>Positions of a page.</summary>
    public const int Positions = 16;

    /// <summary>Lays out a layer's part.</summary>
    /// <param name="type">How numbers are stored.</param>
    /// <param name="heads">Key/value heads.</param>
    /// <param name="headSize">Channels of a head, a multiple of 16.</param>
    public PageLayout(KvPrecision type, int heads, int headSize)
    {
        Type = type;
        int numberBytes = type switch { KvPrecision.Fp32 => 4, KvPrecision.Fp16 => 2, _ => 1 };
        ValueOffset = checked(Positions * headSize * numberBytes);
        KeyScaleOffset = checked(2 * ValueOffset);
        ValueScaleOffset = KeyScaleOffset + Positions * sizeof(float);
        HeadBytes = type == KvPrecision.Int8 ? checked(ValueScaleOffset + Positions * sizeof(float)) : KeyScaleOffset;
        Bytes = (long)HeadBytes * heads;
    }

    /// <summary>How numbers are stored.</summary>
    public KvPrecision Type { get; }

    /// <summary>Bytes of the layer's part of a page.</summary>
    public long Bytes { get; }

    /// <summary>Bytes from a head to the next.</summary>
    public int HeadBytes { get; }

    /// <summary>Where a head's values begin.</summary>
    public int ValueOffset { get; }

    /// <summary>Where the scales of its keys are, if it has any.</summary>
    public int KeyScaleOffset { get; }

    /// <summary>Where the scales of its values are, if it has any.</summary>
    public int ValueScaleOffset { get; }
}
