namespace SpecDecode.Evaluation;

/// <summary>What one block of a model, an attention or an MLP, does to a text, and what it takes.</summary>
public sealed record BlockFigures
{
    /// <summary>
    /// Block Influence (ShortGPT, 2403.03853): 1 − the mean over all positions of the cosine between the residual before the block and behind it.
    /// 0 is a block that only scales; from 0 to 2.
    /// </summary>
    public required double BlockInfluence { get; init; }

    /// <summary>That mean cosine: 1 − <see cref="BlockInfluence"/>.</summary>
    public double Cosine => 1 - BlockInfluence;

    /// <summary>The share of positions at which the model without this block alone has the full model's best token; 0 to 1.</summary>
    public required double AgreementWithout { get; init; }

    /// <summary>Its share of the time of a pass over one row, embedding and head counted; 0 to 1.</summary>
    public required double TimeShare { get; init; }

    /// <summary>Its share of the bytes of all weights, as they are loaded; 0 to 1.</summary>
    public required double ByteShare { get; init; }
}
