using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SpecDecode.Kernels;

/// <summary>Sums of 16 outputs in two registers of AVX2.</summary>
/// <typeparam name="TDot">How bytes are multiplied.</typeparam>
internal readonly unsafe struct Sums256<TDot>(Vector256<int> a, Vector256<int> b) : ISums<Sums256<TDot>>
    where TDot : unmanaged, IDot256
{
    private readonly Vector256<int> _a = a;
    private readonly Vector256<int> _b = b;

    /// <inheritdoc/>
    public static bool TakesOffset => TDot.TakesOffset;

    /// <inheritdoc/>
    public static Sums256<TDot> Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(Vector256<int>.Zero, Vector256<int>.Zero);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums256<TDot> Create(int* start)
    {
        Vector256<int> x = Vector256.Create(*start);
        return new(x, x);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums256<TDot> Multiply(byte* zeroPoints, int* start)
    {
        Vector256<int> x = Vector256.Create(*start);
        return new(Multiply(zeroPoints, x), Multiply(zeroPoints + 8, x));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums256<TDot> LoadBytes(byte* cell) =>
        new(TDot.Load(cell), TDot.Load(cell + 32));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums256<TDot> LoadLower(byte* cell) =>
        new(Lower(Vector256.Load((int*)cell)), Lower(Vector256.Load((int*)cell + 8)));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums256<TDot> LoadUpper(byte* cell) =>
        new(Lower(Vector256.Load((int*)cell) >>> 4), Lower(Vector256.Load((int*)cell + 8) >>> 4));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums256<TDot> MultiplyAddBytes(Sums256<TDot> weights, sbyte* row, Sums256<TDot> sums)
    {
        Vector256<sbyte> x = Vector256.Create(*(int*)row).AsSByte();
        return new(TDot.MultiplyAddBytes(weights._a.AsByte(), x, sums._a), TDot.MultiplyAddBytes(weights._b.AsByte(), x, sums._b));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums256<TDot> MultiplyAddHalves(Sums256<TDot> weights, sbyte* row, Sums256<TDot> sums)
    {
        Vector256<sbyte> x = Vector256.Create(*(int*)row).AsSByte();
        return new(TDot.MultiplyAddHalves(weights._a.AsByte(), x, sums._a), TDot.MultiplyAddHalves(weights._b.AsByte(), x, sums._b));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums256<TDot> LoadScales(byte* scales) =>
        new(Scales(scales), Scales(scales + 16));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddTo(Sums256<TDot> sums, Sums256<TDot> scales, float* scale, float* to)
    {
        Vector256<float> x = Vector256.Create(*scale);
        Add(sums._a, scales._a, x, to);
        Add(sums._b, scales._b, x, to + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Multiply(byte* zeroPoints, Vector256<int> start) =>
        TDot.MultiplyHalves(Vector256.WidenLower(Vector256.WidenLower(Vector256.CreateScalarUnsafe(*(ulong*)zeroPoints).AsByte())).AsInt32(), start);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Lower(Vector256<int> bytes) => bytes & Vector256.Create(0x0F0F0F0F);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Scales(byte* scales) =>
        (Vector256.WidenLower(Vector128.Load((ushort*)scales).ToVector256Unsafe()) << 16).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(Vector256<int> sums, Vector256<int> scales, Vector256<float> scale, float* to) =>
        Vector256.FusedMultiplyAdd(Vector256.ConvertToSingle(sums), scales.AsSingle() * scale, Vector256.Load(to)).Store(to);
}
