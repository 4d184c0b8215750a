using SpecDecode.Sampling;

namespace SpecDecode.Speculation;

/// <summary>The rules of an engine; they keep scratch memory, so each engine has its own.</summary>
internal sealed class AcceptanceRules
{
    /// <summary>The rule for temperature 0.</summary>
    public IAcceptance Greedy { get; init; } = new GreedyAcceptance();

    /// <summary>Rejection sampling.</summary>
    public IAcceptance Rejection { get; init; } = new RejectionSampling();

    /// <summary>Sampling with shared noise.</summary>
    public IAcceptance SharedNoise { get; init; } = new SharedNoise();

    /// <summary>The rule of a name.</summary>
    public IAcceptance this[AcceptanceRule rule] => rule switch
    {
        AcceptanceRule.Rejection => Rejection,
        AcceptanceRule.SharedNoise => SharedNoise,
        _ => Greedy,
    };
}
