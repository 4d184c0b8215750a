using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace SpecDecode.Kernels;

/// <summary>How a processor with registers of 128 bits multiplies bytes and adds four products to each 32-bit sum.</summary>
internal unsafe interface IDot128
{
    /// <summary>As <see cref="ISums{TSelf}.TakesOffset"/>.</summary>
    static abstract bool TakesOffset { get; }

    /// <summary>Weights of 8 bits, as <see cref="MultiplyAddBytes"/> takes them.</summary>
    static abstract Vector128<int> Load(byte* cell);

    /// <summary>sums + weights · row, with weights of 8 bits.</summary>
    static abstract Vector128<int> MultiplyAddBytes(Vector128<byte> weights, Vector128<sbyte> row, Vector128<int> sums);

    /// <summary>sums + weights · row, with weights of 0 to 15.</summary>
    static abstract Vector128<int> MultiplyAddHalves(Vector128<byte> weights, Vector128<sbyte> row, Vector128<int> sums);

    /// <summary>Products of numbers of 0 to 15 and such of 16 bits.</summary>
    static abstract Vector128<int> MultiplyHalves(Vector128<int> left, Vector128<int> right);
}

/// <summary>Arm64's dot product of signed bytes.</summary>
internal readonly unsafe struct ArmDot : IDot128
{
    /// <inheritdoc/>
    public static bool TakesOffset => false;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Load(byte* cell) => PortableDot.Load(cell);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> MultiplyAddBytes(Vector128<byte> weights, Vector128<sbyte> row, Vector128<int> sums) =>
        Dp.DotProduct(sums, weights.AsSByte(), row);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> MultiplyAddHalves(Vector128<byte> weights, Vector128<sbyte> row, Vector128<int> sums) =>
        Dp.DotProduct(sums, weights.AsSByte(), row);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> MultiplyHalves(Vector128<int> left, Vector128<int> right) => left * right;
}

/// <summary>Plain arithmetic, for processors without such an instruction and for comparison.</summary>
internal readonly unsafe struct PortableDot : IDot128
{
    private const int ZeroPoints = unchecked((int)0x80808080);

    /// <inheritdoc/>
    public static bool TakesOffset => false;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Load(byte* cell) => Vector128.Load((int*)cell) ^ Vector128.Create(ZeroPoints);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> MultiplyAddBytes(Vector128<byte> weights, Vector128<sbyte> row, Vector128<int> sums)
    {
        // Byte by byte of the 32-bit lanes, each with its sign.
        Vector128<int> w = weights.AsInt32();
        Vector128<int> x = row.AsInt32();
        sums += (w << 24 >> 24) * (x << 24 >> 24);
        sums += (w << 16 >> 24) * (x << 16 >> 24);
        sums += (w << 8 >> 24) * (x << 8 >> 24);
        return sums + (w >> 24) * (x >> 24);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> MultiplyAddHalves(Vector128<byte> weights, Vector128<sbyte> row, Vector128<int> sums) =>
        MultiplyAddBytes(weights, row, sums);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> MultiplyHalves(Vector128<int> left, Vector128<int> right) => left * right;
}
