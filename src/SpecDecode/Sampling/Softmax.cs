using System.Numerics.Tensors;

namespace SpecDecode.Sampling;

/// <summary>Softmax arithmetic.</summary>
internal static class Softmax
{
    /// <summary>The probability of a token.</summary>
    /// <param name="logits">One row of logits, <c>[V]</c>; overwritten.</param>
    /// <param name="token">The token.</param>
    public static float Probability(Span<float> logits, int token)
    {
        TensorPrimitives.Subtract(logits, TensorPrimitives.Max<float>(logits), logits);
        TensorPrimitives.Exp<float>(logits, logits);
        return logits[token] / TensorPrimitives.Sum<float>(logits);
    }
}
