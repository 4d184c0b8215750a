using System.Numerics.Tensors;
using SpecDecode.Sampling;
using SpecDecode.Speculation;

namespace SpecDecode.Tests.Sampling;

/// <summary>A mistake that implementations of rejection sampling make.</summary>
public enum Mistake
{
    /// <summary>None: to show that what follows is the mistake's doing.</summary>
    None,

    /// <summary>The residual is drawn from as if its sum were 1; what is missing falls to its last token.</summary>
    ResidualNotNormalised,

    /// <summary>The correction is drawn from p in place of the residual.</summary>
    CorrectionFromTarget,

    /// <summary>A draft token under the confidence threshold is not verified: the verifier draws in its place.</summary>
    LowConfidenceTokenThrownAway,

    /// <summary>The verifier takes its own truncated distribution for the one that was drafted from.</summary>
    DraftDistributionIsTheTargets,

    /// <summary>The verifier takes for q what is left of it within p's support, normalised.</summary>
    DraftDistributionCutToTheTargets,

    /// <summary>A token that was proposed counts as drawn from the distribution that was drafted from at its place the last time.</summary>
    ProposalTakenForADraw,

    /// <summary>A token that was proposed stands wherever the verifier may choose it at all.</summary>
    ProposalTakenOnTrust,
}

/// <summary>Rejection sampling with a mistake, to show that a test of fit has the power to see it.</summary>
internal sealed class MistakenSampling(Mistake mistake) : IAcceptance
{
    private readonly RejectionSampling _right = new();
    private readonly Truncation _truncation = new();
    private readonly TokenDistribution _p = new();
    private readonly TokenDistribution _residual = new();
    private readonly Dictionary<Round, int> _thrownAway = [];

    public int Draft(Round round, int place, LogitRow row)
    {
        int token = _right.Draft(round, place, row);
        if (round.DraftLength == 0)
        {
            _thrownAway.Remove(round);
        }

        if (Softmax.Probability(row, token) < round.Sequence.Drafting!.FixedPlan?.Threshold)
        {
            _thrownAway[round] = round.DraftLength;
        }

        return token;
    }

    public void Judge(Round round, LogitRow row)
    {
        Sampler sampler = round.Sequence.Sampler;
        _p.Fill(row, _truncation, sampler.Options);
        bool isThrownAway = mistake == Mistake.LowConfidenceTokenThrownAway && _thrownAway.GetValueOrDefault(round, -1) == round.Accepted;
        if (round.Accepted == round.DraftLength || isThrownAway)
        {
            round.Correct(_p.Draw(round.Random(round.Accepted, RandomUse.Draw)));
            return;
        }

        int token = round.Draft[round.Accepted];
        bool isProposed = round.Accepted < round.Choice.Proposed;
        TokenDistribution q = mistake switch
        {
            not Mistake.ProposalTakenForADraw when isProposed => Point(token),
            Mistake.DraftDistributionIsTheTargets => _p,
            Mistake.DraftDistributionCutToTheTargets => Cut(round.DraftDistribution(round.Accepted), _p),
            _ => round.DraftDistribution(round.Accepted),
        };
        double uniform = round.Random(round.Accepted, RandomUse.Accept);
        if (mistake == Mistake.ProposalTakenOnTrust && isProposed)
        {
            uniform = 0;
        }

        if (RejectionSampling.Accepts(_p, q, token, uniform) || (q.Probability(token) == 0 && _p.Probability(token) > 0))
        {
            round.Settle(token);
            return;
        }

        uniform = round.Random(round.Accepted, RandomUse.Residual);
        _residual.FillResidual(_p, q);
        round.Correct(mistake switch
        {
            Mistake.CorrectionFromTarget => _p.Draw(uniform),
            Mistake.ResidualNotNormalised => _residual.Draw(Math.Min(uniform / _residual.Total, Math.BitDecrement(1.0))),
            _ => RejectionSampling.DrawResidual(_p, q, _residual, uniform),
        });
    }

    private static TokenDistribution Point(int token)
    {
        TokenDistribution point = new();
        point.Fill([token], [1]);
        return point;
    }

    private static TokenDistribution Cut(TokenDistribution q, TokenDistribution p)
    {
        float[] weights = [.. q.Weights];
        for (int i = 0; i < weights.Length; i++)
        {
            weights[i] = p.Probability(q.Tokens[i]) > 0 ? weights[i] : 0;
        }

        TokenDistribution cut = new();
        cut.Fill(q.Tokens, weights);
        return TensorPrimitives.Sum<float>(weights) > 0 ? cut : q;
    }
}
