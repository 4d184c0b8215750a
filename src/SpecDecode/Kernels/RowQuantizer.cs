using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SpecDecode.Kernels;

/// <summary>
/// Rounds a row to signed bytes, block by block, as MatMulNBits does with 8-bit rows: the largest magnitude of a block becomes ±127. A block with
/// a number in it that is not finite gets a scale that is none, so that the row's results tell of it.
/// </summary>
internal static unsafe class RowQuantizer
{
    private const float Largest = 127;
    private const int Infinity = 0x7F800000;

    // Below this a block's reciprocal is no float; such a block counts as zeros.
    private const float Smallest = 1e-36f;

    /// <summary>Rounds a row.</summary>
    /// <param name="row">Its floats.</param>
    /// <param name="inputs">How many.</param>
    /// <param name="blockSize">Floats of a block, a multiple of 16; the last block may have fewer.</param>
    /// <param name="factor">What the sum of a block's bytes is multiplied by for <paramref name="starts"/>.</param>
    /// <param name="bytes">Takes the bytes, <c>[blocks · blockSize]</c>.</param>
    /// <param name="scales">Takes what a byte of each block is worth.</param>
    /// <param name="starts">Takes the sums.</param>
    public static void Quantize(float* row, nint inputs, nint blockSize, int factor, sbyte* bytes, float* scales, int* starts)
    {
        for (; inputs >= blockSize; inputs -= blockSize, row += blockSize, bytes += blockSize)
        {
            Block(row, blockSize, factor, bytes, scales++, starts++);
        }

        if (inputs > 0)
        {
            float* padded = stackalloc float[(int)blockSize];
            new Span<float>(padded, (int)blockSize).Clear();
            Unsafe.CopyBlockUnaligned(padded, row, (uint)(inputs * sizeof(float)));
            Block(padded, blockSize, factor, bytes, scales, starts);
        }
    }

    private static void Block(float* row, nint size, int factor, sbyte* bytes, float* scale, int* start)
    {
        // As integers magnitudes have the order that they have as floats, and what is not finite comes last.
        Vector128<int> magnitude = Vector128.Create(0x7FFFFFFF);
        Vector128<int> a = Vector128<int>.Zero, b = a, c = a, d = a;
        for (nint i = 0; i < size; i += 16)
        {
            a = Vector128.Max(a, Vector128.Load((int*)row + i) & magnitude);
            b = Vector128.Max(b, Vector128.Load((int*)row + i + 4) & magnitude);
            c = Vector128.Max(c, Vector128.Load((int*)row + i + 8) & magnitude);
            d = Vector128.Max(d, Vector128.Load((int*)row + i + 12) & magnitude);
        }

        a = Vector128.Max(Vector128.Max(a, b), Vector128.Max(c, d));
        int bits = Math.Max(Math.Max(a[0], a[1]), Math.Max(a[2], a[3]));
        float max = BitConverter.Int32BitsToSingle(bits);
        if (bits >= Infinity || max < Smallest)
        {
            Unsafe.InitBlockUnaligned(bytes, 0, (uint)size);
            *scale = bits >= Infinity ? float.NaN : 0;
            *start = 0;
            return;
        }

        Vector128<float> steps = Vector128.Create(Largest / max);
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

        *scale = max / Largest;
        *start = Vector128.Sum(sums) * factor;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Round(float* from, Vector128<float> steps) =>
        Vector128.ConvertToInt32Native(Vector128.Round(Vector128.Load(from) * steps));
}
