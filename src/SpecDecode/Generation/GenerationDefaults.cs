using SpecDecode.Drafting;
using SpecDecode.Sampling;

namespace SpecDecode.Generation;

/// <summary>What holds where a request does not say.</summary>
public sealed record GenerationDefaults
{
    /// <summary>The default of <see cref="MaxNewTokens"/>.</summary>
    public const int DefaultMaxNewTokens = 128;

    /// <summary>New tokens after which a text ends; at least 1.</summary>
    /// <value>The default is 128.</value>
    public int MaxNewTokens { get; init; } = DefaultMaxNewTokens;

    /// <summary>How tokens are chosen.</summary>
    /// <value>The default is greedy.</value>
    public SamplingOptions Sampling { get; init; } = SamplingOptions.Greedy;

    /// <summary>How the model drafts for itself.</summary>
    /// <value>The default is <see cref="DraftOptions.Off"/>.</value>
    public DraftOptions Draft { get; init; } = DraftOptions.Off;
}
