using SpecDecode.Caching;
using SpecDecode.Drafting;
using SpecDecode.Plans;
using SpecDecode.Sampling;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;
using SpecDecode.Stages;

namespace SpecDecode.Tests.Scheduling;

/// <summary>A cascade drafts what its plan alone drafts, in fewer passes of the plan. (Texts of any cascade: <see cref="DraftedHistoryTests"/>.)</summary>
public class CascadeTests
{
    private const int Layers = 5;
    private const int Texts = 300;

    private static readonly HashSet<int> NoEnd = [];

    [Theory]
    [InlineData(AcceptanceRule.Greedy)]
    [InlineData(AcceptanceRule.SharedNoise)]
    [InlineData(AcceptanceRule.Rejection)]
    internal void Drafts_are_those_of_the_plan_alone(AcceptanceRule rule)
    {
        DraftingStatistics all = new();
        for (int seed = 0; seed < Texts; seed++)
        {
            Random random = new(seed);
            ScriptedModel model = new(Layers, random.Next(11, 32), (ulong)seed << 20);
            DraftPlan plan = new()
            {
                Plan = random.Next(2) == 0 ? LayerPlan.Full(Layers) : LayerPlan.EarlyExit(Layers, 4),
                Weights = random.Next(3) == 0 ? WeightSet.Verifier : WeightSet.Drafter,
                Length = random.Next(1, 13),
            };
            int[] exits = random.Next(4) switch { 0 => [1], 1 => [2], 2 => [1, 3], _ => [1, 2, 3] };
            DraftCascade cascade = new(exits, random.Next(1, 6), random.Next(3) == 0 ? 0.5f : 0);
            int[][] prompts = [.. Enumerable.Range(0, 1 + (seed % 4)).Select(_ => Enumerable.Range(0, random.Next(1, 9)).Select(_ => random.Next(11)).ToArray())];
            int maxRows = random.Next(2) == 0 ? 256 : random.Next(3, 30);

            (List<int[]> alone, DraftingStatistics[] expected) = Write(model, prompts, plan, rule, seed, maxRows);
            (List<int[]> guessed, DraftingStatistics[] actual) = Write(model, prompts, plan with { Cascade = cascade }, rule, seed, maxRows);

            Assert.Equal(alone, guessed);
            for (int i = 0; i < prompts.Length; i++)
            {
                Assert.Equal((expected[i].Rounds, expected[i].Drafted, expected[i].Accepted, expected[i].Evaluated), (actual[i].Rounds, actual[i].Drafted, actual[i].Accepted, actual[i].Evaluated));
                Assert.Equal(expected[i].RoundsByDraftLength, actual[i].RoundsByDraftLength);
                Assert.Equal((0, 0), (expected[i].Guessed, expected[i].GuessesTaken));
                all.Add(actual[i]);
            }
        }

        Assert.True(all.GuessesTaken > 1000, $"{all.GuessesTaken} taken");
        Assert.True(all.Guessed > all.GuessesTaken + 500, $"{all.GuessesTaken} of {all.Guessed}");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(9)]
    public void A_guess_that_is_right_saves_a_pass_of_the_plan(int guesses)
    {
        ScriptedModel model = new(2, 31, 77);
        DraftPlan alone = new() { Plan = LayerPlan.Full(2), Length = 9, Weights = WeightSet.Drafter };
        foreach (DraftPlan plan in (DraftPlan[])[alone, alone with { Cascade = new DraftCascade([1], guesses, 0) }])
        {
            ScriptedStages stages = new(model, 64);
            int wholePasses = 0;
            stages.DuringCall = (_, call) => wholePasses += call == 2 * model.Layers ? 1 : 0;
            using Sequence sequence = new([1, 2, 3], 200, NoEnd, new KvCache(stages.Pages, 203), plan);
            EngineStep step = new(stages);
            int steps = 0;
            for (; sequence.FinishReason is null; steps++)
            {
                step.Run([sequence]);
            }

            Assert.Equal(model.Continue([1, 2, 3], 200, NoEnd), sequence.NewTokens);
            Assert.Equal(steps + sequence.Statistics.Drafted - sequence.Statistics.GuessesTaken, wholePasses);
            Assert.Equal(plan.Cascade is not null, sequence.Statistics.GuessesTaken > 30);
        }
    }

    [Fact]
    public void A_step_with_a_cascade_allocates_nothing()
    {
        ScriptedModel model = new(3, 31, 77);
        ScriptedStages stages = new(model, 64);
        FakeKvMemory.Prepare(stages.Pages, 4, 900);
        DraftPlan plan = new() { Plan = LayerPlan.Full(3), Weights = WeightSet.Drafter, Length = 6, Cascade = new DraftCascade([1, 2], 3, 0.3f) };
        EngineStep step = new(stages);
        List<Sequence> live = [.. Enumerable.Range(0, 4).Select(i => new Sequence([1, 2, i], 880, NoEnd, new KvCache(stages.Pages, 890), plan))];
        for (int i = 0; i < 30; i++)
        {
            step.Run(live);
        }

        Assert.Equal(0, AllocatedBytes.EachTime(() =>
        {
            for (int i = 0; i < 20; i++)
            {
                step.Run(live);
            }
        }));
        Assert.All(live, sequence => Assert.Null(sequence.FinishReason));
    }

    private static (List<int[]> Texts, DraftingStatistics[] Statistics) Write(ScriptedModel model, int[][] prompts, DraftPlan plan, AcceptanceRule rule, int seed, int maxRows)
    {
        ScriptedStages stages = new(model, maxRows);
        EngineStep step = new(stages);
        Sequence[] sequences = [.. prompts.Select((prompt, i) => new Sequence(prompt, 40, new HashSet<int> { 7 }, new KvCache(stages.Pages, prompt.Length + 40), plan,
            rule == AcceptanceRule.Greedy ? null : new Sampler(new SamplingOptions { Temperature = 0.8f, Seed = seed + i, Acceptance = rule })))];
        for (int steps = 0; sequences.Any(sequence => sequence.FinishReason is null); steps++)
        {
            Assert.True(steps < 1000, "The texts do not end.");
            step.Run([.. sequences.Where(sequence => sequence.FinishReason is null)]);
            Assert.Null(step.PolicyError);
        }

        return ([.. sequences.Select(sequence => sequence.NewTokens.ToArray())], [.. sequences.Select(sequence => sequence.Statistics)]);
    }
}
