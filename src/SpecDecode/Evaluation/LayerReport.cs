namespace SpecDecode.Evaluation;

/// <summary>How much each layer of a model matters for a text, and what it takes.</summary>
public sealed record LayerReport
{
    /// <summary>The layers, the first first.</summary>
    public required IReadOnlyList<LayerFigures> Layers { get; init; }

    /// <summary>Perplexity of the full model.</summary>
    public required double Perplexity { get; init; }

    /// <summary>Tokens that were predicted, and at which agreement was looked at.</summary>
    public required long Tokens { get; init; }

    /// <summary>Positions over which Block Influence is the mean: those tokens' and their contexts'.</summary>
    public required long Positions { get; init; }
}
