using SpecDecode.Generation;
using SpecDecode.Sampling;

namespace SpecDecode.Hosting;

/// <summary>Section <c>Sampling</c>: how tokens are chosen where a request does not say.</summary>
public sealed class SamplingDefaults
{
    /// <inheritdoc cref="SamplingOptions.Temperature"/>
    [Between(0, float.MaxValue, "0 (greedy) or more")]
    public float Temperature { get; set; }

    /// <inheritdoc cref="SamplingOptions.TopK"/>
    [Between(0, int.MaxValue, "1 or more, or 0 for no limit")]
    public int TopK { get; set; }

    /// <inheritdoc cref="SamplingOptions.TopP"/>
    [Between(float.Epsilon, 1, "a probability above 0, at most 1 (no limit)")]
    public float TopP { get; set; } = 1;

    /// <inheritdoc cref="SamplingOptions.MinP"/>
    [Between(0, 1, "a share from 0 (no limit) to 1")]
    public float MinP { get; set; }

    /// <summary>New tokens after which a text ends.</summary>
    /// <value>The default is 128; at least 1.</value>
    [Between(1, int.MaxValue, "1 or more")]
    public int MaxTokens { get; set; } = GenerationDefaults.DefaultMaxNewTokens;

    internal SamplingOptions ToOptions() => new() { Temperature = Temperature, TopK = TopK, TopP = TopP, MinP = MinP };
}
