using SpecDecode.Sampling;
using SpecDecode.Speculation;
using SpecDecode.Tests.Sampling;

namespace SpecDecode.Tests.Speculation;

public class RejectionSamplingTests
{
    [Fact]
    public void A_token_stands_with_the_ratio_of_its_probabilities()
    {
        (TokenDistribution p, TokenDistribution q) = (Of([1, 2], [1, 3]), Of([1, 2, 3], [2, 1, 1]));
        Assert.True(RejectionSampling.Accepts(p, q, 1, 0.4999));
        Assert.False(RejectionSampling.Accepts(p, q, 1, 0.5));
        Assert.True(RejectionSampling.Accepts(p, q, 2, Math.BitDecrement(1.0)));
        Assert.False(RejectionSampling.Accepts(p, q, 3, 0));
        Assert.False(RejectionSampling.Accepts(p, q, 3, 0.7));
    }

    [Fact]
    public void A_draft_from_the_target_itself_always_stands()
    {
        RandomRows rows = new(31);
        Truncation truncation = new();
        (TokenDistribution p, TokenDistribution q) = (new(), new());
        for (int i = 0; i < 2_000; i++)
        {
            (float[] logits, SamplingOptions options) = (rows.Row(), rows.Options());
            p.Fill(new(logits), truncation.Find(new(logits), options), options.Temperature);
            q.Fill(new(logits), truncation.Find(new(logits), options), options.Temperature);
            Assert.True(RejectionSampling.Accepts(p, q, q.Draw(rows.Uniform()), Math.BitDecrement(1.0)));
        }
    }

    [Fact]
    public void Accepted_and_corrected_tokens_together_have_the_targets_distribution()
    {
        RandomRows rows = new(32);
        Truncation truncation = new();
        (TokenDistribution p, TokenDistribution q, TokenDistribution residual) = (new(), new(), new());
        int different = 0;
        for (int i = 0; i < 4_000; i++)
        {
            float[] target = rows.Row();
            float[] drafted = [.. target.Select(logit => rows.Below(3) > 0 ? logit : target[rows.Below(target.Length)])];
            if (drafted.All(float.IsNegativeInfinity))
            {
                continue;
            }

            SamplingOptions options = rows.Options();
            p.Fill(new(target), truncation.Find(new(target), options), options.Temperature);
            q.Fill(new(drafted), truncation.Find(new(drafted), options), options.Temperature);
            residual.FillResidual(p, q);

            // q · min(1, p/q) + (1 − Σ min(p, q)) · residual, token by token.
            double rejected = 1 - Enumerable.Range(0, target.Length).Sum(token => Math.Min(p.Probability(token), q.Probability(token)));
            Assert.Equal(rejected, residual.Total, 1e-6);
            for (int token = 0; token < target.Length; token++)
            {
                double corrected = residual.Total > 0 ? residual.Probability(token) * rejected : 0;
                Assert.Equal(p.Probability(token), Math.Min(p.Probability(token), q.Probability(token)) + corrected, 1e-6);
            }

            different += q.Tokens.ToArray().Except(p.Tokens.ToArray()).Any() ? 1 : 0;
        }

        Assert.True(different > 1_000, "The supports hardly differ.");
    }

    [Fact]
    public void The_correction_is_drawn_from_the_normalised_residual()
    {
        (TokenDistribution p, TokenDistribution q, TokenDistribution residual) = (Of([0, 1, 2, 5], [1, 2, 3, 4]), Of([0, 2, 4, 5], [4, 2, 2, 2]), new());
        RandomStream random = new(4, 0);
        int[] counts = new int[6];
        for (int i = 0; i < 30_000; i++)
        {
            counts[RejectionSampling.DrawResidual(p, q, residual, random.Next())]++;
        }

        // max(0, p − q) = 0, 0.2, 0.1, 0.2.
        GoodnessOfFit.AssertFits(counts, [0, 0.4, 0.2, 0, 0, 0.4]);
    }

    [Fact]
    public void Where_the_residual_vanishes_the_correction_is_drawn_from_the_target()
    {
        (TokenDistribution p, TokenDistribution residual) = (Of([3, 8], [1, 3]), new());
        Assert.Equal(3, RejectionSampling.DrawResidual(p, p, residual, 0.24));
        Assert.Equal(8, RejectionSampling.DrawResidual(p, p, residual, 0.26));
        Assert.Equal(0, residual.Total);
    }

    private static TokenDistribution Of(int[] tokens, float[] weights)
    {
        TokenDistribution distribution = new();
        distribution.Fill(tokens, weights);
        return distribution;
    }
}
