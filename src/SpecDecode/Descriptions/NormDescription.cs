namespace SpecDecode.Descriptions;

/// <summary>Which normalisation a block applies to its rows.</summary>
internal enum NormKind
{
    /// <summary>Root-mean-square norm without a mean: x / sqrt(mean(x²) + ε) · w.</summary>
    Rms,

    /// <summary>As <see cref="Rms"/>, with a weight that is stored as its distance from 1: x / sqrt(mean(x²) + ε) · (1 + w).</summary>
    RmsAroundOne,

    /// <summary>Layer norm: (x − mean(x)) / sqrt(var(x) + ε) · w + b.</summary>
    Layer,
}

/// <summary>One normalisation over the last dimension.</summary>
/// <param name="Kind">The formula.</param>
/// <param name="Weight">Prepared tensor of the scale, <c>[width]</c>.</param>
/// <param name="Epsilon">ε under the root.</param>
/// <param name="Bias">Prepared tensor <c>[width]</c> of a layer norm; null for the others.</param>
internal sealed record NormDescription(NormKind Kind, string Weight, float Epsilon, string? Bias = null);

/// <summary>
/// Norms of queries and keys between projection and rotary embedding. Heads are padded from d to D channels, all but d of
/// them zero, so a mean over D is d/D of the true one: <see cref="NormDescription.Epsilon"/> is d/D of the checkpoint's,
/// which leaves the result sqrt(D/d) times too large, and <see cref="AttendDescription.Scale"/> makes up for both factors.
/// </summary>
/// <param name="Query">Norm of the queries; its weight is laid out as they are, with zeros in the padding.</param>
/// <param name="Key">Norm of the keys, likewise.</param>
/// <param name="PerHead">Over each head by itself, with one weight for all of them; else over all heads together.</param>
internal sealed record QueryKeyNormDescription(NormDescription Query, NormDescription Key, bool PerHead);
