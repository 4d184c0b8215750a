using System.Numerics.Tensors;

namespace SpecDecode.Sampling;

/// <summary>Softmax arithmetic.</summary>
internal static class Softmax
{
    /// <summary>The probability of the most probable token.</summary>
    /// <param name="logits">One row of logits, <c>[V]</c>; overwritten.</param>
    public static float MaxProbability(Span<float> logits)
    {
        TensorPrimitives.Subtract(logits, TensorPrimitives.Max<float>(logits), logits);
        TensorPrimitives.Exp<float>(logits, logits);
        return 1f / TensorPrimitives.Sum<float>(logits);
    }
}
