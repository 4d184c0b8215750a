using SpecDecode.Sampling;

namespace SpecDecode.Tests.Sampling;

public class TruncationTests
{
    private static readonly Truncation Truncation = new();

    [Fact]
    public void Every_limit_leaves_what_a_sorted_row_in_doubles_leaves()
    {
        RandomRows rows = new(7);
        int judged = 0;
        int tied = 0;
        for (int i = 0; i < 12_000; i++)
        {
            float[] logits = rows.Row();
            SamplingOptions options = rows.Options();
            if (IsNearBoundary(logits, options))
            {
                continue;
            }

            judged++;
            LogitCut cut = Truncation.Find(new(logits), options);
            double[] expected = PlainDistribution.Of(logits, options);
            int[] support = Support(logits, cut);
            tied += cut.LastTie is -1 or int.MaxValue ? 0 : 1;

            // Whether a token stays whose probability vanishes in doubles does not matter.
            double vanishing = logits.Max() - 700.0 * options.Temperature;
            Assert.True(
                Enumerable.Range(0, logits.Length).Where(token => expected[token] > 0 && logits[token] > vanishing).SequenceEqual(
                    support.Where(token => logits[token] > vanishing)),
                $"row {i} of {logits.Length}: {options}, {cut}, {support.Length} tokens for {expected.Count(probability => probability > 0)}");
        }

        TestContext.Current.SendDiagnosticMessage($"{judged} rows judged, in {tied} of them equal logits lie on both sides of the cut or may");
        Assert.True(judged > 10_000 && tied > 1_000, $"{judged} judged, {tied} tied");
    }

    [Theory]
    [InlineData(1, new[] { 1 })]
    [InlineData(2, new[] { 1, 3 })]
    [InlineData(3, new[] { 0, 1, 3 })]
    [InlineData(4, new[] { 0, 1, 2, 3 })]
    [InlineData(5, new[] { 0, 1, 2, 3, 5 })]
    [InlineData(6, new[] { 0, 1, 2, 3, 5 })]
    [InlineData(7, new[] { 0, 1, 2, 3, 5 })]
    public void Top_k_takes_the_lower_ids_of_equal_tokens_and_never_a_masked_one(int k, int[] expected)
    {
        float[] logits = [2, 4, 2, 4, float.NegativeInfinity, 2];
        Assert.Equal(expected, Support(logits, Truncation.Find(new(logits), new SamplingOptions { Temperature = 1, TopK = k })));
    }

    [Theory]
    [InlineData(0.1f, new[] { 1 })]
    [InlineData(0.25f, new[] { 1 })]
    [InlineData(0.26f, new[] { 0, 1 })]
    [InlineData(0.74f, new[] { 0, 1, 2 })]
    [InlineData(0.76f, new[] { 0, 1, 2, 3 })]
    public void Top_p_takes_tokens_until_they_reach_it_lower_ids_first(float p, int[] expected)
    {
        float[] logits = [1, 1.00001f, 1, 1];
        Assert.Equal(expected, Support(logits, Truncation.Find(new(logits), new SamplingOptions { Temperature = 1, TopP = p })));
    }

    [Fact]
    public void Top_p_looks_at_what_top_k_leaves_and_min_p_at_the_most_probable_token_alone()
    {
        float[] logits = [.. ((double[])[0.4, 0.3, 0.2, 0.1]).Select(probability => (float)Math.Log(probability))];

        // Of the two that top-k leaves the first has 0.57.
        Assert.Equal([0], Support(logits, Truncation.Find(new(logits), new SamplingOptions { Temperature = 1, TopK = 2, TopP = 0.55f })));
        Assert.Equal([0, 1], Support(logits, Truncation.Find(new(logits), new SamplingOptions { Temperature = 1, TopP = 0.55f })));
        Assert.Equal([0, 1, 2], Support(logits, Truncation.Find(new(logits), new SamplingOptions { Temperature = 1, MinP = 0.49f })));
        Assert.Equal([0, 1], Support(logits, Truncation.Find(new(logits), new SamplingOptions { Temperature = 1, MinP = 0.51f, TopK = 3 })));
        Assert.Equal([0, 1], Support(logits, Truncation.Find(new(logits), new SamplingOptions { Temperature = 1, MinP = 0.49f, TopP = 0.65f })));
        Assert.Equal([0, 1], Support([1, 1, 0.9999f], Truncation.Find(new([1, 1, 0.9999f]), new SamplingOptions { Temperature = 1, MinP = 1 })));
    }

