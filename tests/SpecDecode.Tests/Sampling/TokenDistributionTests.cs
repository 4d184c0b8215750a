using System.Runtime.Intrinsics;
using SpecDecode.Sampling;

namespace SpecDecode.Tests.Sampling;

public class TokenDistributionTests
{
    [Fact]
    public void Probabilities_are_those_of_doubles_whatever_was_there_before()
    {
        RandomRows rows = new(17);
        Truncation truncation = new();
        TokenDistribution distribution = new();
        for (int i = 0; i < 3_000; i++)
        {
            float[] logits = rows.Row();
            SamplingOptions options = rows.Options() with { TopP = 1 };
            LogitCut cut = truncation.Find(new(logits), options);
            distribution.Fill(new(logits), cut, options.Temperature);
            int[] support = TruncationTests.Support(logits, cut);
            double total = support.Sum(token => Math.Exp(((double)logits[token] - logits.Max()) / options.Temperature));

            Assert.DoesNotContain(Enumerable.Range(0, logits.Length).Except(support), token => distribution.Probability(token) != 0);
            for (int token = 0; token < logits.Length; token++)
            {
                double expected = support.Contains(token) ? Math.Exp(((double)logits[token] - logits.Max()) / options.Temperature) / total : 0;
                Assert.Equal(expected, distribution.Probability(token), 1e-7 + 1e-4 * expected);
            }

            Assert.Equal(1, support.Sum(distribution.Probability), 1e-6);
        }
    }

    [Fact]
    public void With_limits_it_becomes_what_the_cut_that_they_make_leaves()
    {
        RandomRows rows = new(20);
        Truncation truncation = new();
        TokenDistribution direct = new();
        TokenDistribution byCut = new();
        for (int i = 0; i < 4_000; i++)
        {
            // Long rows as well, of which few tokens are left.
            float[] logits = i % 20 == 0 ? [.. Enumerable.Range(0, 30).SelectMany(_ => rows.Row())] : rows.Row();
            SamplingOptions options = rows.Options();
            LogitRow row = new(logits);
            direct.Fill(row, truncation, options);
            byCut.Fill(row, truncation.Find(row, options), options.Temperature);

            Assert.Equal(byCut.Total, direct.Total, 1e-6 * byCut.Total);
            double uniform = rows.Uniform();
            int[] support = TruncationTests.Support(logits, truncation.Find(row, options));
            Assert.Contains(direct.Draw(uniform), support);
            for (int token = 0; token < logits.Length; token++)
            {
                double expected = byCut.Probability(token);
                Assert.Equal(expected, direct.Probability(token), 1e-6 * expected);
            }
        }
    }

    [Fact]
    public void A_draw_is_the_token_at_which_the_sum_passes_the_number()
    {
        RandomRows rows = new(18);
        TokenDistribution distribution = new();
        for (int i = 0; i < 2_000; i++)
        {
            // Weights in eighths, so that sums are exact, and every third or so 0.
            int count = rows.Below(500) + 1;
            int[] tokens = [.. Enumerable.Range(0, count).Select(token => 3 * token + 1)];
            float[] weights = [.. tokens.Select(_ => Math.Max(0, rows.Below(12) - 4) / 8f)];
            weights[rows.Below(count)] = 1;
            distribution.Fill(tokens, weights);
            double total = weights.Sum(weight => (double)weight);

            foreach (double uniform in (double[])[0, Math.BitDecrement(1.0), rows.Uniform(), rows.Uniform(), rows.Uniform()])
            {
                double sum = 0;
                int place = Array.FindIndex(weights, weight => (sum += weight) > Math.Min(uniform * total, Math.BitDecrement(total)));
                Assert.Equal(tokens[place], distribution.Draw(uniform));
                Assert.True(weights[place] > 0);
            }
        }
    }

    [Fact]
    public void Draws_from_a_large_vocabulary_are_distributed_as_the_softmax()
    {
        // A thousand bands of tokens, each as probable as all its tokens together.
        Random random = new(8);
        float[] logits = [.. Enumerable.Range(0, 150_000).Select(_ => random.NextSingle() * 6)];
        TokenDistribution distribution = new();
        distribution.Fill(new(logits), LogitCut.None, 0.7f);
        RandomStream stream = new(99, 0);
        int[] counts = new int[1000];
        for (int i = 0; i < 50_000; i++)
        {
            counts[distribution.Draw(stream.Next()) / 150]++;
        }

        double[] probabilities = PlainDistribution.Of(logits, new SamplingOptions { Temperature = 0.7f });
        GoodnessOfFit.AssertFits(counts, [.. probabilities.Chunk(150).Select(band => band.Sum())]);
    }

    [Fact]
    public void Exponentials_are_those_of_doubles_to_a_few_units_in_the_last_place()
    {
        double worst = 0;
        for (float x = 0; x > -86.9f; x -= 0.0007f)
        {
            double expected = Math.Exp(x);
            worst = Math.Max(worst, Math.Abs(Softmax.Exp(Vector512.Create(x))[0] - expected) / expected);
        }

        Assert.InRange(worst, 0, 2e-7);
        Assert.Equal(1, Softmax.Exp(Vector512<float>.Zero)[0]);
        Assert.Equal(Vector512<float>.Zero, Softmax.Exp(Vector512.Create(float.NegativeInfinity)));
    }

    [Fact]
    public void A_token_outside_the_support_has_no_probability()
    {
        TokenDistribution distribution = new();
        distribution.Fill([2, 5, 9], [0.5f, 1, 0.5f]);
        Assert.Equal((0.25, 0.5, 0), (distribution.Probability(2), distribution.Probability(5), distribution.Probability(3)));
        distribution.Fill(new([1, 2, 3]), LogitCut.AtLeast(2), 1);
        Assert.Equal(0, distribution.Probability(0));
        Assert.True(distribution.Probability(1) > 0 && distribution.Probability(2) > 0);
    }

    [Fact]
    public void Draws_from_many_tokens_and_from_few_of_a_long_row_are_those_that_the_cut_leaves()
    {
        RandomRows rows = new(19);
        TokenDistribution distribution = new();
        for (int i = 0; i < 300; i++)
        {
            float[] logits = [.. Enumerable.Range(0, 30).SelectMany(_ => rows.Row())];
            float value = logits.OrderDescending().ElementAt(rows.Below(i % 2 == 0 ? 20 : logits.Length / 3));
            int[] equal = [.. Enumerable.Range(0, logits.Length).Where(token => logits[token] == value)];
            LogitCut cut = new(value, equal[rows.Below(equal.Length)]);
            distribution.Fill(new(logits), cut, 50);
            int[] support = TruncationTests.Support(logits, cut);
            double total = support.Sum(token => Math.Exp(((double)logits[token] - logits.Max()) / 50));

            Assert.Equal(total, distribution.Total, 1e-5 * total);
            Assert.Contains(distribution.Draw(rows.Uniform()), support);
            Assert.Equal(support.First(token => distribution.Probability(token) > 0), distribution.Draw(0));
            Assert.Equal(support.Last(token => distribution.Probability(token) > 0), distribution.Draw(Math.BitDecrement(1.0)));
        }
    }
}
