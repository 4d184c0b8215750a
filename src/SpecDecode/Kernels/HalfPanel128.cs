using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace SpecDecode.Kernels;

/// <summary>Half a panel in four registers of 128 bits, of which Arm64 has thirty-two and x86 sixteen.</summary>
internal readonly unsafe struct HalfPanel128(Vector128<float> a, Vector128<float> b, Vector128<float> c, Vector128<float> d) : IPanel<HalfPanel128>
{
    private readonly Vector128<float> _a = a;
    private readonly Vector128<float> _b = b;
    private readonly Vector128<float> _c = c;
    private readonly Vector128<float> _d = d;

    /// <inheritdoc/>
    public static int Outputs => 16;

    /// <inheritdoc/>
    public static int TileRows => AdvSimd.IsSupported ? 6 : 3;

    /// <inheritdoc/>
    public static HalfPanel128 Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(Vector128<float>.Zero, Vector128<float>.Zero, Vector128<float>.Zero, Vector128<float>.Zero);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HalfPanel128 Load(float* from) =>
        new(Vector128.Load(from), Vector128.Load(from + 4), Vector128.Load(from + 8), Vector128.Load(from + 12));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HalfPanel128 LoadFirstBFloat16(byte* cell) =>
        new(Panel128.First(cell), Panel128.First(cell + 16), Panel128.First(cell + 32), Panel128.First(cell + 48));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HalfPanel128 LoadSecondBFloat16(byte* cell) =>
        new(Panel128.Second(cell), Panel128.Second(cell + 16), Panel128.Second(cell + 32), Panel128.Second(cell + 48));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HalfPanel128 LoadFirstHalf(byte* cell) =>
        new(Panel128.FirstHalf(cell), Panel128.FirstHalf(cell + 16), Panel128.FirstHalf(cell + 32), Panel128.FirstHalf(cell + 48));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HalfPanel128 LoadSecondHalf(byte* cell) =>
        new(Panel128.SecondHalf(cell), Panel128.SecondHalf(cell + 16), Panel128.SecondHalf(cell + 32), Panel128.SecondHalf(cell + 48));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HalfPanel128 MultiplyAdd(HalfPanel128 weights, float value, HalfPanel128 sums)
    {
        Vector128<float> x = Vector128.Create(value);
        return new(Vector128.MultiplyAddEstimate(weights._a, x, sums._a), Vector128.MultiplyAddEstimate(weights._b, x, sums._b), Vector128.MultiplyAddEstimate(weights._c, x, sums._c), Vector128.MultiplyAddEstimate(weights._d, x, sums._d));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(HalfPanel128 values, float* to)
    {
        values._a.Store(to);
        values._b.Store(to + 4);
        values._c.Store(to + 8);
        values._d.Store(to + 12);
    }
}
