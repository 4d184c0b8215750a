namespace SpecDecode.Sampling;

/// <summary>How probable a token of a text was, and which others were.</summary>
public sealed record TokenLogProbability
{
    /// <summary>The token.</summary>
    public required int Token { get; init; }

    /// <summary>Natural logarithm of its probability; −∞ where it had none.</summary>
    public required float LogProbability { get; init; }

    /// <summary>The most probable tokens at its place, the most probable first; it may be one of them, and need not.</summary>
    public required IReadOnlyList<TokenProbability> Top { get; init; }
}
