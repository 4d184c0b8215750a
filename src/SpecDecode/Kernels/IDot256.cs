using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SpecDecode.Kernels;

/// <summary>How a processor with registers of 256 bits multiplies bytes and adds four products to each 32-bit sum.</summary>
internal unsafe interface IDot256
{
    /// <summary>As <see cref="ISums{TSelf}.TakesOffset"/>.</summary>
    static abstract bool TakesOffset { get; }

    /// <summary>Weights of 8 bits, as <see cref="MultiplyAddBytes"/> takes them.</summary>
    static abstract Vector256<int> Load(byte* cell);

    /// <summary>sums + weights · row, with weights of 8 bits.</summary>
    static abstract Vector256<int> MultiplyAddBytes(Vector256<byte> weights, Vector256<sbyte> row, Vector256<int> sums);

    /// <summary>sums + weights · row, with weights of 0 to 15.</summary>
    static abstract Vector256<int> MultiplyAddHalves(Vector256<byte> weights, Vector256<sbyte> row, Vector256<int> sums);

    /// <summary>Products of numbers of 0 to 15 and such of 16 bits.</summary>
    static abstract Vector256<int> MultiplyHalves(Vector256<int> left, Vector256<int> right);
}

/// <summary>AVX-VNNI, which has an instruction for it: unsigned times signed bytes.</summary>
internal readonly unsafe struct VnniDot : IDot256
{
    /// <inheritdoc/>
    public static bool TakesOffset => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Load(byte* cell) => Vector256.Load((int*)cell);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> MultiplyAddBytes(Vector256<byte> weights, Vector256<sbyte> row, Vector256<int> sums) =>
        AvxVnni.MultiplyWideningAndAdd(sums, weights, row);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> MultiplyAddHalves(Vector256<byte> weights, Vector256<sbyte> row, Vector256<int> sums) =>
        AvxVnni.MultiplyWideningAndAdd(sums, weights, row);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> MultiplyHalves(Vector256<int> left, Vector256<int> right) =>
        Avx2.MultiplyAddAdjacent(left.AsInt16(), right.AsInt16());
}

/// <summary>
/// AVX2, which multiplies unsigned by signed bytes and adds two products in 16 bits, where 255 · 127 twice does not fit. So with weights of 8
/// bits signs are moved from the row to the weights: |row| · (weights with the sign of the row), at most 2 · 127 · 128.
/// </summary>
internal readonly unsafe struct Avx2Dot : IDot256
{
    private const int ZeroPoints = unchecked((int)0x80808080);

    /// <inheritdoc/>
    public static bool TakesOffset => false;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Load(byte* cell) => Vector256.Load((int*)cell) ^ Vector256.Create(ZeroPoints);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> MultiplyAddBytes(Vector256<byte> weights, Vector256<sbyte> row, Vector256<int> sums) =>
        AddPairs(Avx2.MultiplyAddAdjacent(Avx2.Abs(weights.AsSByte()), Avx2.Sign(row, weights.AsSByte())), sums);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> MultiplyAddHalves(Vector256<byte> weights, Vector256<sbyte> row, Vector256<int> sums) =>
        AddPairs(Avx2.MultiplyAddAdjacent(weights, row), sums);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> MultiplyHalves(Vector256<int> left, Vector256<int> right) =>
        Avx2.MultiplyAddAdjacent(left.AsInt16(), right.AsInt16());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> AddPairs(Vector256<short> pairs, Vector256<int> sums) =>
        sums + Avx2.MultiplyAddAdjacent(pairs, Vector256<short>.One);
}
