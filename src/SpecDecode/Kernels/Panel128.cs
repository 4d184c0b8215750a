using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using SpecDecode.Descriptions;

namespace SpecDecode.Kernels;

/// <summary>A panel in eight registers of 128 bits, which every processor has that .NET runs on.</summary>
internal readonly unsafe struct Panel128(Vector128<float> a, Vector128<float> b, Vector128<float> c, Vector128<float> d, Vector128<float> e, Vector128<float> f, Vector128<float> g, Vector128<float> h) : IWidePanel<Panel128>
{
    private readonly Vector128<float> _a = a;
    private readonly Vector128<float> _b = b;
    private readonly Vector128<float> _c = c;
    private readonly Vector128<float> _d = d;
    private readonly Vector128<float> _e = e;
    private readonly Vector128<float> _f = f;
    private readonly Vector128<float> _g = g;
    private readonly Vector128<float> _h = h;

    /// <inheritdoc/>
    public static int Outputs => PanelLayout.Outputs;

    /// <inheritdoc/>
    public static int TileRows => AdvSimd.IsSupported ? 2 : 1;

    /// <inheritdoc/>
    public static Panel128 Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(Vector128<float>.Zero, Vector128<float>.Zero, Vector128<float>.Zero, Vector128<float>.Zero, Vector128<float>.Zero, Vector128<float>.Zero, Vector128<float>.Zero, Vector128<float>.Zero);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel128 Create(float value)
    {
        Vector128<float> x = Vector128.Create(value);
        return new(x, x, x, x, x, x, x, x);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel128 Load(float* from) =>
        new(Vector128.Load(from), Vector128.Load(from + 4), Vector128.Load(from + 8), Vector128.Load(from + 12), Vector128.Load(from + 16), Vector128.Load(from + 20), Vector128.Load(from + 24), Vector128.Load(from + 28));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel128 LoadFirstBFloat16(byte* cell) =>
        new(First(cell), First(cell + 16), First(cell + 32), First(cell + 48), First(cell + 64), First(cell + 80), First(cell + 96), First(cell + 112));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel128 LoadSecondBFloat16(byte* cell) =>
        new(Second(cell), Second(cell + 16), Second(cell + 32), Second(cell + 48), Second(cell + 64), Second(cell + 80), Second(cell + 96), Second(cell + 112));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel128 LoadFirstHalf(byte* cell) =>
        new(FirstHalf(cell), FirstHalf(cell + 16), FirstHalf(cell + 32), FirstHalf(cell + 48), FirstHalf(cell + 64), FirstHalf(cell + 80), FirstHalf(cell + 96), FirstHalf(cell + 112));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel128 LoadSecondHalf(byte* cell) =>
        new(SecondHalf(cell), SecondHalf(cell + 16), SecondHalf(cell + 32), SecondHalf(cell + 48), SecondHalf(cell + 64), SecondHalf(cell + 80), SecondHalf(cell + 96), SecondHalf(cell + 112));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel128 LoadBits(byte* cell, int shift, int mask) =>
        new(Bits(cell, shift, mask), Bits(cell + 16, shift, mask), Bits(cell + 32, shift, mask), Bits(cell + 48, shift, mask), Bits(cell + 64, shift, mask), Bits(cell + 80, shift, mask), Bits(cell + 96, shift, mask), Bits(cell + 112, shift, mask));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel128 LoadBytes(byte* from) =>
        new(Bytes(from), Bytes(from + 4), Bytes(from + 8), Bytes(from + 12), Bytes(from + 16), Bytes(from + 20), Bytes(from + 24), Bytes(from + 28));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel128 LoadBFloat16(byte* from) =>
        new(BFloat16(from), BFloat16(from + 8), BFloat16(from + 16), BFloat16(from + 24), BFloat16(from + 32), BFloat16(from + 40), BFloat16(from + 48), BFloat16(from + 56));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel128 MultiplyAdd(Panel128 weights, float value, Panel128 sums)
    {
        Vector128<float> x = Vector128.Create(value);
        return new(Vector128.MultiplyAddEstimate(weights._a, x, sums._a), Vector128.MultiplyAddEstimate(weights._b, x, sums._b), Vector128.MultiplyAddEstimate(weights._c, x, sums._c), Vector128.MultiplyAddEstimate(weights._d, x, sums._d), Vector128.MultiplyAddEstimate(weights._e, x, sums._e), Vector128.MultiplyAddEstimate(weights._f, x, sums._f), Vector128.MultiplyAddEstimate(weights._g, x, sums._g), Vector128.MultiplyAddEstimate(weights._h, x, sums._h));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel128 MultiplyAdd(Panel128 left, Panel128 right, Panel128 sums) =>
        new(Vector128.MultiplyAddEstimate(left._a, right._a, sums._a), Vector128.MultiplyAddEstimate(left._b, right._b, sums._b), Vector128.MultiplyAddEstimate(left._c, right._c, sums._c), Vector128.MultiplyAddEstimate(left._d, right._d, sums._d), Vector128.MultiplyAddEstimate(left._e, right._e, sums._e), Vector128.MultiplyAddEstimate(left._f, right._f, sums._f), Vector128.MultiplyAddEstimate(left._g, right._g, sums._g), Vector128.MultiplyAddEstimate(left._h, right._h, sums._h));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel128 Subtract(Panel128 left, Panel128 right) =>
        new(left._a - right._a, left._b - right._b, left._c - right._c, left._d - right._d, left._e - right._e, left._f - right._f, left._g - right._g, left._h - right._h);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Panel128 values, float* to)
    {
        values._a.Store(to);
        values._b.Store(to + 4);
        values._c.Store(to + 8);
        values._d.Store(to + 12);
        values._e.Store(to + 16);
        values._f.Store(to + 20);
        values._g.Store(to + 24);
        values._h.Store(to + 28);
    }

    /// <summary>The first bfloat16 of 4 pairs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<float> First(byte* from) => (Vector128.Load((uint*)from) << 16).AsSingle();

    /// <summary>The second bfloat16 of 4 pairs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<float> Second(byte* from) => (Vector128.Load((uint*)from) & Vector128.Create(0xFFFF0000u)).AsSingle();

    /// <summary>The first float16 of 4 pairs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<float> FirstHalf(byte* from) => Half(Vector128.Load((int*)from) << 16);

    /// <summary>The second float16 of 4 pairs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<float> SecondHalf(byte* from) => Half(Vector128.Load((int*)from));

    // Sign, exponent and mantissa of the upper half where a float has them; its exponent is then too small by the difference of the two biases.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Half(Vector128<int> upper) =>
        ((upper >> 3) & Vector128.Create(HalfWeights.Bits)).AsSingle() * Vector128.Create(HalfWeights.Bias);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Bits(byte* cell, int shift, int mask) =>
        Vector128.ConvertToSingle((Vector128.Load((int*)cell) >>> shift) & Vector128.Create(mask));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Bytes(byte* from) =>
        Vector128.ConvertToSingle(Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(uint*)from).AsByte())).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> BFloat16(byte* from) =>
        (Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)from).AsUInt16()) << 16).AsSingle();
}
