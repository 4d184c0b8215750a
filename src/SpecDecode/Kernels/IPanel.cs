namespace SpecDecode.Kernels;

/// <summary>
/// Floats, one for each output of a panel or of a part of one, in as few registers as the processor has for them. The kernels of
/// <see cref="FloatTile{TPanel,TWeights}"/> are written once, over this.
/// </summary>
/// <typeparam name="TSelf">The type itself.</typeparam>
internal unsafe interface IPanel<TSelf>
    where TSelf : unmanaged, IPanel<TSelf>
{
    /// <summary>How many outputs: those of a panel, or half of them.</summary>
    static abstract int Outputs { get; }

    /// <summary>Rows that are multiplied at a time, as many as leave registers for weights.</summary>
    static abstract int TileRows { get; }

    /// <summary>All zeros.</summary>
    static abstract TSelf Zero { get; }

    /// <summary>Floats as they are.</summary>
    static abstract TSelf Load(float* from);

    /// <summary>The first bfloat16 of each pair of a cell.</summary>
    static abstract TSelf LoadFirstBFloat16(byte* cell);

    /// <summary>The second bfloat16 of each pair of a cell.</summary>
    static abstract TSelf LoadSecondBFloat16(byte* cell);

    /// <summary>The first float16 of each pair of a cell; they are finite.</summary>
    static abstract TSelf LoadFirstHalf(byte* cell);

    /// <summary>The second float16 of each pair of a cell; they are finite.</summary>
    static abstract TSelf LoadSecondHalf(byte* cell);

    /// <summary>sums + weights · value, rounded once where the processor can.</summary>
    static abstract TSelf MultiplyAdd(TSelf weights, float value, TSelf sums);

    /// <summary>Writes the floats.</summary>
    static abstract void Store(TSelf values, float* to);
}
