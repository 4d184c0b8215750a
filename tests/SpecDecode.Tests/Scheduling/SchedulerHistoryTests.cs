using SpecDecode.Drafting;
using SpecDecode.Models;
using SpecDecode.Plans;
using SpecDecode.Sampling;
using SpecDecode.Stages;
using SpecDecode.Sequences;

namespace SpecDecode.Tests.Scheduling;

/// <summary>
/// Claims about batches that change shape, for every history: nothing is left behind, and every text is what the same request
/// gives alone.
/// </summary>
public class SchedulerHistoryTests
{
    private const int MaxSequenceLength = 48;

    [Fact]
    public void Ten_thousand_histories_on_a_scripted_model_leave_nothing_behind_and_change_no_text()
    {
        Dictionary<FinishReason, int> reasons = [];
        int failedPasses = 0;
        int drafted = 0;
        int forced = 0;
        int stopped = 0;
        int preemptions = 0;
        int cached = 0;
        for (int seed = 0; seed < 10_000; seed++)
        {
            ScriptedModel model = new(1 + seed % 3, 11 + seed % 13, (ulong)seed << 20);
            int maxRows = (int[])[1, 2, 3, 7, 32] is var rows ? rows[seed % rows.Length] : 0;
            using SchedulerHistory history = new(new ScriptedStages(model, maxRows, 1 + seed % maxRows, MaxSequenceLength), seed, random => Draw(random, model.Layers, model.Vocabulary, Precision.Int4));
            history.Play(steps: 8 + seed % 12);
            failedPasses += history.FailedPasses;
            preemptions += history.Preemptions;
            cached += history.CachedTokens;
            using ScriptedStages alone = new(model, 64, 64, MaxSequenceLength);
            foreach ((Sequence sequence, HistoryRequest request) in history.Ended)
            {
                reasons[sequence.FinishReason!.Value] = reasons.GetValueOrDefault(sequence.FinishReason.Value) + 1;
                drafted += (int)sequence.Statistics.Drafted;
                forced += (int)sequence.Statistics.Forced;
                stopped += sequence.StopString is null ? 0 : 1;
                if (sequence.Sampler.Rule != AcceptanceRule.Rejection)
                {
                    AssertSame(request.Alone(alone), sequence, seed);
                }
            }

            // Of at most 6 live sequences none waits longer than 4 steps for each, those in which it is tried alone included.
            Assert.InRange(history.LongestWait, 0, 4 * 6 + 6);
        }

        Assert.True(reasons[FinishReason.Stop] > 5_000 && reasons[FinishReason.Length] > 5_000, string.Join(", ", reasons));
        Assert.True(reasons[FinishReason.Cancelled] > 2_000 && reasons[FinishReason.Failed] > 300, string.Join(", ", reasons));
        Assert.True(failedPasses > 2_000, $"{failedPasses} failed passes");
        Assert.True(drafted > 50_000, $"{drafted} drafted");
        Assert.True(preemptions > 1_000 && cached > 20_000, $"{preemptions} gave their memory up, {cached} tokens were found");
        Assert.True(forced > 20_000 && stopped > 1_000, $"{forced} forced, {stopped} stopped by strings");
    }

    [Fact]
    public void Three_hundred_histories_on_a_real_model_leave_nothing_behind_and_change_no_text()
    {
        string folder = Path.Combine(TestFolders.Fixtures, "llama_base");
        ModelOptions options = new() { CacheFolder = TestFolders.WeightCache, DraftPrecision = Precision.Int4 };
        RuntimeOptions runtime = new() { MaxRowsPerPass = 12, MaxSequenceLength = MaxSequenceLength };
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        using LoadedModel model = ModelLoader.Load(folder, options, runtime, _ => { }, null, cancellationToken);
        Assert.True(model.Stages.RowsAreAlike);
        int texts = 0;
        int preemptions = 0;
        int cached = 0;
        for (int seed = 0; seed < 300; seed++)
        {
            using SchedulerHistory history = new(model.Stages, seed, random => Draw(random, model.Stages.LayerCount, model.Stages.VocabularySize, model.Stages.DraftPrecision));
            history.Play(steps: 15);
            foreach ((Sequence sequence, HistoryRequest request) in history.Ended.Where(ended => ended.Sequence.Sampler.Rule != AcceptanceRule.Rejection))
            {
                AssertSame(request.Alone(model.Stages), sequence, seed);
                texts++;
            }

            preemptions += history.Preemptions;
            cached += history.CachedTokens;
        }

        Assert.True(texts > 800 && preemptions > 10 && cached > 500, $"{texts} texts, {preemptions} gave their memory up, {cached} tokens were found");
    }

