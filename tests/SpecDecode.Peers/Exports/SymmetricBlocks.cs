using System.Numerics.Tensors;

namespace SpecDecode.Peers.Exports;

/// <summary>
/// Rounds blocks of 32 weights to a scale and whole steps around zero, as the peers' own converters do by default: llama.cpp's Q8_0 and Q4_0, and
/// ONNX Runtime's symmetric blocks for MatMulNBits. Both peers get the same steps.
/// </summary>
internal static class SymmetricBlocks
{
    /// <summary>Weights of a block.</summary>
    public const int Size = 32;

    private const int MaxInt8 = 127;
    private const int MinInt4 = -8;
    private const int MaxInt4 = 7;

    /// <summary>Rounds a block: its largest magnitude becomes ±127 (8 bits), or −8 (4 bits).</summary>
    /// <param name="weights">The weights of one block.</param>
    /// <param name="precision">Int8 or int4.</param>
    /// <param name="steps">Takes a whole number for each weight; times the scale it is about the weight.</param>
    /// <returns>The scale; with 4 bits it may be negative.</returns>
    public static float Round(ReadOnlySpan<float> weights, Precision precision, Span<sbyte> steps)
    {
        float extreme = weights[TensorPrimitives.IndexOfMaxMagnitude(weights)];
        (float scale, int lowest, int highest) = precision switch
        {
            Precision.Int8 => (MathF.Abs(extreme) / MaxInt8, -MaxInt8, MaxInt8),
            Precision.Int4 => (extreme / MinInt4, MinInt4, MaxInt4),
            _ => throw new ArgumentOutOfRangeException(nameof(precision), precision, "Weights of this precision are not rounded."),
        };
        float reciprocal = scale == 0 ? 0 : 1 / scale;
        for (int i = 0; i < weights.Length; i++)
        {
            steps[i] = (sbyte)Math.Clamp((int)MathF.Round(weights[i] * reciprocal), lowest, highest);
        }

        return scale;
    }
}
