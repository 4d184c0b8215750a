namespace SpecDecode.Sampling;

/// <summary>
/// Where a row of logits is cut: tokens above <see cref="Value"/> stay, and of those that equal it so many with the lowest ids.
/// </summary>
/// <param name="Value">The lowest logit that may stay.</param>
/// <param name="Ties">How many of those that equal it stay.</param>
internal readonly record struct LogitCut(float Value, int Ties)
{
    /// <summary>Keeps every token that has a probability at all.</summary>
    public static LogitCut None { get; } = new(float.NegativeInfinity, 0);

    /// <summary>Whether it need not be counted which of the equal ones stay.</summary>
    public bool KeepsNoTiesOrAll => Ties is 0 or int.MaxValue;

    /// <summary>The cut of two that leaves less.</summary>
    public LogitCut And(LogitCut other) =>
        Value > other.Value ? this : Value < other.Value ? other : this with { Ties = Math.Min(Ties, other.Ties) };
}
