namespace SpecDecode.Sampling;

/// <summary>One row of logits and its highest, which every choice looks at.</summary>
internal readonly ref struct LogitRow
{
    /// <summary>Looks a row through.</summary>
    /// <param name="logits">The row, <c>[V]</c>, not empty.</param>
    public LogitRow(ReadOnlySpan<float> logits)
    {
        Logits = logits;
        Best = RowScan.IndexOfHighest(logits);
        Highest = logits[Best];
    }

    /// <summary>The logits, <c>[V]</c>.</summary>
    public ReadOnlySpan<float> Logits { get; }

    /// <summary>The token of the highest logit, the lowest id on a tie: the greedy choice. The first NaN if there is one.</summary>
    public int Best { get; }

    /// <summary>The highest logit; NaN if any is.</summary>
    public float Highest { get; }

    /// <summary>Whether a token can be chosen: none is NaN, and the highest is finite.</summary>
    public bool CanChoose => float.IsFinite(Highest);

    /// <summary>The error of a row that no token can be chosen from.</summary>
    public SpecDecodeException NotFinite() => NotFinite(Best, Highest);

    /// <summary>The error of a logit that is not finite.</summary>
    public static SpecDecodeException NotFinite(int token, float logit) => new(FormattableString.Invariant(
        $"The model's logit of token {token} is {logit}: its weights or the numbers in its config.json are damaged. Download the checkpoint again."));
}
