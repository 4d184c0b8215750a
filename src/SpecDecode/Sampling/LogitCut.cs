namespace SpecDecode.Sampling;

/// <summary>
/// Where a row of logits is cut: tokens above <see cref="Value"/> stay, and of those that equal it the ones with the lowest ids.
/// </summary>
/// <param name="Value">The lowest logit that may stay.</param>
/// <param name="LastTie">The last token that stays though its logit only equals it; −1 where none does.</param>
internal readonly record struct LogitCut(float Value, int LastTie)
{
    /// <summary>Keeps every token that has a probability at all.</summary>
    public static LogitCut None { get; } = new(float.NegativeInfinity, -1);

    /// <summary>Keeps all tokens that are not below a logit.</summary>
    public static LogitCut AtLeast(float value) => new(value, int.MaxValue);

    /// <summary>Whether a token stays.</summary>
    public bool Keeps(float logit, int token) => logit > Value || (logit == Value && token <= LastTie);

    /// <summary>The cut of two that leaves less.</summary>
    public LogitCut And(LogitCut other) =>
        Value > other.Value ? this : Value < other.Value ? other : this with { LastTie = Math.Min(LastTie, other.LastTie) };
}
