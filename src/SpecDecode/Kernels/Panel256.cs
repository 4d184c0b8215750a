using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using SpecDecode.Descriptions;

namespace SpecDecode.Kernels;

/// <summary>A panel in four registers of AVX2 with FMA.</summary>
internal readonly unsafe struct Panel256(Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d) : IWidePanel<Panel256>
{
    private readonly Vector256<float> _a = a;
    private readonly Vector256<float> _b = b;
    private readonly Vector256<float> _c = c;
    private readonly Vector256<float> _d = d;

    /// <inheritdoc/>
    public static int Outputs => PanelLayout.Outputs;

    /// <inheritdoc/>
    public static int TileRows => 3;

    /// <inheritdoc/>
    public static Panel256 Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel256 Create(float value)
    {
        Vector256<float> x = Vector256.Create(value);
        return new(x, x, x, x);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel256 Load(float* from) =>
        new(Vector256.Load(from), Vector256.Load(from + 8), Vector256.Load(from + 16), Vector256.Load(from + 24));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel256 LoadFirstBFloat16(byte* cell) =>
        new(First(cell), First(cell + 32), First(cell + 64), First(cell + 96));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel256 LoadSecondBFloat16(byte* cell) =>
        new(Second(cell), Second(cell + 32), Second(cell + 64), Second(cell + 96));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel256 LoadFirstHalf(byte* cell) =>
        new(FirstHalf(cell), FirstHalf(cell + 32), FirstHalf(cell + 64), FirstHalf(cell + 96));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel256 LoadSecondHalf(byte* cell) =>
        new(SecondHalf(cell), SecondHalf(cell + 32), SecondHalf(cell + 64), SecondHalf(cell + 96));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel256 LoadBits(byte* cell, int shift, int mask) =>
        new(Bits(cell, shift, mask), Bits(cell + 32, shift, mask), Bits(cell + 64, shift, mask), Bits(cell + 96, shift, mask));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel256 LoadBytes(byte* from) =>
        new(Bytes(from), Bytes(from + 8), Bytes(from + 16), Bytes(from + 24));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel256 LoadBFloat16(byte* from) =>
        new(BFloat16(from), BFloat16(from + 16), BFloat16(from + 32), BFloat16(from + 48));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel256 MultiplyAdd(Panel256 weights, float value, Panel256 sums)
    {
        Vector256<float> x = Vector256.Create(value);
        return new(Vector256.FusedMultiplyAdd(weights._a, x, sums._a), Vector256.FusedMultiplyAdd(weights._b, x, sums._b), Vector256.FusedMultiplyAdd(weights._c, x, sums._c), Vector256.FusedMultiplyAdd(weights._d, x, sums._d));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel256 MultiplyAdd(Panel256 left, Panel256 right, Panel256 sums) =>
        new(Vector256.FusedMultiplyAdd(left._a, right._a, sums._a), Vector256.FusedMultiplyAdd(left._b, right._b, sums._b), Vector256.FusedMultiplyAdd(left._c, right._c, sums._c), Vector256.FusedMultiplyAdd(left._d, right._d, sums._d));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel256 Subtract(Panel256 left, Panel256 right) =>
        new(left._a - right._a, left._b - right._b, left._c - right._c, left._d - right._d);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Panel256 values, float* to)
    {
        values._a.Store(to);
        values._b.Store(to + 8);
        values._c.Store(to + 16);
        values._d.Store(to + 24);
    }

    /// <summary>The first bfloat16 of 8 pairs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<float> First(byte* from) => (Vector256.Load((uint*)from) << 16).AsSingle();

    /// <summary>The second bfloat16 of 8 pairs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<float> Second(byte* from) => (Vector256.Load((uint*)from) & Vector256.Create(0xFFFF0000u)).AsSingle();

    /// <summary>The first float16 of 8 pairs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<float> FirstHalf(byte* from) => Half(Vector256.Load((int*)from) << 16);

    /// <summary>The second float16 of 8 pairs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<float> SecondHalf(byte* from) => Half(Vector256.Load((int*)from));

    // Sign, exponent and mantissa of the upper half where a float has them; its exponent is then too small by the difference of the two biases.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Half(Vector256<int> upper) =>
        ((upper >> 3) & Vector256.Create(HalfWeights.Bits)).AsSingle() * Vector256.Create(HalfWeights.Bias);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Bits(byte* cell, int shift, int mask) =>
        Vector256.ConvertToSingle((Vector256.Load((int*)cell) >>> shift) & Vector256.Create(mask));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Bytes(byte* from) =>
        Vector256.ConvertToSingle(Vector256.WidenLower(Vector256.WidenLower(Vector256.CreateScalarUnsafe(*(ulong*)from).AsByte())).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> BFloat16(byte* from) =>
        (Vector256.WidenLower(Vector128.Load((ushort*)from).ToVector256Unsafe()) << 16).AsSingle();
}
