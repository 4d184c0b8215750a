using SpecDecode.Sampling;

namespace SpecDecode.Tests.Sampling;

/// <summary>Choices at the edges of what logits and options may be.</summary>
public class ChoiceEdgeTests
{
    private static readonly Truncation Truncation = new();

    [Theory]
    [InlineData(1f)]
    [InlineData(1e-6f)]
    [InlineData(1e-20f)]
    [InlineData(float.Epsilon)]
    public void Of_two_tokens_that_tie_each_is_chosen_half_of_the_time_at_any_temperature(float temperature)
    {
        float[] logits = [3, 17.3f, -2, 17.3f];
        int[] noisy = new int[4];
        int[] drawn = new int[4];
        RandomStream random = new(5, 0);
        TokenDistribution distribution = new();
        SamplingOptions options = new() { Temperature = temperature };
        for (int i = 0; i < 20_000; i++)
        {
            noisy[new GumbelNoise(5, 0, (uint)i).ArgMax(new(logits), Truncation.Find(new(logits), options), temperature)]++;
            distribution.Fill(new(logits), Truncation.Find(new(logits), options), temperature);
            drawn[distribution.Draw(random.Next())]++;
        }

        double[] expected = PlainDistribution.Of(logits, options);
        GoodnessOfFit.AssertFits(noisy, expected);
        GoodnessOfFit.AssertFits(drawn, expected);
    }

    [Fact]
    public void Zero_and_minus_zero_tie_so_that_the_lower_id_is_greedy_and_top_1()
    {
        float[] logits = [-1, -0f, 0f, -0f];
        Assert.Equal(1, Greedy.Pick(logits));
        SamplingOptions options = new() { Temperature = 1, TopK = 1 };
        for (uint position = 0; position < 50; position++)
        {
            Assert.Equal(1, new GumbelNoise(7, 0, position).ArgMax(new(logits), Truncation.Find(new(logits), options), 1));
        }
    }

    [Theory]
    [InlineData(float.Epsilon)]
    [InlineData(1e-3f)]
    [InlineData(1f)]
    [InlineData(1e30f)]
    [InlineData(float.MaxValue)]
    public void Extreme_logits_and_temperatures_give_a_token_of_the_support_under_every_limit(float temperature)
    {
        float[][] rows =
        [
            [float.MaxValue / 2, -float.MaxValue / 2, float.NegativeInfinity, 0], [float.NegativeInfinity, 5, float.NegativeInfinity, float.NegativeInfinity],
            [1e-40f, 2e-40f, 0, -1e-40f], [-float.MaxValue, -float.MaxValue, float.NegativeInfinity, -float.MaxValue], [88, 88, 88, 88],
        ];
        SamplingOptions[] limits =
        [
            new(), new() { TopK = 1 }, new() { TopK = 3 }, new() { TopK = 4 }, new() { TopK = int.MaxValue }, new() { TopP = float.Epsilon }, new() { TopP = 0.5f },
            new() { TopP = 0.99999994f }, new() { MinP = 1 }, new() { MinP = 0.3f }, new() { MinP = float.Epsilon }, new() { TopK = 2, TopP = 0.7f, MinP = 0.2f },
            new() { TopNSigma = float.Epsilon }, new() { TopNSigma = 1 }, new() { TopNSigma = float.MaxValue }, new() { TopNSigma = 2, TopK = 3, TopP = 0.9f },
        ];
        TokenDistribution distribution = new();
        foreach (float[] logits in rows)
        {
            foreach (SamplingOptions limit in limits)
            {
                SamplingOptions options = limit with { Temperature = temperature };
                double[] expected = PlainDistribution.Of(logits, options);
                LogitCut cut = Truncation.Find(new(logits), options);
                distribution.Fill(new(logits), cut, temperature);
                for (int token = 0; token < logits.Length; token++)
                {
                    Assert.Equal(expected[token], distribution.Probability(token), 1e-6);
                }

                for (uint i = 0; i < 20; i++)
                {
                    Assert.True(expected[new GumbelNoise(1, 0, i).ArgMax(new(logits), cut, temperature)] > 0);
                    Assert.True(expected[distribution.Draw(i / 20.0)] > 0);
                }
            }
        }
    }

    [Fact]
    public void A_row_that_rises_and_falls_is_cut_like_any_other()
    {
        // The middle is the highest and both ends the lowest: pivots from fixed places would cut off one token at a time.
        const int Count = 150_000;
        float[] logits = [.. Enumerable.Range(0, Count).Select(token => Math.Min(token, Count - 1 - token) * 1e-4f)];
        float[] sorted = [.. logits.OrderDescending()];

        Assert.Equal(sorted[74_999], Truncation.Find(new(logits), new SamplingOptions { Temperature = 1, TopK = 75_000 }).Value);
        LogitCut cut = Truncation.Find(new(logits), new SamplingOptions { Temperature = 10, TopP = 0.6f });
        double[] expected = PlainDistribution.Of(logits, new SamplingOptions { Temperature = 10, TopP = 0.6f });
        Assert.InRange(logits.Count(logit => logit >= cut.Value) - expected.Count(probability => probability > 0), -2, 2);
    }
}
