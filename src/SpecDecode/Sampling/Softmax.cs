using System.Numerics.Tensors;

namespace SpecDecode.Sampling;

/// <summary>Softmax arithmetic.</summary>
internal static class Softmax
{
    private const int PieceTokens = 2048;

    /// <summary>The probability of a token.</summary>
    /// <param name="logits">One row of logits, <c>[V]</c>; overwritten.</param>
    /// <param name="token">The token.</param>
    public static float Probability(Span<float> logits, int token)
    {
        Weights(logits, TensorPrimitives.Max<float>(logits), 1, logits);
        return logits[token] / TensorPrimitives.Sum<float>(logits);
    }

    /// <summary>exp((logit − highest) / temperature), which is 1 for the highest but for rounding.</summary>
    /// <param name="logits">Logits; not NaN.</param>
    /// <param name="highest">The highest of them, finite.</param>
    /// <param name="temperature">Above 0.</param>
    /// <param name="weights">Gets them; may be where the logits are.</param>
    public static void Weights(ReadOnlySpan<float> logits, float highest, float temperature, Span<float> weights)
    {
        // In pieces that stay in the first cache. None is so short that other instructions might round otherwise: equal logits
        // have equal weights.
        int count;
        for (int start = 0; start < logits.Length; start += count)
        {
            count = logits.Length - start < 2 * PieceTokens ? logits.Length - start : PieceTokens;
            Span<float> piece = weights.Slice(start, count);
            TensorPrimitives.Subtract(logits.Slice(start, count), highest, piece);
            if (temperature != 1)
            {
                TensorPrimitives.Divide(piece, temperature, piece);
            }

            TensorPrimitives.Exp<float>(piece, piece);
        }
    }
}
