namespace SpecDecode.Sampling;

/// <summary>Greedy choice.</summary>
internal static class Greedy
{
    /// <summary>The token of the highest logit; the lowest id on a tie.</summary>
    /// <param name="logits">One row of logits, <c>[V]</c>.</param>
    /// <exception cref="SpecDecodeException">A logit is not a number, or the highest is infinite.</exception>
    public static int Pick(ReadOnlySpan<float> logits)
    {
        LogitRow row = new(logits);
        return row.CanChoose ? row.Best : throw row.NotFinite();
    }
}
