namespace SpecDecode.Evaluation;

/// <summary>What one layer of a model does to a text, and what it takes.</summary>
public sealed record LayerFigures
{
    /// <summary>Its number, from 0.</summary>
    public required int Layer { get; init; }

    /// <summary>Its attention.</summary>
    public required BlockFigures Attention { get; init; }

    /// <summary>Its MLP.</summary>
    public required BlockFigures Mlp { get; init; }

    /// <summary>Block Influence of the layer as a whole: from before its attention to behind its MLP.</summary>
    public required double BlockInfluence { get; init; }

    /// <summary>The share of positions at which an exit behind this layer has the full model's best token; of the last layer 1.</summary>
    public required double ExitAgreement { get; init; }

    /// <summary>Perplexity of an exit behind this layer: final norm and head on its residual. NaN where its logits give no probability.</summary>
    public required double ExitPerplexity { get; init; }

    /// <summary>Its share of the time of a pass over one row; 0 to 1.</summary>
    public double TimeShare => Attention.TimeShare + Mlp.TimeShare;

    /// <summary>Its share of the bytes of all weights; 0 to 1.</summary>
    public double ByteShare => Attention.ByteShare + Mlp.ByteShare;
}
