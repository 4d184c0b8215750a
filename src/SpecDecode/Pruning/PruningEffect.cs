namespace SpecDecode.Pruning;

/// <summary>How well a model predicts a text with all its layers and without some.</summary>
/// <param name="Before">Perplexity with all layers.</param>
/// <param name="After">Perplexity without those that are dropped.</param>
/// <param name="Tokens">Tokens that were predicted.</param>
/// <param name="Text">What the text is called; null where it has no name.</param>
public sealed record PruningEffect(double Before, double After, long Tokens, string? Text = null);
