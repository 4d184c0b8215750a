using SpecDecode.Sampling;

namespace SpecDecode.Tests.Sampling;

public class GumbelNoiseTests
{
    [Fact]
    public void The_logarithm_is_that_of_the_runtime_to_a_few_units_in_the_last_place()
    {
        Random random = new(1);
        double[] fixedNumbers = [1, 2, 0.5, Math.BitDecrement(1.0), Math.BitIncrement(1.0), 1.4142135623730951, 1.0 / (1UL << 53), 36.7, 1e-300, 1e300];
        foreach (double x in fixedNumbers.Concat(Enumerable.Range(0, 100_000).Select(_ => Math.Pow(10, random.NextDouble() * 40 - 20))))
        {
            double expected = Math.Log(x);
            Assert.True(
                Math.Abs(GumbelNoise.Log(x) - expected) <= 4 * Math.Max(Math.BitIncrement(Math.Abs(expected)) - Math.Abs(expected), 1e-17 * Math.Abs(expected)),
                $"log {x:r} is {GumbelNoise.Log(x):r} in place of {expected:r}");
        }

        Assert.Equal(0, GumbelNoise.Log(1));
    }

    // Other bits on some machine, or after a change, would be other texts for the same seed.
    [Theory]
    [InlineData(0L, 0u, 0u, 0, "400217C67C99704F")]
    [InlineData(0L, 0u, 0u, 1, "3FF74A67644A4DE6")]
    [InlineData(1L, 0u, 0u, 31, "BFE383A420A1219E")]
    [InlineData(1L, 0u, 0u, 32, "BFE63E1EEF273077")]
    [InlineData(1L, 0u, 7u, 127, "3FF4CD6E90682387")]
    [InlineData(1L, 3u, 7u, 128, "3FF70E3E8E3F39C8")]
    [InlineData(-1L, 0u, 100_000u, 151_935, "3FEC1BF986BA8EE6")]
    [InlineData(long.MinValue, 2147483647u, 4_000_000_000u, int.MaxValue, "BFD88547A856DBAB")]
    public void The_noise_of_a_place_never_changes(long seed, uint choice, uint position, int token, string bits) =>
        Assert.Equal(bits, BitConverter.DoubleToInt64Bits(new GumbelNoise((ulong)seed, choice, position).Of(token)).ToString("X16", null));

    [Fact]
    public void The_noise_has_a_Gumbel_distribution_and_no_place_has_that_of_another()
    {
        HashSet<double> seen = [];
        int[] bins = new int[50];
        foreach ((ulong seed, uint choice, uint position) in ((ulong, uint, uint)[])[(9, 0, 0), (9, 0, 1), (9, 1, 0), (10, 0, 0), (9UL << 32, 0, 0)])
        {
            GumbelNoise noise = new(seed, choice, position);
            for (int token = 0; token < 20_000; token++)
            {
                double value = noise.Of(token);
                Assert.True(seen.Add(value), "Two places have the same noise.");
                bins[(int)(Math.Exp(-Math.Exp(-value)) * bins.Length)]++;
            }
        }

        GoodnessOfFit.AssertFits(bins, [.. bins.Select(_ => 1.0 / bins.Length)]);
    }

    [Theory]
    [InlineData(5, 77)]
    [InlineData(0, 127)]
    [InlineData(127, 128)]
    [InlineData(64, 2_112)]
    public void The_noise_of_one_token_tells_nothing_of_another_s(int token, int other)
    {
        const int Bins = 8;
        int[] counts = new int[Bins * Bins];
        for (uint position = 0; position < 60_000; position++)
        {
            GumbelNoise noise = new(31, 0, position);
            counts[Bins * Bin(noise.Of(token)) + Bin(noise.Of(other))]++;
        }

        GoodnessOfFit.AssertFits(counts, [.. counts.Select(_ => 1.0 / counts.Length)]);
        static int Bin(double noise) => (int)(Math.Exp(-Math.Exp(-noise)) * Bins);
    }

    [Fact]
    public void The_choice_is_the_plain_arg_max_over_the_support_for_rows_of_every_shape()
    {
        RandomRows rows = new(3);
        Truncation truncation = new();
        for (int i = 0; i < 6_000; i++)
        {
            float[] logits = rows.Row();
            SamplingOptions options = rows.Options();
            LogitCut cut = truncation.Find(new(logits), options);
            GumbelNoise noise = new Sampler(options with { Acceptance = AcceptanceRule.SharedNoise }).Noise(rows.Below(1000));

            Assert.Equal(Plain(logits, cut, options.Temperature, noise), noise.ArgMax(new(logits), cut, options.Temperature));
        }
    }

    [Fact]
    public void The_choice_is_the_plain_arg_max_also_in_a_large_vocabulary()
    {
        Random random = new(4);
        Truncation truncation = new();
        float[] logits = [.. Enumerable.Range(0, 150_000).Select(_ => random.NextSingle() * 9)];
        foreach (SamplingOptions options in (SamplingOptions[])
        [
            new() { Temperature = 1 }, new() { Temperature = 30 }, new() { Temperature = 0.1f },
            new() { Temperature = 1, TopK = 70_000 }, new() { Temperature = 1, TopP = 0.99f }, new() { Temperature = 2, MinP = 0.01f }, new() { Temperature = 2, TopNSigma = 1 },
        ])
        {
            LogitCut cut = truncation.Find(new(logits), options);
            for (uint position = 0; position < 20; position++)
            {
                GumbelNoise noise = new(11, 0, position);
                Assert.Equal(Plain(logits, cut, options.Temperature, noise), noise.ArgMax(new(logits), cut, options.Temperature));
            }
        }
    }

    [Fact]
    public void Choices_are_distributed_as_the_softmax()
    {
        float[] logits = [1, 2, float.NegativeInfinity, 0.5f, 2, -1];
        int[] counts = new int[logits.Length];
        for (uint position = 0; position < 60_000; position++)
        {
            counts[new GumbelNoise(123, 0, position).ArgMax(new(logits), LogitCut.None, 0.8f)]++;
        }

        GoodnessOfFit.AssertFits(counts, PlainDistribution.Of(logits, new SamplingOptions { Temperature = 0.8f }));
    }

    private static int Plain(float[] logits, LogitCut cut, float temperature, GumbelNoise noise)
    {
        int best = -1;
        double bestScore = double.NegativeInfinity;
        double highest = logits.Max();
        for (int token = 0; token < logits.Length; token++)
        {
            if (cut.Keeps(logits[token], token))
            {
                double score = (logits[token] - highest) / temperature + noise.Of(token);
                (best, bestScore) = score > bestScore ? (token, score) : (best, bestScore);
            }
        }

        return best;
    }
}
