namespace SpecDecode.Evaluation;

/// <summary>How well a model predicts texts.</summary>
/// <param name="Perplexity">e to the mean negative log probability of a predicted token; lower is better, 1 is certainty.</param>
/// <param name="Tokens">Tokens that were predicted.</param>
public sealed record PerplexityResult(double Perplexity, long Tokens);
