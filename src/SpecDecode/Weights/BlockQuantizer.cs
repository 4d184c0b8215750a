using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SpecDecode.Descriptions;

namespace SpecDecode.Weights;

/// <summary>
/// Rounds rows of weights to 8 or 4 bits, block by block, as <see cref="TensorFormat"/> lays them out. Eight bits are
/// symmetric: the largest magnitude of the block becomes ±127, or a little less. Four bits are too few for that: scale and zero
/// point are those that <see cref="Int4Search"/> finds. Scales are bfloat16 numbers, and the weights are rounded with them
/// as they are stored. The result is the same on every machine.
/// </summary>
internal static class BlockQuantizer
{
    private const float MaxInt8 = 127;
    private const byte ZeroInt8 = 128;

    // Below this a scale has no reciprocal that is a float; such a block counts as zeros.
    private const float SmallestScale = 1e-37f;

    /// <summary>Quantises one row.</summary>
    /// <param name="row">Its weights <c>[columns]</c>.</param>
    /// <param name="format">Int8 or int4.</param>
    /// <param name="values">Takes the row's values, of <see cref="TensorFormat.ValueBytes"/> bytes.</param>
    /// <param name="scales">Takes the row's scales, one for each block; each is a bfloat16 number.</param>
    /// <param name="zeroPoints">Takes the row's zero points, of <see cref="TensorFormat.ZeroPointBytes"/> bytes.</param>
    /// <returns>−1, or a column whose weight is not finite; then what was written is of no use.</returns>
    public static int Quantize(ReadOnlySpan<float> row, TensorFormat format, Span<byte> values, Span<float> scales, Span<byte> zeroPoints) =>
        format.Precision == Precision.Int8
            ? Int8(row, format.BlockSize, values, scales)
            : Int4(row, format.BlockSize, values, scales, zeroPoints);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Int8(ReadOnlySpan<float> row, int size, Span<byte> values, Span<float> scales)
    {
        Span<float> padding = stackalloc float[size];
        Span<int> steps = stackalloc int[size];
        for (int block = 0; block < scales.Length; block++)
        {
            ReadOnlySpan<float> weights = Block(row, block, size, padding);
            Span<byte> blockValues = values.Slice(block * size, size);
            (float min, float max) = Range(weights);
            if (!float.IsFinite(max - min) && NotFinite(weights) is >= 0 and var place)
            {
                return block * size + place;
            }

            // Rounded up, so that the largest magnitude is no more than 127 steps.
            float scale = BFloat16Up(Math.Max(max, -min) / MaxInt8);
            if (scale < SmallestScale)
            {
                scales[block] = 0;
                blockValues.Fill(ZeroInt8);
                continue;
            }

            scales[block] = scale;
            Round(weights, scale, ZeroInt8, byte.MaxValue, steps);
            for (int i = 0; i < steps.Length; i++)
            {
                blockValues[i] = (byte)steps[i];
            }
        }

        return -1;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Int4(ReadOnlySpan<float> row, int size, Span<byte> values, Span<float> scales, Span<byte> zeroPoints)
    {
        Span<float> padding = stackalloc float[size];
        Span<int> steps = stackalloc int[size];
        Span<Vector<float>> lanes = stackalloc Vector<float>[size];
        int valueBytes = size / 2;
        zeroPoints.Clear();
        for (int first = 0; first < scales.Length; first += Int4Search.Lanes)
        {
            int count = Math.Min(Int4Search.Lanes, scales.Length - first);
            int end = Math.Min(row.Length, (first + count) * size);
            Spread(row[(first * size)..end], size, lanes);
            (Vector<float> min, Vector<float> max) = Int4Search.Range(lanes);
            if (!float.IsFinite(Vector.Sum(max - min)) && NotFinite(row[(first * size)..end]) is >= 0 and var place)
            {
                return first * size + place;
            }

            // Divided first: the range of finite weights may be none. In units of it nothing can overflow or vanish.
            Vector<float> unit = max / Int4Search.MaxValue - min / Int4Search.MaxValue;
            Vector<float> reciprocal = Vector.ConditionalSelect(
                Vector.AsVectorSingle(Vector.GreaterThanOrEqual(unit, new Vector<float>(SmallestScale))), Vector<float>.One / unit, Vector<float>.Zero);
            foreach (ref Vector<float> weights in lanes)
            {
                weights *= reciprocal;
            }

            (Vector<float> scale, Vector<float> zero) = Int4Search.Run(lanes, min * reciprocal);
            for (int lane = 0; lane < count; lane++)
            {
                int block = first + lane;
                Span<byte> blockValues = values.Slice(block * valueBytes, valueBytes);
                scales[block] = BFloat16(scale[lane] * unit[lane]);
                if (scales[block] < SmallestScale)
                {
                    scales[block] = 0;
                    blockValues.Clear();
                    continue;
                }

                zeroPoints[block / 2] |= (byte)((int)zero[lane] << (4 * (block % 2)));
                Round(Block(row, block, size, padding), scales[block], zero[lane], Int4Search.MaxValue, steps);
                for (int i = 0; i < blockValues.Length; i++)
                {
                    blockValues[i] = (byte)(steps[2 * i] | steps[2 * i + 1] << 4);
                }
            }
        }

        return -1;
    }

    // A block's weights; a ragged last one is padded with zeros, a value that every block has, so that padding costs nothing.
    private static ReadOnlySpan<float> Block(ReadOnlySpan<float> row, int block, int size, Span<float> padding)
    {
        ReadOnlySpan<float> rest = row[(block * size)..];
        if (rest.Length >= size)
        {
            return rest[..size];
        }

        padding.Clear();
        rest.CopyTo(padding);
        return padding;
    }

    // Blocks that lie one behind the other, each in a lane of its own; what is left of the lanes is zeros.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Spread(ReadOnlySpan<float> weights, int size, Span<Vector<float>> lanes)
    {
        Span<float> target = MemoryMarshal.Cast<Vector<float>, float>(lanes);
        if (weights.Length < target.Length)
        {
            target.Clear();
        }

        for (int lane = 0; weights.Length > 0; lane++)
        {
            ReadOnlySpan<float> block = weights[..Math.Min(size, weights.Length)];
            Span<float> to = target[lane..];
            for (int i = 0; i < block.Length; i++)
            {
                to[i * Vector<float>.Count] = block[i];
            }

            weights = weights[block.Length..];
        }
    }

    // Lowest and highest weight and 0; a sum of infinities or a NaN shows in their difference.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static (float Min, float Max) Range(ReadOnlySpan<float> weights)
    {
        (Vector<float> low, Vector<float> high) = Int4Search.Range(MemoryMarshal.Cast<float, Vector<float>>(weights));
        float min = low[0];
        float max = high[0];
        for (int i = 1; i < Vector<float>.Count; i++)
        {
            min = MathF.Min(min, low[i]);
            max = MathF.Max(max, high[i]);
        }

        return (min, max);
    }

    private static int NotFinite(ReadOnlySpan<float> weights)
    {
        for (int i = 0; i < weights.Length; i++)
        {
            if (!float.IsFinite(weights[i]))
            {
                return i;
            }
        }

        return -1;
    }

    // The values: weights in steps, from the zero point, within 0 and the highest.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Round(ReadOnlySpan<float> weights, float scale, float zero, float highest, Span<int> values)
    {
        Vector<float> factor = new(1 / scale);
        Vector<float> offset = new(zero);
        Vector<float> top = new(highest);
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(weights);
        Span<Vector<int>> rounded = MemoryMarshal.Cast<int, Vector<int>>(values);
        for (int v = 0; v < vectors.Length; v++)
        {
            rounded[v] = Vector.ConvertToInt32(Vector.ClampNative(Vector.Round(vectors[v] * factor) + offset, Vector<float>.Zero, top));
        }
    }

    // The nearest bfloat16 number, of two as near the even one. For numbers from 0 that are finite and not the very largest.
    private static float BFloat16(float x)
    {
        uint bits = BitConverter.SingleToUInt32Bits(x);
        return BitConverter.UInt32BitsToSingle((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000);
    }

    // The lowest bfloat16 number that is not below.
    private static float BFloat16Up(float x) => BitConverter.UInt32BitsToSingle((BitConverter.SingleToUInt32Bits(x) + 0xFFFF) & 0xFFFF0000);
}
