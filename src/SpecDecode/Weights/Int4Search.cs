using System.Numerics;
using System.Runtime.CompilerServices;

namespace SpecDecode.Weights;

/// <summary>
/// Finds scale and zero point of blocks that are to be rounded to four bits: of a few steps around the 15th part of the
/// block's range, each with two zero points, those that leave the smallest squared error. Each lane of a vector works on a
/// block of its own, and what happens in a lane depends on nothing else; so the result is the same on every machine,
/// however wide its vectors are.
/// </summary>
internal static class Int4Search
{
    /// <summary>The highest stored value; the lowest is 0.</summary>
    public const float MaxValue = 15;

    // How much of a block's range the 16 values span. Less cuts outliers off. More pays where the range does not begin at a
    // whole number of steps from zero, the smaller the blocks the more. Twice as many shares would leave 0.2 % less error.
    private static readonly float[] RangeShares = [1.18f, 1.1f, 1.04f, 1f, 0.96f, 0.92f, 0.86f];

    /// <summary>Blocks that are searched at once.</summary>
    public static int Lanes => Vector<float>.Count;

    /// <summary>Lowest and highest weight of each block, and 0; in the difference shows whether all of them are finite.</summary>
    /// <param name="weights">Vector i holds weight i of each block.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static (Vector<float> Min, Vector<float> Max) Range(ReadOnlySpan<Vector<float>> weights)
    {
        Vector<float> min = Vector<float>.Zero;
        Vector<float> max = Vector<float>.Zero;
        foreach (Vector<float> w in weights)
        {
            // Unlike the native ones, these let a NaN through.
            min = Vector.Min(min, w);
            max = Vector.Max(max, w);
        }

        return (min, max);
    }

    /// <summary>Finds scale and zero point of each block.</summary>
    /// <param name="weights">Vector i holds weight i of each block, in units of the 15th part of the block's range.</param>
    /// <param name="min">The lowest of them, or 0.</param>
    /// <returns>The scale in the same unit, 0 where all weights are 0, and the zero point.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static (Vector<float> Scale, Vector<float> ZeroPoint) Run(ReadOnlySpan<Vector<float>> weights, Vector<float> min)
    {
        Vector<float> bestGain = Vector<float>.Zero;
        Vector<float> bestScale = Vector<float>.Zero;
        Vector<float> bestZero = Vector<float>.Zero;
        foreach (float share in RangeShares)
        {
            // The zero point that centres the 16 values over the range is between two whole numbers: both are tried.
            Vector<float> reciprocal = new(1 / share);
            Vector<float> centred = Vector.Floor(new Vector<float>((1 - 1 / share) * MaxValue / 2) - min * reciprocal);
            Vector<float> lower = Vector.Clamp(centred, Vector<float>.Zero, new Vector<float>(MaxValue - 1));
            Try(weights, reciprocal, lower, ref bestGain, ref bestScale, ref bestZero);
        }

        return (bestScale, bestZero);
    }

    // With weights w and steps d = value − zero point, the scale Σwd / Σd² is best, and leaves Σw² − (Σwd)² / Σd². The zero
    // point and the next one.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Try(
        ReadOnlySpan<Vector<float>> weights, Vector<float> reciprocal, Vector<float> zero,
        ref Vector<float> bestGain, ref Vector<float> bestScale, ref Vector<float> bestZero)
    {
        Vector<float> next = zero + Vector<float>.One;
        Vector<float> lowest = -zero;
        Vector<float> highest = new Vector<float>(MaxValue) - zero;
        Vector<float> nextLowest = -next;
        Vector<float> nextHighest = new Vector<float>(MaxValue) - next;
        Vector<float> products = Vector<float>.Zero;
        Vector<float> squares = Vector<float>.Zero;
        Vector<float> nextProducts = Vector<float>.Zero;
        Vector<float> nextSquares = Vector<float>.Zero;
        foreach (Vector<float> w in weights)
        {
            Vector<float> rounded = Vector.Round(w * reciprocal);
            Vector<float> d = Vector.ClampNative(rounded, lowest, highest);
            products = Vector.FusedMultiplyAdd(w, d, products);
            squares = Vector.FusedMultiplyAdd(d, d, squares);
            d = Vector.ClampNative(rounded, nextLowest, nextHighest);
            nextProducts = Vector.FusedMultiplyAdd(w, d, nextProducts);
            nextSquares = Vector.FusedMultiplyAdd(d, d, nextSquares);
        }

        Keep(products, squares, zero, ref bestGain, ref bestScale, ref bestZero);
        Keep(nextProducts, nextSquares, next, ref bestGain, ref bestScale, ref bestZero);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Keep(
        Vector<float> products, Vector<float> squares, Vector<float> zero,
        ref Vector<float> bestGain, ref Vector<float> bestScale, ref Vector<float> bestZero)
    {
        // Where all steps are 0 the scale is no number, and no gain is greater.
        Vector<float> scale = products / squares;
        Vector<float> gain = scale * products;
        Vector<float> isBetter = Vector.AsVectorSingle(Vector.GreaterThan(gain, bestGain));
        bestGain = Vector.ConditionalSelect(isBetter, gain, bestGain);
        bestScale = Vector.ConditionalSelect(isBetter, scale, bestScale);
        bestZero = Vector.ConditionalSelect(isBetter, zero, bestZero);
    }
}
