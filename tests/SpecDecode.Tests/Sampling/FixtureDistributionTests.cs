using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Plans;
using SpecDecode.Sampling;

#pragma warning disable xUnit1051 // Every call takes a moment.

namespace SpecDecode.Tests.Sampling;

/// <summary>
/// What speculative rejection sampling writes with a real model, against the distribution that the full model's logits give in
/// doubles: the first token, the first two together, and the first three, of which all but the first were drafted.
/// </summary>
public class FixtureDistributionTests
{
    private const int Texts = 12_000;
    private const int BatchSize = 48;
    private const int Vocabulary = 512;

    private static readonly int[] Prompt = [1, 45, 300, 17];

    [Fact]
    public void Speculative_sampling_has_the_distribution_of_plain_sampling()
    {
        using TextModel model = PlainModel.Load(
            Path.Combine(TestFolders.Fixtures, "llama_base"), new ModelOptions { CacheFolder = TestFolders.WeightCache }, new RuntimeOptions { MaxSequences = BatchSize });
        SamplingOptions sampling = new() { Temperature = 0.7f, TopK = 6, TopP = 0.85f, MinP = 0.08f, Acceptance = AcceptanceRule.Rejection };
        (long evaluated, long accepted, Dictionary<(int, int, int), int> counts) = Write(model, sampling);

        double[] first = Next(model, Prompt, sampling);
        Dictionary<(int, int, int), double> exact = [];
        foreach (int one in Support(first))
        {
            double[] second = Next(model, [.. Prompt, one], sampling);
            foreach (int two in Support(second))
            {
                double[] third = Next(model, [.. Prompt, one, two], sampling);
                foreach (int three in Support(third))
                {
                    exact[(one, two, three)] = first[one] * second[two] * third[three];
                }
            }
        }

        Assert.All(counts.Keys, text => Assert.Contains(text, exact));
        (double byOne, double byTwo, double byThree) = (
            Deviation(counts, exact, text => text.Item1), Deviation(counts, exact, text => text.Item1 * Vocabulary + text.Item2), Deviation(counts, exact, text => text));
        TestContext.Current.SendDiagnosticMessage(FormattableString.Invariant(
            $"{Texts} texts, {exact.Count} texts of three tokens may come, {accepted} of {evaluated} draft tokens accepted; deviations {byOne:f1}, {byTwo:f1}, {byThree:f1}"));
        Assert.All([byOne, byTwo, byThree], deviation => Assert.InRange(deviation, double.NegativeInfinity, GoodnessOfFit.CriticalDeviation));

        // Both happen often, or there is nothing to see.
        Assert.InRange((double)accepted / evaluated, 0.1, 0.9);
    }

    private static (long Evaluated, long Accepted, Dictionary<(int, int, int), int> Counts) Write(TextModel model, SamplingOptions sampling)
    {
        long evaluated = 0;
        long accepted = 0;
        Dictionary<(int, int, int), int> counts = [];
        for (int first = 0; first < Texts; first += BatchSize)
        {
            GenerationRequest[] requests = [.. Enumerable.Range(first, BatchSize).Select(i => new GenerationRequest
            {
                Tokens = Prompt,
                MaxTokens = 5,
                IgnoreEndOfSequence = true,
                Sampling = sampling with { Seed = 500_000 + i },
                Drafting = DraftingOptions.Of(LayerPlan.EarlyExit(model.LayerCount, 1 + i % 3)) with { DraftLength = 1 + i % 4, Threshold = i % 2 * 0.1f },
            })];
            foreach (GenerationResult result in model.Generate(requests))
            {
                evaluated += result.Drafting.Evaluated;
                accepted += result.Drafting.Accepted;
                (int, int, int) text = (result.Tokens[0], result.Tokens[1], result.Tokens[2]);
                counts[text] = counts.GetValueOrDefault(text) + 1;
            }
        }

        return (evaluated, accepted, counts);
    }

    private static double[] Next(TextModel model, int[] tokens, SamplingOptions sampling) =>
        PlainDistribution.Of([.. model.Evaluate(tokens).LastLogits], sampling);

    private static IEnumerable<int> Support(double[] probabilities) =>
        Enumerable.Range(0, probabilities.Length).Where(token => probabilities[token] > 0);

    private static double Deviation<T>(Dictionary<(int, int, int), int> counts, Dictionary<(int, int, int), double> exact, Func<(int, int, int), T> part)
    {
        var bins = exact.GroupBy(pair => part(pair.Key), pair => (Count: counts.GetValueOrDefault(pair.Key), Probability: pair.Value)).ToList();
        return GoodnessOfFit.Deviation([.. bins.Select(bin => bin.Sum(text => text.Count))], [.. bins.Select(bin => bin.Sum(text => text.Probability))]);
    }
}