    [Fact]
    public void Top_n_sigma_takes_the_tokens_within_so_many_deviations_of_those_that_are_not_masked_at_every_temperature()
    {
        // Mean 2.5 and deviation 1.5, whatever is masked.
        float[] logits = [4, float.NegativeInfinity, 1, 4, 1, float.NegativeInfinity];
        foreach (float temperature in (float[])[1e-3f, 1, 50])
        {
            Assert.Equal([0, 3], Support(logits, Truncation.Find(new(logits), new SamplingOptions { Temperature = temperature, TopNSigma = 1.99f })));
            Assert.Equal([0, 2, 3, 4], Support(logits, Truncation.Find(new(logits), new SamplingOptions { Temperature = temperature, TopNSigma = 2 })));
            Assert.Equal([0, 3], Support(logits, Truncation.Find(new(logits), new SamplingOptions { Temperature = temperature, TopNSigma = 2, TopK = 2 })));
            Assert.Equal([0], Support(logits, Truncation.Find(new(logits), new SamplingOptions { Temperature = temperature, TopNSigma = 1, TopP = 0.1f })));
        }

        // One token alone, and equal ones, have a deviation of 0, and stay; so does what can be chosen where n reaches below every float.
        Assert.Equal([1], Support([float.NegativeInfinity, 3], Truncation.Find(new([float.NegativeInfinity, 3]), new SamplingOptions { Temperature = 1, TopNSigma = 1 })));
        Assert.Equal([0, 1, 2], Support([7, 7, 7], Truncation.Find(new([7, 7, 7]), new SamplingOptions { Temperature = 1, TopNSigma = 0.1f })));
        float[] wide = [10, 20, float.NegativeInfinity];
        Assert.Equal([0, 1], Support(wide, Truncation.Find(new(wide), new SamplingOptions { Temperature = 1, TopNSigma = float.MaxValue })));
    }

    [Fact]
    public void The_deviation_of_a_row_is_that_of_doubles_whatever_lies_far_below_and_whatever_its_length()
    {
        Random random = new(8);
        foreach (int length in (int[])[1, 2, 15, 16, 17, 31, 33, 1_000, 151_936])
        {
            foreach (float far in (float[])[0, -1e4f, -1e30f, float.NegativeInfinity])
            {
                float[] logits = [.. Enumerable.Range(0, length).Select(token => token % 7 == 3 ? far : 8 * random.NextSingle() - 30)];
                double expected = PlainDistribution.Deviation(logits);
                Assert.Equal(expected, LogitDeviation.Of(new(logits)), 1e-9 * Math.Max(1, expected));
            }
        }
    }

    [Fact]
    public void Without_limits_nothing_is_cut() =>
        Assert.Equal(LogitCut.None, Truncation.Find(new([1, 2, 3]), new SamplingOptions { Temperature = 1, TopK = 3 }));

    [Fact]
    public void A_row_of_150_000_is_cut_as_sorted()
    {
        Random random = new(3);
        float[] logits = [.. Enumerable.Range(0, 150_000).Select(_ => random.NextSingle() * 12)];
        float[] sorted = [.. logits.OrderDescending()];
        foreach (int k in (int[])[1, 50, 1000, 75_000, 149_999])
        {
            LogitCut cut = Truncation.Find(new(logits), new SamplingOptions { Temperature = 1, TopK = k });
            Assert.Equal(sorted[k - 1], cut.Value);
            Assert.Equal(k, Support(logits, cut).Length);
        }

        foreach (float p in (float[])[0.01f, 0.5f, 0.95f, 0.9999f])
        {
            SamplingOptions options = new() { Temperature = 1, TopP = p };
            int expected = PlainDistribution.Of(logits, options).Count(probability => probability > 0);
            Assert.InRange(Support(logits, Truncation.Find(new(logits), options)).Length - expected, -expected * 1e-3 - 1, expected * 1e-3 + 1);
        }
    }

    public static TheoryData<string> LongRows => ["normal", "peaked", "rising", "falling", "stepped", "two levels", "equal", "masked", "one high"];

    [Theory]
    [MemberData(nameof(LongRows))]
    public void Long_rows_of_every_shape_are_cut_as_sorted(string shape)
    {
        Random random = new(5);
        float Normal() => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(Math.Tau * random.NextDouble()));
        float[] logits = [.. Enumerable.Range(0, 20_000).Select(token => shape switch
        {
            "peaked" => random.Next(500) == 0 ? 9 + 2 * Normal() : 2 * Normal(),
            "rising" => token * 3e-4f,
            "falling" => 6 - token * 3e-4f,
            "stepped" => MathF.Round(2 * Normal()) / 2,
            "two levels" => random.Next(2) * 3f,
            "equal" => 1,
            "masked" => random.Next(3) > 0 ? float.NegativeInfinity : Normal(),
            "one high" => token == 12_345 ? 30 : 0,
            _ => 2.5f * Normal(),
        })];
        float[] sorted = [.. logits.OrderDescending()];
        foreach (int k in (int[])[1, 7, 255, 256, 1_000, 6_000, 10_000, 19_999])
        {
            int[] support = Support(logits, Truncation.Find(new(logits), new SamplingOptions { Temperature = 1, TopK = k }));
            int possible = Math.Min(k, logits.Count(float.IsFinite));
            Assert.Equal(possible, support.Count(token => float.IsFinite(logits[token])));
            Assert.Equal(sorted.Take(possible), support.Select(token => logits[token]).OrderDescending().Take(possible));
            float last = sorted[possible - 1];
            int ties = sorted.Take(possible).Count(logit => logit == last);
            Assert.Equal(
                Enumerable.Range(0, logits.Length).Where(token => logits[token] == last).Take(ties), support.Where(token => logits[token] == last));
        }

