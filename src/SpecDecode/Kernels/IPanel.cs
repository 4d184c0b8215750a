namespace SpecDecode.Kernels;

/// <summary>
/// 32 floats, one for each output of a panel, in as few registers as the processor has for them. The kernels of <see cref="FloatTile{TPanel,TWeights}"/>
/// are written once, over this.
/// </summary>
/// <typeparam name="TSelf">The type itself.</typeparam>
internal unsafe interface IPanel<TSelf>
    where TSelf : unmanaged, IPanel<TSelf>
{
    /// <summary>Rows that are multiplied at a time, as many as leave registers for weights.</summary>
    static abstract int TileRows { get; }

    /// <summary>All zeros.</summary>
    static abstract TSelf Zero { get; }

    /// <summary>The same number 32 times.</summary>
    static abstract TSelf Create(float value);

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

    /// <summary>Some bits of each output's 4 bytes, as a number.</summary>
    /// <param name="cell">The cell.</param>
    /// <param name="shift">The lowest bit.</param>
    /// <param name="mask">Which bits from there on.</param>
    static abstract TSelf LoadBits(byte* cell, int shift, int mask);

    /// <summary>32 bytes as numbers.</summary>
    static abstract TSelf LoadBytes(byte* from);

    /// <summary>32 bfloat16 side by side.</summary>
    static abstract TSelf LoadBFloat16(byte* from);

    /// <summary>sums + weights · value, rounded once where the processor can.</summary>
    static abstract TSelf MultiplyAdd(TSelf weights, float value, TSelf sums);

    /// <summary>sums + left · right, likewise.</summary>
    static abstract TSelf MultiplyAdd(TSelf left, TSelf right, TSelf sums);

    /// <summary>left − right.</summary>
    static abstract TSelf Subtract(TSelf left, TSelf right);

    /// <summary>Writes the floats.</summary>
    static abstract void Store(TSelf values, float* to);
}
