using SpecDecode.Sampling;

namespace SpecDecode.Speculation;

/// <summary>
/// Rejection sampling (Leviathan et al., 2211.17192, algorithm 1; Chen et al., 2302.01318): with the draft drawn from q, a draft
/// token x stands with probability min(1, p(x)/q(x)); else the token is drawn from max(0, p − q), normalised. p and q are the
/// full model's and the drafter's distributions after the request's temperature and truncation; their supports may differ.
/// </summary>
internal sealed class RejectionSampling : IAcceptance
{
    private readonly Truncation _truncation = new();
    private readonly TokenDistribution _p = new();
    private readonly TokenDistribution _residual = new();

    /// <inheritdoc/>
    public int Draft(Round round, int place, LogitRow row)
    {
        Sampler sampler = round.Sequence.Sampler;
        TokenDistribution q = round.DraftDistribution(place);
        q.Fill(row, _truncation, sampler.Options);
        return q.Draw(round.Random(place, RandomUse.Draw));
    }

    /// <inheritdoc/>
    public void Judge(Round round, LogitRow row)
    {
        Sampler sampler = round.Sequence.Sampler;
        _p.Fill(row, _truncation, sampler.Options);
        if (round.Accepted == round.DraftLength)
        {
            round.Settle(_p.Draw(round.Random(round.Accepted, RandomUse.Draw)));
            return;
        }

        int token = round.Draft[round.Accepted];
        TokenDistribution q = round.DraftDistribution(round.Accepted);
        if (round.Accepted < round.Choice.Proposed)
        {
            // What was proposed was drawn from nothing: q is 1 there.
            q.Fill([token], [1]);
        }

        if (Accepts(_p, q, token, round.Random(round.Accepted, RandomUse.Accept)))
        {
            round.Settle(token);
        }
        else
        {
            round.Correct(DrawResidual(_p, q, _residual, round.Random(round.Accepted, RandomUse.Residual)));
        }
    }

    /// <summary>Whether a token drawn from q stands.</summary>
    /// <param name="p">The full model's distribution.</param>
    /// <param name="q">The distribution that the token was drawn from.</param>
    /// <param name="token">The token.</param>
    /// <param name="uniform">A number in [0, 1).</param>
    public static bool Accepts(TokenDistribution p, TokenDistribution q, int token, double uniform) =>
        uniform * q.Probability(token) < p.Probability(token);

    /// <summary>A token from max(0, p − q), normalised; from p where rounding leaves nothing of that.</summary>
    /// <param name="p">The full model's distribution.</param>
    /// <param name="q">The distribution that the rejected token was drawn from.</param>
    /// <param name="residual">Becomes max(0, p − q).</param>
    /// <param name="uniform">A number in [0, 1).</param>
    public static int DrawResidual(TokenDistribution p, TokenDistribution q, TokenDistribution residual, double uniform)
    {
        residual.FillResidual(p, q);
        return (residual.Total > 0 ? residual : p).Draw(uniform);
    }
}
