using Microsoft.Extensions.Options;

namespace SpecDecode.Hosting;

/// <summary>
/// The configuration of a hosted model, by convention the section <c>SpecDecode</c> of appsettings.json. <see cref="Drafting"/> and
/// <see cref="Sampling"/> are read again when the configuration changes, and hold for requests that come after that; the others
/// hold until the host starts again.
/// </summary>
public sealed class SpecDecodeOptions
{
    /// <summary>Which model, and how it is loaded.</summary>
    [Given("its options, or leave it out")]
    [ValidateObjectMembers]
    public HostedModelOptions Model { get; set; } = new();

    /// <summary>How the model drafts for itself where a request does not say.</summary>
    [Given("its options, or leave it out")]
    [ValidateObjectMembers]
    public DraftingOptions Drafting { get; set; } = new();

    /// <summary>How tokens are chosen where a request does not say.</summary>
    [Given("its options, or leave it out")]
    [ValidateObjectMembers]
    public SamplingDefaults Sampling { get; set; } = new();

    /// <summary>Where and within what limits the model runs.</summary>
    [Given("its options, or leave it out")]
    [ValidateObjectMembers]
    public HostedRuntimeOptions Runtime { get; set; } = new();
}