        foreach (float temperature in (float[])[0.3f, 1, 8])
        {
            foreach (float p in (float[])[1e-6f, 0.1f, 0.5f, 0.95f, 0.999f, 0.9999999f])
            {
                SamplingOptions options = new() { Temperature = temperature, TopP = p };
                int[] support = Support(logits, Truncation.Find(new(logits), options));
                double[] mass = [.. sorted.Select(logit => Math.Exp(((double)logit - sorted[0]) / temperature))];
                double total = mass.Sum();
                double rest = 1e-5 * Math.Min(p, 1 - p) + 2e-7;
                double at = 0;
                int least = mass.TakeWhile(weight => at < (p - rest) * total && (at += weight) >= 0).Count();
                at = 0;
                int most = mass.TakeWhile(weight => at < (p + rest) * total && (at += weight) >= 0).Count();

                Assert.InRange(support.Length, least, Math.Max(most, least));
                Assert.Equal(sorted.Take(support.Length), support.Select(token => logits[token]).OrderDescending());
                float last = sorted[support.Length - 1];
                Assert.Equal(
                    Enumerable.Range(0, logits.Length).Where(token => logits[token] == last).Take(sorted.Take(support.Length).Count(logit => logit == last)),
                    support.Where(token => logits[token] == last));
            }
        }
    }

    public static MatrixTheoryData<int, float> Vocabularies => new(
        [2, 3, 16, 17, 127, 129, 1_000, 8_191, 8_192, 32_000, 151_936], [0, 1e-6f, 0.1f, 1, 4, 16, 60, 200, 1e38f]);

    [Theory]
    [MemberData(nameof(Vocabularies))]
    public void Every_p_finds_a_cut_in_every_row_from_flat_to_one_hot(int vocabulary, float spread)
    {
        Random random = new(vocabulary);
        float[] logits = [.. Enumerable.Range(0, vocabulary).Select(_ => spread * (random.NextSingle() - random.NextSingle()))];
        foreach (float temperature in (float[])[1, 0.05f])
        {
            double highest = logits.Max();
            double[] sorted = [.. logits.Select(logit => Math.Exp((logit - highest) / temperature)).OrderDescending()];
            double total = sorted.Sum();
            foreach (float p in (float[])[float.Epsilon, 1e-6f, 0.3f, 0.9f, 0.999f, 0.9999998f, 0.99999988f, 0.99999994f])
            {
                int count = Support(logits, Truncation.Find(new(logits), new SamplingOptions { Temperature = temperature, TopP = p })).Length;

                // Sums of floats and of doubles differ by some of the floats' last bits.
                double rounding = 1e-5 * Math.Min(p, 1 - p) + 1e-6;
                Assert.True(count > 0 && sorted.Take(count).Sum() / total >= p - rounding, $"{count} tokens of {vocabulary} at {p} are too few.");
                Assert.True(
                    count == 1 || sorted.Take(count - 1).Sum() / total < p + rounding,
                    $"{count} tokens of {vocabulary} at {p} are too many.");
            }
        }
    }

    internal static int[] Support(float[] logits, LogitCut cut) =>
        [.. Enumerable.Range(0, logits.Length).Where(token => cut.Keeps(logits[token], token))];

    // Where the last bits decide, doubles and floats may differ.
    private static bool IsNearBoundary(float[] logits, SamplingOptions options)
    {
        double boundary = Math.Log(options.MinP);
        double highest = logits.Max();
        bool nearMinP = options.MinP is > 0 and < 1 && logits.Any(logit =>
            Math.Abs((logit - highest) / options.Temperature - boundary) < 1e-6 * Math.Max(1, Math.Abs(boundary)));
        double lowest = highest - options.TopNSigma * PlainDistribution.Deviation(logits);
        bool nearSigma = options.TopNSigma > 0 && logits.Any(logit => Math.Abs(logit - lowest) < 1e-9 * Math.Max(1, Math.Abs(lowest)));
        return nearMinP || nearSigma || (options.TopP < 1 && PlainDistribution.DistanceToTopP(logits, options) < 1e-5);
    }
}
