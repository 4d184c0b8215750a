namespace SpecDecode.Sampling;

/// <summary>A token and how probable it was.</summary>
/// <param name="Token">The token.</param>
/// <param name="LogProbability">Natural logarithm of its probability.</param>
public readonly record struct TokenProbability(int Token, float LogProbability);
