using System.Numerics.Tensors;

namespace SpecDecode.Sampling;

/// <summary>Greedy choice, and what every choice needs of its logits.</summary>
internal static class Greedy
{
    /// <summary>The token of the highest logit; the lowest id on a tie.</summary>
    /// <param name="logits">One row of logits, <c>[V]</c>.</param>
    /// <exception cref="SpecDecodeException">A logit is not a number, or the highest is infinite.</exception>
    public static int Pick(ReadOnlySpan<float> logits)
    {
        int token = RowScan.IndexOfHighest(logits);
        return float.IsFinite(logits[token]) ? token : throw NotFinite(token, logits[token]);
    }

    /// <summary>Whether a token can be chosen from them: none is NaN, and the highest is finite.</summary>
    public static bool CanPick(ReadOnlySpan<float> logits) => float.IsFinite(TensorPrimitives.Max(logits));

    /// <summary>The error for a logit that is not finite.</summary>
    public static SpecDecodeException NotFinite(int token, float logit) => new(FormattableString.Invariant(
        $"The model's logit of token {token} is {logit}: its weights or the numbers in its config.json are damaged. Download the checkpoint again."));
}
