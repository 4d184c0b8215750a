using SpecDecode.Sampling;
using SpecDecode.Scheduling;

namespace SpecDecode.Verification;

/// <summary>Greedy acceptance: a draft token stands where it is the arg max of the full model.</summary>
internal sealed class GreedyAcceptance : IAcceptance
{
    /// <inheritdoc/>
    public int Draft(Round round, ReadOnlySpan<float> logits) => Greedy.Pick(logits);

    /// <inheritdoc/>
    public void Judge(Round round, ReadOnlySpan<float> logits) => round.Settle(Greedy.Pick(logits));
}
