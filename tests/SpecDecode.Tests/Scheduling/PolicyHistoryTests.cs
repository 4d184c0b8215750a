using SpecDecode.Caching;
using SpecDecode.Drafting;
using SpecDecode.Plans;
using SpecDecode.Sampling;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;
using SpecDecode.Stages;

namespace SpecDecode.Tests.Scheduling;

/// <summary>Whatever policies decide, texts and caches are those of plain decoding.</summary>
public class PolicyHistoryTests
{
    [Fact]
    public void Texts_are_those_of_plain_decoding_whatever_a_policy_does()
    {
        DraftingStatistics rounds = new();
        (int proposed, int accepted, int goneOn, int mixed) = (0, 0, 0, 0);
        for (int seed = 0; seed < 700; seed++)
        {
            WildPolicy policy = new(seed);
            IReadOnlyList<DraftPlan>? plans = null;
            EngineHistory history = new(seed, drafts: true, model => new SequenceDrafting(policy, plans ??= Plans(model.Layers), 1 + seed % 12));
            history.Join(1 + seed % 8);
            for (int step = 0; step < 10 && history.Live.Count > 0; step++)
            {
                _ = seed % 3 == 0 && history.Chance(4) && history.StepThatFailsAnywhere();
                history.DraftedStep();
                history.Join(history.Chance(8) ? 1 : 0);
            }

            history.RunToEnd();
            rounds.Add(history.Rounds);
            proposed += policy.Proposals.Drafted;
            accepted += policy.Proposals.Accepted;
            goneOn += policy.GoneOn;
            mixed += policy.PlansOfStep.Skip(3).Sum();
        }

        TestContext.Current.SendDiagnosticMessage($"{rounds}; {accepted} of {proposed} proposed, {goneOn} gone on, {mixed} steps of several plans");
        Assert.True(rounds.OutputTokens > 50_000, $"{rounds.OutputTokens} tokens");
        Assert.True(accepted > 5_000 && proposed - accepted > 1_000, $"{accepted} of {proposed} accepted");
        Assert.True(goneOn > 200 && mixed > 500, $"{goneOn} gone on, {mixed} steps of several plans");
        Assert.True(rounds.Discarded > 5_000 && rounds.Corrections > 2_000 && rounds.BonusTokens > 2_000);
    }

    [Theory]
    [InlineData("auto")]
    [InlineData("lookup")]
    public void Texts_are_those_of_plain_decoding_where_the_policy_finds_how_to_draft(string strategy)
    {
        DraftingStatistics rounds = new();
        ModelDrafting[] models = [.. Enumerable.Range(1, 3).Select(layers => new ModelDrafting(layers, hasDraftWeights: true))];
        for (int seed = 0; seed < 500; seed++)
        {
            DraftingOptions options = new() { Strategy = strategy, DraftLength = 1 + seed % 20 };
            EngineHistory history = new(seed, drafts: true, model => models[model.Layers - 1].Of(options, "")!);
            history.Join(1 + seed % 8);
            history.RunToEnd();
            rounds.Add(history.Rounds);
        }

        TestContext.Current.SendDiagnosticMessage($"{strategy}: {rounds}");
        Assert.True(rounds.OutputTokens > 25_000, $"{rounds.OutputTokens} tokens");
        Assert.True(rounds.Drafted > 100, $"{rounds.Drafted} drafted");
    }

    [Theory]
    [InlineData(AcceptanceRule.Rejection)]
    [InlineData(AcceptanceRule.SharedNoise)]
    [InlineData(AcceptanceRule.Greedy)]
    public void A_drafter_that_is_the_model_itself_writes_the_seeds_text_whatever_the_lengths(AcceptanceRule rule)
    {
        for (int seed = 0; seed < 60; seed++)
        {
            ScriptedModel model = new(1 + seed % 3, 31, (ulong)seed << 20);
            SamplingOptions sampling = rule == AcceptanceRule.Greedy ? SamplingOptions.Greedy : new()
            {
                Temperature = 0.8f + seed % 5 * 0.3f, TopK = seed % 2 * 9, TopP = seed % 4 < 2 ? 1 : 0.8f, Seed = seed, Acceptance = rule,
            };
            int[] plain = Write(model, sampling, null, out _);
            HashSet<long> rounds = [];
            for (int policy = 0; policy < 6; policy++)
            {
                DraftPlan full = new() { Plan = LayerPlan.Full(model.Layers) };
                int[] drafted = Write(model, sampling, new SequenceDrafting(new WildPolicy(policy, proposes: false), [full], 1 + 5 * policy), out DraftingStatistics statistics);
                Assert.Equal(plain, drafted);
                Assert.True(statistics.Drafted > 0);
                Assert.Equal(0, statistics.Corrections);
                rounds.Add(statistics.Rounds);
            }

            Assert.True(rounds.Count > 2);
        }
    }

    [Fact]
    public void With_rejection_sampling_a_drafter_that_is_another_changes_the_seeds_text()
    {
        SamplingOptions sampling = new() { Temperature = 1, Seed = 3, Acceptance = AcceptanceRule.Rejection };
        ScriptedModel model = new(3, 31, 7);
        int[] drafted = Write(
            model, sampling, new SequenceDrafting(new WildPolicy(1, proposes: false), [new DraftPlan { Plan = LayerPlan.EarlyExit(3, 1) }], 6), out _);
        Assert.NotEqual(Write(model, sampling, null, out _), drafted);
    }

    private static int[] Write(ScriptedModel model, SamplingOptions sampling, SequenceDrafting? drafting, out DraftingStatistics statistics)
    {
        using ScriptedStages stages = new(model, 64);
        using Sequence sequence = new([1, 2, 3], 80, new HashSet<int>(), new KvCache(stages.Pages, 83), drafting, new Sampler(sampling));
        EngineStep step = new(stages);
        while (sequence.FinishReason is null)
        {
            step.Run([sequence]);
        }

        statistics = sequence.Statistics;
        return sequence.NewTokens.ToArray();
    }

    // Exits, skip sets, blocks in any order, and copies in lower precision.
    private static List<DraftPlan> Plans(int layers) =>
    [
        .. Enumerable.Range(1, layers).SelectMany(exit => Both(LayerPlan.EarlyExit(layers, exit))),
        .. Both(LayerPlan.LayerSkip(layers, [layers / 2], [0])),
        .. Both(LayerPlan.LayerSkip(layers, [], [layers - 1])),
        .. Both(LayerPlan.Of(layers, [new Block(BlockKind.Attention, 0), new Block(BlockKind.Attention, 0), new Block(BlockKind.Mlp, layers - 1)])),
        .. Both(LayerPlan.Of(layers, [])),
    ];

    private static IEnumerable<DraftPlan> Both(LayerPlan plan) =>
        [new DraftPlan { Plan = plan }, new DraftPlan { Plan = plan, Weights = WeightSet.Drafter }];
}
