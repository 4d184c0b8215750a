using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SpecDecode.Kernels;

/// <summary>Sums of 16 outputs in four registers of 128 bits.</summary>
/// <typeparam name="TDot">How bytes are multiplied.</typeparam>
internal readonly unsafe struct Sums128<TDot>(Vector128<int> a, Vector128<int> b, Vector128<int> c, Vector128<int> d) : ISums<Sums128<TDot>>
    where TDot : unmanaged, IDot128
{
    private readonly Vector128<int> _a = a;
    private readonly Vector128<int> _b = b;
    private readonly Vector128<int> _c = c;
    private readonly Vector128<int> _d = d;

    /// <inheritdoc/>
    public static bool TakesOffset => TDot.TakesOffset;

    /// <inheritdoc/>
    public static Sums128<TDot> Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(Vector128<int>.Zero, Vector128<int>.Zero, Vector128<int>.Zero, Vector128<int>.Zero);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums128<TDot> Create(int* start)
    {
        Vector128<int> x = Vector128.Create(*start);
        return new(x, x, x, x);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums128<TDot> Multiply(byte* zeroPoints, int* start)
    {
        Vector128<int> x = Vector128.Create(*start);
        return new(Multiply(zeroPoints, x), Multiply(zeroPoints + 4, x), Multiply(zeroPoints + 8, x), Multiply(zeroPoints + 12, x));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums128<TDot> LoadBytes(byte* cell) =>
        new(TDot.Load(cell), TDot.Load(cell + 16), TDot.Load(cell + 32), TDot.Load(cell + 48));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums128<TDot> LoadLower(byte* cell) =>
        new(Lower(Vector128.Load((int*)cell)), Lower(Vector128.Load((int*)cell + 4)), Lower(Vector128.Load((int*)cell + 8)), Lower(Vector128.Load((int*)cell + 12)));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums128<TDot> LoadUpper(byte* cell) =>
        new(Lower(Vector128.Load((int*)cell) >>> 4), Lower(Vector128.Load((int*)cell + 4) >>> 4), Lower(Vector128.Load((int*)cell + 8) >>> 4), Lower(Vector128.Load((int*)cell + 12) >>> 4));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums128<TDot> MultiplyAddBytes(Sums128<TDot> weights, sbyte* row, Sums128<TDot> sums)
    {
        Vector128<sbyte> x = Vector128.Create(*(int*)row).AsSByte();
        return new(TDot.MultiplyAddBytes(weights._a.AsByte(), x, sums._a), TDot.MultiplyAddBytes(weights._b.AsByte(), x, sums._b), TDot.MultiplyAddBytes(weights._c.AsByte(), x, sums._c), TDot.MultiplyAddBytes(weights._d.AsByte(), x, sums._d));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums128<TDot> MultiplyAddHalves(Sums128<TDot> weights, sbyte* row, Sums128<TDot> sums)
    {
        Vector128<sbyte> x = Vector128.Create(*(int*)row).AsSByte();
        return new(TDot.MultiplyAddHalves(weights._a.AsByte(), x, sums._a), TDot.MultiplyAddHalves(weights._b.AsByte(), x, sums._b), TDot.MultiplyAddHalves(weights._c.AsByte(), x, sums._c), TDot.MultiplyAddHalves(weights._d.AsByte(), x, sums._d));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums128<TDot> LoadScales(byte* scales) =>
        new(Scales(scales), Scales(scales + 8), Scales(scales + 16), Scales(scales + 24));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddTo(Sums128<TDot> sums, Sums128<TDot> scales, float* scale, float* to)
    {
        Vector128<float> x = Vector128.Create(*scale);
        Add(sums._a, scales._a, x, to);
        Add(sums._b, scales._b, x, to + 4);
        Add(sums._c, scales._c, x, to + 8);
        Add(sums._d, scales._d, x, to + 12);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Multiply(byte* zeroPoints, Vector128<int> start) =>
        TDot.MultiplyHalves(Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(uint*)zeroPoints).AsByte())).AsInt32(), start);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Lower(Vector128<int> bytes) => bytes & Vector128.Create(0x0F0F0F0F);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Scales(byte* scales) =>
        (Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)scales).AsUInt16()) << 16).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(Vector128<int> sums, Vector128<int> scales, Vector128<float> scale, float* to) =>
        Vector128.MultiplyAddEstimate(Vector128.ConvertToSingle(sums), scales.AsSingle() * scale, Vector128.Load(to)).Store(to);
}
