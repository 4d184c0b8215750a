using Microsoft.Extensions.Options;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Sampling;

namespace SpecDecode.Hosting;

/// <summary>
/// The configuration of a hosted model, by convention the section <c>SpecDecode</c> of appsettings.json. <see cref="MaxTokens"/>,
/// <see cref="Drafting"/> and <see cref="Sampling"/> are what holds where a request does not say, under the names that they have in
/// a request; they are read again when the configuration changes, and hold for requests that come after that. The others hold until
/// the host starts again.
/// </summary>
public sealed class SpecDecodeOptions
{
    /// <summary>Which model, and how it is loaded.</summary>
    [Given("its options, or leave it out")]
    [ValidateObjectMembers]
    public HostedModelOptions Model { get; set; } = new();

    /// <summary>New tokens after which a text ends.</summary>
    /// <value>The default is 128; at least 1.</value>
    [Between(1, int.MaxValue, "1 or more")]
    public int MaxTokens { get; set; } = GenerationDefaults.DefaultMaxTokens;

    /// <summary>How the model drafts for itself.</summary>
    [Given("its options, or leave it out")]
    public DraftingOptions Drafting { get; set; } = new();

    /// <summary>How tokens are chosen.</summary>
    [Given("its options, or leave it out")]
    public SamplingOptions Sampling { get; set; } = new();

    /// <summary>Where and within what limits the model runs.</summary>
    [Given("its options, or leave it out")]
    [ValidateObjectMembers]
    public HostedRuntimeOptions Runtime { get; set; } = new();

    /// <summary>What spans of requests tell besides what they always do.</summary>
    [Given("its options, or leave it out")]
    public HostedTelemetryOptions Telemetry { get; set; } = new();
}
