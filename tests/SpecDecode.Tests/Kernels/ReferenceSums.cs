using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace SpecDecode.Tests.Kernels;

/// <summary>A row times a row of a matrix, in plain code: in double precision with a bound, and in floats in the order that the kernels promise.</summary>
internal static class ReferenceSums
{
    /// <summary>Whether the processor multiplies and adds with one rounding, as .NET may use it.</summary>
    public static bool IsFused { get; } = Fma.IsSupported || AdvSimd.IsSupported;

    /// <summary>Of weights that are floats: one chain over the inputs.</summary>
    public static Bounded Floats(MatrixRow weights, ReadOnlySpan<Bounded> row)
    {
        double sum = 0, error = 0, magnitude = 0;
        for (int i = 0; i < row.Length; i++)
        {
            double weight = weights.Floats[i];
            sum += weight * row[i].Value;
            error += Math.Abs(weight) * row[i].Error;
            magnitude += Math.Abs(weight) * (Math.Abs(row[i].Value) + row[i].Error);
        }

        return Sum(sum, error, magnitude, roundings: row.Length + 1);
    }

    /// <summary>Of quantised weights and a row of floats: a chain over each block, and one over the blocks.</summary>
    public static Bounded Wide(MatrixRow weights, int blockSize, ReadOnlySpan<Bounded> row)
    {
        double sum = 0, error = 0, magnitude = 0;
        for (int i = 0; i < row.Length; i++)
        {
            double weight = (double)weights.Steps[i] * weights.Scales[i / blockSize];
            sum += weight * row[i].Value;
            error += Math.Abs(weight) * row[i].Error;
            magnitude += Math.Abs(weight) * (Math.Abs(row[i].Value) + row[i].Error);
        }

        return Sum(sum, error, magnitude, roundings: Math.Min(blockSize, row.Length) + weights.Scales.Length + 2);
    }

    /// <summary>Of quantised weights and a row of bytes: exact in each block, then multiplied by both scales, and a chain over the blocks.</summary>
    public static Bounded Bytes(MatrixRow weights, int blockSize, QuantisedRow row)
    {
        double sum = 0, magnitude = 0;
        for (int block = 0; block < row.Scales.Length; block++)
        {
            double term = (double)Block(weights, blockSize, row, block) * weights.Scales[block] * row.Scales[block];
            sum += term;
            magnitude += Math.Abs(term);
        }

        return Sum(sum, 0, magnitude, roundings: row.Scales.Length + 2);
    }

    /// <summary><see cref="Floats"/> in floats.</summary>
    public static float FloatChain(MatrixRow weights, ReadOnlySpan<float> row)
    {
        float sum = 0;
        for (int i = 0; i < row.Length; i++)
        {
            sum = MultiplyAdd(weights.Floats[i], row[i], sum);
        }

        // An odd input has a zero beside it, which makes a positive zero of a negative one.
        return row.Length % 2 == 0 ? sum : MultiplyAdd(0, 0, sum);
    }

    /// <summary><see cref="Bytes"/> in floats.</summary>
    public static float ByteChain(MatrixRow weights, int blockSize, QuantisedRow row)
    {
        float sum = 0;
        for (int block = 0; block < row.Scales.Length; block++)
        {
            sum = MultiplyAdd(Block(weights, blockSize, row, block), weights.Scales[block] * row.Scales[block], sum);
        }

        return sum;
    }

    private static int Block(MatrixRow weights, int blockSize, QuantisedRow row, int block)
    {
        int sum = 0;
        for (int i = block * blockSize; i < (block + 1) * blockSize; i++)
        {
            sum += weights.Steps[i] * row.Bytes[i];
        }

        return sum;
    }

    private static float MultiplyAdd(float left, float right, float sum) =>
        IsFused ? MathF.FusedMultiplyAdd(left, right, sum) : (left * right) + sum;

    private static Bounded Sum(double sum, double error, double magnitude, int roundings) =>
        new(sum, error + Bounded.Gamma(roundings) * magnitude + roundings * (double)float.Epsilon);
}
