using System.Numerics.Tensors;

namespace SpecDecode.Sampling;

/// <summary>Greedy choice.</summary>
internal static class Greedy
{
    /// <summary>The token of the highest logit; the lowest id on a tie.</summary>
    /// <param name="logits">One row of logits, <c>[V]</c>.</param>
    /// <exception cref="SpecDecodeException">A logit is not a number.</exception>
    public static int Pick(ReadOnlySpan<float> logits)
    {
        // IndexOfMax gives the place of a NaN, if there is one.
        int token = TensorPrimitives.IndexOfMax(logits);
        return !float.IsNaN(logits[token])
            ? token
            : throw new SpecDecodeException(
                $"The model's logit of token {token} is not a number: its weights are damaged or overflow in this precision. Download the checkpoint again.");
    }
}
