using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SpecDecode.Kernels;

/// <summary>Half a panel in two registers of AVX2 with FMA: of its sixteen registers twelve are sums of six rows, where a whole panel leaves room for three.</summary>
internal readonly unsafe struct HalfPanel256(Vector256<float> a, Vector256<float> b) : IPanel<HalfPanel256>
{
    private readonly Vector256<float> _a = a;
    private readonly Vector256<float> _b = b;

    /// <inheritdoc/>
    public static int Outputs => 16;

    /// <inheritdoc/>
    public static int TileRows => 6;

    /// <inheritdoc/>
    public static HalfPanel256 Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(Vector256<float>.Zero, Vector256<float>.Zero);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HalfPanel256 Load(float* from) => new(Vector256.Load(from), Vector256.Load(from + 8));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HalfPanel256 LoadFirstBFloat16(byte* cell) => new(Panel256.First(cell), Panel256.First(cell + 32));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HalfPanel256 LoadSecondBFloat16(byte* cell) => new(Panel256.Second(cell), Panel256.Second(cell + 32));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HalfPanel256 LoadFirstHalf(byte* cell) => new(Panel256.FirstHalf(cell), Panel256.FirstHalf(cell + 32));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HalfPanel256 LoadSecondHalf(byte* cell) => new(Panel256.SecondHalf(cell), Panel256.SecondHalf(cell + 32));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HalfPanel256 MultiplyAdd(HalfPanel256 weights, float value, HalfPanel256 sums)
    {
        Vector256<float> x = Vector256.Create(value);
        return new(Vector256.FusedMultiplyAdd(weights._a, x, sums._a), Vector256.FusedMultiplyAdd(weights._b, x, sums._b));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(HalfPanel256 values, float* to)
    {
        values._a.Store(to);
        values._b.Store(to + 8);
    }
}
