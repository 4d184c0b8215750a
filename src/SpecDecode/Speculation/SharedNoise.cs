using SpecDecode.Sampling;

namespace SpecDecode.Speculation;

/// <summary>
/// Sampling with shared noise: at an output position drafter and verifier both take the arg max of log probability plus the
/// same <see cref="GumbelNoise"/>, each over the support of its own truncated distribution. A draft token stands where it is
/// the verifier's choice, so the text is what plain sampling with that seed writes.
/// </summary>
internal sealed class SharedNoise : IAcceptance
{
    private readonly Truncation _truncation = new();

    /// <inheritdoc/>
    public int Draft(Round round, int place, LogitRow row) => Choose(round, place, row);

    /// <inheritdoc/>
    public void Judge(Round round, LogitRow row) => round.Settle(Choose(round, round.Accepted, row));

    private int Choose(Round round, int place, LogitRow row)
    {
        Sampler sampler = round.Sequence.Sampler;
        return sampler.Noise(round.Sequence.NewTokens.Length + place)
            .ArgMax(row, _truncation.Find(row, sampler.Options), sampler.Options.Temperature);
    }
}
