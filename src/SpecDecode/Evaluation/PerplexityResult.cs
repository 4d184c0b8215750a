namespace SpecDecode.Evaluation;

/// <summary>How well a model predicts texts.</summary>
public sealed record PerplexityResult
{
    /// <summary>e to the mean negative log probability of a predicted token; lower is better, 1 is certainty.</summary>
    public required double Perplexity { get; init; }

    /// <summary>Tokens that were predicted.</summary>
    public required long Tokens { get; init; }

    /// <summary>The result in words.</summary>
    public override string ToString() => FormattableString.Invariant($"perplexity {Perplexity:g6} over {Tokens} tokens");
}
