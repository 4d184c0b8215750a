using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SpecDecode.Kernels.Attention;

/// <summary>16 floats in four registers of 128 bits, which every processor has that .NET runs on.</summary>
internal readonly unsafe struct Lanes128(Vector128<float> a, Vector128<float> b, Vector128<float> c, Vector128<float> d) : ILanes<Lanes128>
{
    private readonly Vector128<float> _a = a;
    private readonly Vector128<float> _b = b;
    private readonly Vector128<float> _c = c;
    private readonly Vector128<float> _d = d;

    /// <inheritdoc/>
    public static int TileRows => 4;

    /// <inheritdoc/>
    public static int Sums => 4;

    /// <inheritdoc/>
    public static Lanes128 Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(Vector128<float>.Zero, Vector128<float>.Zero, Vector128<float>.Zero, Vector128<float>.Zero);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Create(float value)
    {
        Vector128<float> x = Vector128.Create(value);
        return new(x, x, x, x);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Load(float* from) => new(Vector128.Load(from), Vector128.Load(from + 4), Vector128.Load(from + 8), Vector128.Load(from + 12));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 LoadHalf(ushort* from) => new(Half(from), Half(from + 4), Half(from + 8), Half(from + 12));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 LoadBytes(sbyte* from) => new(Bytes(from), Bytes(from + 4), Bytes(from + 8), Bytes(from + 12));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes128 values, float* to)
    {
        values._a.Store(to);
        values._b.Store(to + 4);
        values._c.Store(to + 8);
        values._d.Store(to + 12);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Add(Lanes128 left, Lanes128 right) => new(left._a + right._a, left._b + right._b, left._c + right._c, left._d + right._d);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Subtract(Lanes128 left, Lanes128 right) => new(left._a - right._a, left._b - right._b, left._c - right._c, left._d - right._d);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Multiply(Lanes128 left, Lanes128 right) => new(left._a * right._a, left._b * right._b, left._c * right._c, left._d * right._d);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Divide(Lanes128 left, Lanes128 right) => new(left._a / right._a, left._b / right._b, left._c / right._c, left._d / right._d);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 MultiplyAdd(Lanes128 left, Lanes128 right, Lanes128 sums) =>
        new(Vector128.MultiplyAddEstimate(left._a, right._a, sums._a), Vector128.MultiplyAddEstimate(left._b, right._b, sums._b), Vector128.MultiplyAddEstimate(left._c, right._c, sums._c), Vector128.MultiplyAddEstimate(left._d, right._d, sums._d));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Max(Lanes128 left, Lanes128 right) => new(Vector128.MaxNative(left._a, right._a), Vector128.MaxNative(left._b, right._b), Vector128.MaxNative(left._c, right._c), Vector128.MaxNative(left._d, right._d));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 CopySign(Lanes128 values, Lanes128 signs) => new(Vector128.CopySign(values._a, signs._a), Vector128.CopySign(values._b, signs._b), Vector128.CopySign(values._c, signs._c), Vector128.CopySign(values._d, signs._d));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Round(Lanes128 values) => new(Vector128.Round(values._a), Vector128.Round(values._b), Vector128.Round(values._c), Vector128.Round(values._d));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 PowerOfTwo(Lanes128 whole) => new(Power(whole._a), Power(whole._b), Power(whole._c), Power(whole._d));

    // Sign, exponent and mantissa where a float has them; its exponent is then too small by the difference of the two biases.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Half(ushort* from) =>
        (((Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)from).AsUInt16()).AsInt32() << 16) >> 3) & Vector128.Create(HalfWeights.Bits)).AsSingle() * Vector128.Create(HalfWeights.Bias);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Bytes(sbyte* from) =>
        Vector128.ConvertToSingle(Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(uint*)from).AsSByte())));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Power(Vector128<float> whole) =>
        ((Vector128.ConvertToInt32Native(whole) + Vector128.Create(127)) << 23).AsSingle();
}
