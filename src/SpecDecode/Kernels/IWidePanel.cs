namespace SpecDecode.Kernels;

/// <summary>A panel that weights of a few bits are made floats in, for <see cref="WideTile{TPanel,TBits}"/>.</summary>
/// <typeparam name="TSelf">The type itself.</typeparam>
internal unsafe interface IWidePanel<TSelf> : IPanel<TSelf>
    where TSelf : unmanaged, IWidePanel<TSelf>
{
    /// <summary>The same number for all outputs.</summary>
    static abstract TSelf Create(float value);

    /// <summary>Some bits of each output's 4 bytes, as a number.</summary>
    /// <param name="cell">The cell.</param>
    /// <param name="shift">The lowest bit.</param>
    /// <param name="mask">Which bits from there on.</param>
    static abstract TSelf LoadBits(byte* cell, int shift, int mask);

    /// <summary>32 bytes as numbers.</summary>
    static abstract TSelf LoadBytes(byte* from);

    /// <summary>32 bfloat16 side by side.</summary>
    static abstract TSelf LoadBFloat16(byte* from);

    /// <summary>sums + left · right, rounded once where the processor can.</summary>
    static abstract TSelf MultiplyAdd(TSelf left, TSelf right, TSelf sums);

    /// <summary>left − right.</summary>
    static abstract TSelf Subtract(TSelf left, TSelf right);
}
