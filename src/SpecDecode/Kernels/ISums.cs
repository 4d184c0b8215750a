namespace SpecDecode.Kernels;

/// <summary>
/// Integer sums of 16 outputs, half of a panel, in as few registers as the processor has for them. They are exact, so how a processor comes to
/// them makes no difference. The kernels of <see cref="BlockTile{TSums,TBits}"/> are written once, over this.
/// </summary>
/// <typeparam name="TSelf">The type itself.</typeparam>
internal unsafe interface ISums<TSelf>
    where TSelf : unmanaged, ISums<TSelf>
{
    /// <summary>
    /// Whether 8-bit weights are taken as they lie, around 128, so that sums begin with −128 times the sum of the row's bytes; else they are made
    /// signed when they are loaded, and sums begin with 0.
    /// </summary>
    static abstract bool TakesOffset { get; }

    /// <summary>All zeros.</summary>
    static abstract TSelf Zero { get; }

    /// <summary>The same number for all outputs.</summary>
    static abstract TSelf Create(int* start);

    /// <summary>A zero point of each output, times a number of 16 bits.</summary>
    /// <param name="zeroPoints">16 bytes.</param>
    /// <param name="start">The number.</param>
    static abstract TSelf Multiply(byte* zeroPoints, int* start);

    /// <summary>4 weights of 8 bits for each output.</summary>
    static abstract TSelf LoadBytes(byte* cell);

    /// <summary>4 weights for each output, in the lower halves of its bytes.</summary>
    static abstract TSelf LoadLower(byte* cell);

    /// <summary>4 weights for each output, in the upper halves of its bytes.</summary>
    static abstract TSelf LoadUpper(byte* cell);

    /// <summary>sums + weights · row, over 4 inputs, with weights as <see cref="LoadBytes"/> gives them.</summary>
    static abstract TSelf MultiplyAddBytes(TSelf weights, sbyte* row, TSelf sums);

    /// <summary>The same with weights of 4 bits.</summary>
    static abstract TSelf MultiplyAddHalves(TSelf weights, sbyte* row, TSelf sums);

    /// <summary>16 bfloat16 as the bits of floats.</summary>
    static abstract TSelf LoadScales(byte* scales);

    /// <summary>Adds sums · (scales · scale) to 16 floats.</summary>
    /// <param name="sums">The integer sums.</param>
    /// <param name="scales">What <see cref="LoadScales"/> gave.</param>
    /// <param name="scale">The row's.</param>
    /// <param name="to">The floats.</param>
    static abstract void AddTo(TSelf sums, TSelf scales, float* scale, float* to);
}
