using System.Numerics;
using System.Runtime.InteropServices;
using SpecDecode.Descriptions;

namespace SpecDecode.Weights;

/// <summary>
/// Rounds rows of weights to 8 or 4 bits, block by block, as <see cref="TensorFormat"/> lays them out. Eight bits are
/// symmetric: the largest magnitude of the block becomes ±127. Four bits are too few for that: scale and zero point are
/// those, of a few around the block's range, that leave the smallest squared error, the scale being refitted to the
/// rounded values.
/// </summary>
internal static class BlockQuantizer
{
    private const float MaxInt8 = 127;
    private const byte ZeroInt8 = 128;
    private const float MaxInt4 = 15;

    // Below this a scale has no reciprocal that is a float; such a block counts as zeros.
    private const float SmallestScale = 1e-37f;

    // How much of a block's range the 16 steps of four bits span: cutting outliers off often leaves the smaller error.
    private static readonly float[] RangeShares = [1f, 0.96f, 0.92f, 0.88f, 0.84f, 0.8f, 0.75f, 0.7f];

    /// <summary>Quantises one row.</summary>
    /// <param name="row">Its weights <c>[columns]</c>.</param>
    /// <param name="format">Int8 or int4.</param>
    /// <param name="values">Takes the row's values, of <see cref="TensorFormat.ValueBytes"/> bytes.</param>
    /// <param name="scales">Takes the row's scales, one for each block.</param>
    /// <param name="zeroPoints">Takes the row's zero points, of <see cref="TensorFormat.ZeroPointBytes"/> bytes.</param>
    /// <returns>−1, or a column whose weight is not finite; then what was written is of no use.</returns>
    public static int Quantize(ReadOnlySpan<float> row, TensorFormat format, Span<byte> values, Span<float> scales, Span<byte> zeroPoints)
    {
        int size = format.BlockSize;
        int valueBytes = size * format.Bits / 8;
        Span<float> padded = stackalloc float[size];
        zeroPoints.Clear();
        for (int block = 0; block < scales.Length; block++)
        {
            int first = block * size;
            scoped ReadOnlySpan<float> weights = row.Slice(first, Math.Min(size, row.Length - first));
            if (weights.Length < size)
            {
                // Zero is a value that every block has, so padding costs the others nothing.
                padded.Clear();
                weights.CopyTo(padded);
                weights = padded;
            }

            (float min, float max) = Range(weights);
            if (!float.IsFinite(max - min) && NotFinite(weights) is >= 0 and var place)
            {
                return first + place;
            }

            Span<byte> blockValues = values.Slice(block * valueBytes, valueBytes);
            if (format.Precision == Precision.Int8)
            {
                scales[block] = Int8(weights, Math.Max(max, -min), blockValues);
            }
            else
            {
                (scales[block], int zero) = Int4(weights, min, max, blockValues);
                zeroPoints[block / 2] |= (byte)(zero << (4 * (block % 2)));
            }
        }

        return -1;
    }

