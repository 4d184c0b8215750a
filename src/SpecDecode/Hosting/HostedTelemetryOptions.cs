namespace SpecDecode.Hosting;

/// <summary>What spans of requests tell besides what they always do.</summary>
public sealed class HostedTelemetryOptions
{
    /// <summary>Whether a span has an event for each round: what was drafted, what was accepted, why. For looking for a mistake: texts have hundreds of rounds.</summary>
    /// <value>The default is false.</value>
    public bool RoundEvents { get; set; }

    /// <summary>
    /// Whether a span has what was asked and what was answered, as <c>gen_ai.input.messages</c> and <c>gen_ai.output.messages</c>. These may be
    /// anything that users write: turn it on only where whoever reads traces may read that.
    /// </summary>
    /// <value>The default is false.</value>
    public bool MessageContent { get; set; }
}
