using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using SpecDecode.Descriptions;

namespace SpecDecode.Kernels;

/// <summary>A panel in two registers of AVX-512.</summary>
internal readonly unsafe struct Panel512(Vector512<float> a, Vector512<float> b) : IWidePanel<Panel512>
{
    private readonly Vector512<float> _a = a;
    private readonly Vector512<float> _b = b;

    /// <inheritdoc/>
    public static int Outputs => PanelLayout.Outputs;

    /// <inheritdoc/>
    public static int TileRows => 12;

    /// <inheritdoc/>
    public static Panel512 Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(Vector512<float>.Zero, Vector512<float>.Zero);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel512 Create(float value)
    {
        Vector512<float> x = Vector512.Create(value);
        return new(x, x);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel512 Load(float* from) =>
        new(Vector512.Load(from), Vector512.Load(from + 16));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel512 LoadFirstBFloat16(byte* cell) =>
        new(First(cell), First(cell + 64));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel512 LoadSecondBFloat16(byte* cell) =>
        new(Second(cell), Second(cell + 64));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel512 LoadFirstHalf(byte* cell) =>
        new(Half(Vector512.Load((int*)cell) << 16), Half(Vector512.Load((int*)cell + 16) << 16));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel512 LoadSecondHalf(byte* cell) =>
        new(Half(Vector512.Load((int*)cell)), Half(Vector512.Load((int*)cell + 16)));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel512 LoadBits(byte* cell, int shift, int mask) =>
        new(Bits(cell, shift, mask), Bits(cell + 64, shift, mask));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel512 LoadBytes(byte* from) =>
        new(Bytes(from), Bytes(from + 16));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel512 LoadBFloat16(byte* from) =>
        new(BFloat16(from), BFloat16(from + 32));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel512 MultiplyAdd(Panel512 weights, float value, Panel512 sums)
    {
        Vector512<float> x = Vector512.Create(value);
        return new(Vector512.FusedMultiplyAdd(weights._a, x, sums._a), Vector512.FusedMultiplyAdd(weights._b, x, sums._b));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel512 MultiplyAdd(Panel512 left, Panel512 right, Panel512 sums) =>
        new(Vector512.FusedMultiplyAdd(left._a, right._a, sums._a), Vector512.FusedMultiplyAdd(left._b, right._b, sums._b));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Panel512 Subtract(Panel512 left, Panel512 right) =>
        new(left._a - right._a, left._b - right._b);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Panel512 values, float* to)
    {
        values._a.Store(to);
        values._b.Store(to + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> First(byte* from) => (Vector512.Load((uint*)from) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Second(byte* from) => (Vector512.Load((uint*)from) & Vector512.Create(0xFFFF0000u)).AsSingle();

    // Sign, exponent and mantissa of the upper half where a float has them; its exponent is then too small by the difference of the two biases.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Half(Vector512<int> upper) =>
        ((upper >> 3) & Vector512.Create(HalfWeights.Bits)).AsSingle() * Vector512.Create(HalfWeights.Bias);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Bits(byte* cell, int shift, int mask) =>
        Vector512.ConvertToSingle((Vector512.Load((int*)cell) >>> shift) & Vector512.Create(mask));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Bytes(byte* from) =>
        Vector512.ConvertToSingle(Vector512.WidenLower(Vector512.WidenLower(Vector128.Load(from).ToVector256Unsafe().ToVector512Unsafe())).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> BFloat16(byte* from) =>
        (Vector512.WidenLower(Vector256.Load((ushort*)from).ToVector512Unsafe()) << 16).AsSingle();
}