    // Lowest and highest weight and 0; a sum of infinities or a NaN shows in their difference.
    private static (float Min, float Max) Range(ReadOnlySpan<float> weights)
    {
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(weights);
        Vector<float> low = Vector<float>.Zero;
        Vector<float> high = Vector<float>.Zero;
        foreach (Vector<float> x in vectors)
        {
            // Unlike the native ones, these let a NaN through.
            low = Vector.Min(low, x);
            high = Vector.Max(high, x);
        }

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

    private static float Int8(ReadOnlySpan<float> weights, float magnitude, Span<byte> values)
    {
        float scale = magnitude / MaxInt8;
        if (scale < SmallestScale)
        {
            values.Fill(ZeroInt8);
            return 0;
        }

        Span<int> steps = stackalloc int[weights.Length];
        Round(weights, 1 / scale, ZeroInt8, byte.MaxValue, steps);
        for (int i = 0; i < steps.Length; i++)
        {
            values[i] = (byte)steps[i];
        }

        return scale;
    }

    private static (float Scale, int ZeroPoint) Int4(ReadOnlySpan<float> weights, float min, float max, Span<byte> values)
    {
        // Halved first: the range of finite weights may be none.
        float step = (max / MaxInt4) - (min / MaxInt4);
        if (step < SmallestScale)
        {
            values.Clear();
            return (0, 0);
        }

        // With weights w and steps d = value − zero point, the scale Σwd / Σd² is best, and leaves Σw² − (Σwd)² / Σd². First the
        // share of the range, cut off evenly on both sides, then a zero point beside the middle one.
        float reciprocal = 1 / step;
        (float Gain, float Scale, float Reciprocal, int ZeroPoint) best = (-1, step, reciprocal, (int)MathF.Round(-min * reciprocal));
        foreach (float share in RangeShares)
        {
            float candidate = reciprocal / share;
            float middle = MathF.Round(-min * candidate - ((1 / share) - 1) * MaxInt4 / 2);
            Try(weights, candidate, (int)Math.Clamp(middle, 0, MaxInt4), ref best);
        }

        (float chosenReciprocal, int chosenZero) = (best.Reciprocal, best.ZeroPoint);
        Try(weights, chosenReciprocal, Math.Max(chosenZero - 1, 0), ref best);
        Try(weights, chosenReciprocal, Math.Min(chosenZero + 1, (int)MaxInt4), ref best);
        (float Scale, int ZeroPoint) chosen = (best.Scale, best.ZeroPoint);
        if (!(chosen.Scale >= SmallestScale) || !float.IsFinite(chosen.Scale))
        {
            chosen = (step, (int)MathF.Round(-min * reciprocal));
        }

        Span<int> steps = stackalloc int[weights.Length];
        Round(weights, 1 / chosen.Scale, chosen.ZeroPoint, MaxInt4, steps);
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (byte)(steps[2 * i] | steps[2 * i + 1] << 4);
        }

        return chosen;
    }

    private static void Try(
        ReadOnlySpan<float> weights, float reciprocal, int zero, ref (float Gain, float Scale, float Reciprocal, int ZeroPoint) best)
    {
        (float product, float square) = Sums(weights, reciprocal, zero);
        float scale = product / square;
        if (scale * product > best.Gain)
        {
            best = (scale * product, scale, reciprocal, zero);
        }
    }

    // Σwd and Σd² for d = round(w · reciprocal) within what the zero point leaves.
    private static (float Product, float Square) Sums(ReadOnlySpan<float> weights, float reciprocal, int zero)
    {
        Vector<float> factor = new(reciprocal);
        Vector<float> lowest = new(-zero);
        Vector<float> highest = new(MaxInt4 - zero);
        Vector<float> products = Vector<float>.Zero;
        Vector<float> squares = Vector<float>.Zero;
        foreach (Vector<float> w in MemoryMarshal.Cast<float, Vector<float>>(weights))
        {
            Vector<float> d = Vector.ClampNative(Vector.Round(w * factor), lowest, highest);
            products = Vector.FusedMultiplyAdd(w, d, products);
            squares = Vector.FusedMultiplyAdd(d, d, squares);
        }

        return (Vector.Sum(products), Vector.Sum(squares));
    }

    // The values: weights in steps, from the zero point, within 0 and the highest.
    private static void Round(ReadOnlySpan<float> weights, float reciprocal, float zero, float highest, Span<int> values)
    {
        Vector<float> factor = new(reciprocal);
        Vector<float> offset = new(zero);
        Vector<float> top = new(highest);
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(weights);
        Span<Vector<int>> rounded = MemoryMarshal.Cast<int, Vector<int>>(values);
        for (int v = 0; v < vectors.Length; v++)
        {
            rounded[v] = Vector.ConvertToInt32(Vector.ClampNative(Vector.Round(vectors[v] * factor) + offset, Vector<float>.Zero, top));
        }
    }
}
