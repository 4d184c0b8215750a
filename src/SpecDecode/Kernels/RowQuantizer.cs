using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SpecDecode.Kernels;

/// <summary>
/// Rounds a row to signed bytes, block by block, as MatMulNBits does with 8-bit rows: the largest magnitude of a block becomes ±127. A block with
/// a number in it that is not finite gets a scale that is none, so that the row's results tell of it.
/// </summary>
internal static unsafe class RowQuantizer
{
    private const float Largest = 127;
    private const int Infinity = 0x7F800000;
    private const int Magnitude = 0x7FFFFFFF;

    // Below this a block's reciprocal is no float; such a block counts as zeros.
    private const float Smallest = 1e-36f;

    /// <summary>Rounds a row.</summary>
    /// <param name="row">Its floats.</param>
    /// <param name="inputs">How many.</param>
    /// <param name="blockSize">Floats of a block, a multiple of 16; the last block may have fewer.</param>
    /// <param name="factor">What the sum of a block's bytes is multiplied by for <see cref="RowBlock.Start"/>.</param>
    /// <param name="bytes">Takes the bytes of the first block.</param>
    /// <param name="blocks">Takes what the first block is worth, and its sum.</param>
    /// <param name="step">Blocks from one of the row to the next, in both.</param>
    public static void Quantize(float* row, nint inputs, nint blockSize, int factor, sbyte* bytes, RowBlock* blocks, nint step)
    {
        for (; inputs >= blockSize; inputs -= blockSize, row += blockSize, bytes += step * blockSize, blocks += step)
        {
            Block(row, blockSize, factor, bytes, blocks);
        }

        if (inputs > 0)
        {
            float* padded = stackalloc float[(int)blockSize];
            new Span<float>(padded, (int)blockSize).Clear();
            Unsafe.CopyBlockUnaligned(padded, row, (uint)(inputs * sizeof(float)));
            Block(padded, blockSize, factor, bytes, blocks);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Block(float* row, nint size, int factor, sbyte* bytes, RowBlock* block)
    {
        int bits = Vector512.IsHardwareAccelerated ? LargestOfSixteens(row, size) : LargestOfFours(row, size);
        float max = BitConverter.Int32BitsToSingle(bits);
        if (bits >= Infinity || max < Smallest)
        {
            Unsafe.InitBlockUnaligned(bytes, 0, (uint)size);
            block->Scale = bits >= Infinity ? float.NaN : 0;
            block->Start = 0;
            return;
        }

        float steps = Largest / max;
        int sum = Vector512.IsHardwareAccelerated && Avx512F.IsSupported ? RoundSixteens(row, size, steps, bytes) : RoundFours(row, size, steps, bytes);
        block->Scale = max / Largest;
        block->Start = sum * factor;
    }

    // The largest magnitude. As integers they have the order that they have as floats, and what is not finite comes last.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int LargestOfSixteens(float* row, nint size)
    {
        Vector512<int> all = Vector512<int>.Zero;
        for (nint i = 0; i < size; i += 16)
        {
            all = Vector512.Max(all, Vector512.Load((int*)row + i) & Vector512.Create(Magnitude));
        }

        Vector256<int> half = Vector256.Max(all.GetLower(), all.GetUpper());
        return Largest4(Vector128.Max(half.GetLower(), half.GetUpper()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int LargestOfFours(float* row, nint size)
    {
        Vector128<int> magnitude = Vector128.Create(Magnitude);
        Vector128<int> a = Vector128<int>.Zero, b = a, c = a, d = a;
        for (nint i = 0; i < size; i += 16)
        {
            a = Vector128.Max(a, Vector128.Load((int*)row + i) & magnitude);
            b = Vector128.Max(b, Vector128.Load((int*)row + i + 4) & magnitude);
            c = Vector128.Max(c, Vector128.Load((int*)row + i + 8) & magnitude);
            d = Vector128.Max(d, Vector128.Load((int*)row + i + 12) & magnitude);
        }

        return Largest4(Vector128.Max(Vector128.Max(a, b), Vector128.Max(c, d)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Largest4(Vector128<int> numbers)
    {
        numbers = Vector128.Max(numbers, Vector128.Shuffle(numbers, Vector128.Create(2, 3, 0, 1)));
        return Math.Max(numbers[0], numbers[1]);
    }

    // Bytes, and their sum.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int RoundSixteens(float* row, nint size, float steps, sbyte* bytes)
    {
        Vector512<int> sums = Vector512<int>.Zero;
        for (nint i = 0; i < size; i += 16)
        {
            Vector512<int> numbers = Avx512F.ConvertToVector512Int32(Vector512.Load(row + i) * steps);
            sums += numbers;
            Avx512F.ConvertToVector128SByte(numbers).Store(bytes + i);
        }

        return Vector512.Sum(sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int RoundFours(float* row, nint size, float steps, sbyte* bytes)
    {
        Vector128<int> sums = Vector128<int>.Zero;
        for (nint i = 0; i < size; i += 16)
        {
            Vector128<int> p = Round(row + i, steps);
            Vector128<int> q = Round(row + i + 4, steps);
            Vector128<int> r = Round(row + i + 8, steps);
            Vector128<int> s = Round(row + i + 12, steps);
            sums += p + q + (r + s);
            Vector128.Narrow(Vector128.Narrow(p, q), Vector128.Narrow(r, s)).Store(bytes + i);
        }

        return Vector128.Sum(sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Round(float* from, float steps) =>
        Vector128.ConvertToInt32Native(Vector128.Round(Vector128.Load(from) * steps));
}