    // What ended by itself is the whole text; what was ended is the beginning of it.
    private static void AssertSame((int[] Tokens, FinishReason? Reason) alone, Sequence sequence, int seed)
    {
        bool whole = sequence.FinishReason is FinishReason.Stop or FinishReason.Length;
        if (whole && alone.Reason != sequence.FinishReason)
        {
            Assert.Fail($"History {seed}: ended with {sequence.FinishReason}, alone with {alone.Reason}.");
        }

        ReadOnlySpan<int> expected = whole ? alone.Tokens : alone.Tokens.AsSpan(0, Math.Min(sequence.NewTokens.Length, alone.Tokens.Length));
        if (!expected.SequenceEqual(sequence.NewTokens))
        {
            Assert.Fail($"History {seed}: {string.Join(' ', sequence.NewTokens.ToArray())} and not {string.Join(' ', expected.ToArray())}.");
        }
    }

    private static HistoryRequest Draw(Random random, int layers, int vocabulary, Precision? draftPrecision)
    {
        int[] Tokens(int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(vocabulary))];
        int length = random.Next(1, 20);
        int[] prompt = Tokens(length);
        if (random.Next(2) == 0)
        {
            // What many begin with, and some with nothing else.
            int[] common = [.. Enumerable.Range(0, random.Next(1, MaxSequenceLength - 2)).Select(i => i * i % vocabulary)];
            prompt = [.. common, .. prompt.Take(random.Next(Math.Min(length, MaxSequenceLength - common.Length - 1)))];
            length = prompt.Length;
        }

        return new HistoryRequest(
            prompt, random.Next(1, MaxSequenceLength - length), [.. Tokens(random.Next(3))],
            random.Next(4) == 0 ? null : new DraftPlan
            {
                Plan = random.Next(2) == 0
                    ? LayerPlan.EarlyExit(layers, random.Next(1, layers + 1))
                    : LayerPlan.LayerSkip(layers, [random.Next(layers)], [random.Next(layers)]),
                Length = random.Next(1, 9),
                Weights = random.Next(4) == 0 && draftPrecision is not null ? WeightSet.Drafter : WeightSet.Verifier,
                Threshold = random.Next(3) == 0 ? random.NextSingle() : 0,
            },
            random.Next(3) == 0 ? SamplingOptions.Greedy : new SamplingOptions
            {
                Temperature = 0.5f + 2 * random.NextSingle(),
                TopK = random.Next(3) == 0 ? random.Next(1, vocabulary + 2) : 0,
                TopP = random.Next(3) == 0 ? 1 - random.NextSingle() : 1,
                MinP = random.Next(3) == 0 ? random.NextSingle() : 0,
                TopNSigma = random.Next(3) == 0 ? 3 * random.NextSingle() : 0,
                Seed = random.NextInt64(),
                Acceptance = random.Next(4) == 0 ? AcceptanceRule.Rejection : null,
            })
        {
            Constraint = random.Next(3) == 0 ? random.Next() : null,

            // Of the bytes that tokens stand for, the characters of one unit.
            Stops = random.Next(4) == 0 ? [.. Enumerable.Range(0, random.Next(1, 3)).Select(_ => string.Concat(Tokens(random.Next(1, 3)).Select(token => (char)Math.Max(token - 1, 0))))] : [],
        };
    }
}
