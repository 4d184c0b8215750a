namespace SpecDecode.Models.Descriptions;

/// <summary>Which normalisation a block applies to its input rows.</summary>
internal enum NormKind
{
    /// <summary>Root-mean-square norm without a mean: x / sqrt(mean(x²) + ε) · w.</summary>
    Rms,
}

/// <summary>One normalisation over the last dimension.</summary>
/// <param name="Kind">The formula.</param>
/// <param name="Weight">Prepared tensor of the scale, <c>[width]</c>.</param>
/// <param name="Epsilon">ε under the root.</param>
internal sealed record NormDescription(NormKind Kind, string Weight, float Epsilon);
