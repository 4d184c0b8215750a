using SpecDecode.Sampling;

namespace SpecDecode.Speculation;

/// <summary>Greedy acceptance: a draft token stands where it is the arg max of the full model.</summary>
internal sealed class GreedyAcceptance : IAcceptance
{
    /// <inheritdoc/>
    public int Draft(Round round, int place, LogitRow row) => row.Best;

    /// <inheritdoc/>
    public void Judge(Round round, LogitRow row) => round.Settle(row.Best);
}
