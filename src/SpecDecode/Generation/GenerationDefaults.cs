using SpecDecode.Drafting;
using SpecDecode.Sampling;

namespace SpecDecode.Generation;

/// <summary>What holds where a request does not say.</summary>
public sealed record GenerationDefaults
{
    /// <summary>The default of <see cref="MaxTokens"/>.</summary>
    public const int DefaultMaxTokens = 128;

    /// <summary>New tokens after which a text ends; at least 1.</summary>
    /// <value>The default is 128.</value>
    public int MaxTokens { get; init; } = DefaultMaxTokens;

    /// <summary>How tokens are chosen.</summary>
    /// <value>The default is greedy.</value>
    public SamplingOptions Sampling { get; init; } = SamplingOptions.Greedy;

    /// <summary>How the model drafts for itself.</summary>
    /// <value>The default is the strategy <c>auto</c>, which drafts where that pays.</value>
    public DraftingOptions Drafting { get; init; } = new();

    /// <summary>The same, apart from these: whoever changes the options of one does not change the other's.</summary>
    internal GenerationDefaults Copy() => this with { Sampling = Sampling with { }, Drafting = Drafting with { } };
}
