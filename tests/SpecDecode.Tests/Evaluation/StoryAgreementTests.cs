using SpecDecode.Drafting;
using SpecDecode.Evaluation;
using SpecDecode.Models;
using SpecDecode.Plans;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;

namespace SpecDecode.Tests.Evaluation;

/// <summary>What an evaluation says of plans of the story model, beside real drafting by them.</summary>
public class StoryAgreementTests
{
    private const int NewTokens = 64;
    private const int Length = 8;

    // What docs/methods.md states for so few tokens.
    private const double Bound = 0.06;

    private static readonly string[] Prompts = [.. File.ReadLines(Path.Combine(TestFolders.Repository, "tests", "SpecDecode.Benchmarks", "prompts.txt"))];

    // A row of a stretch is a row of a draft, so where every position begins one, rounds can be followed exactly. Where one begins
    // only behind another, drafts begin elsewhere than rounds do, which is behind a token that the drafter had wrong.
    [Fact]
    public void Agreement_is_acceptance_up_to_where_rounds_begin()
    {
        using LoadedModel model = ModelLoader.Load(
            TestFolders.StoryModel, new ModelOptions { CacheFolder = TestFolders.WeightCache }, new RuntimeOptions(), _ => { }, null, TestContext.Current.CancellationToken);
        int layers = model.Stages.LayerCount;
        PlanCandidate[] candidates =
        [
            new(LayerPlan.Full(layers)), .. ((int[])[1, 3, 6]).Select(exit => new PlanCandidate(LayerPlan.EarlyExit(layers, exit))),
            new(LayerPlan.LayerSkip(layers, [4, 6], [5, 7])), new(LayerPlan.LayerSkip(layers, [1, 3, 5, 7, 9], [])),
        ];
        List<(WrittenText Text, int[] Prompt)> written = [.. Prompts.Select(prompt => Write(model, prompt))];
        PlanAgreement apart = new(model.Stages, candidates, [.. written.Select(text => text.Text)], Length);
        apart.Run(TestContext.Current.CancellationToken);
        PlanAgreement everywhere = new(model.Stages, candidates, [.. Prompts.Select(prompt => Write(model, prompt).Text)], Length, startsEverywhere: true);
        everywhere.Run(TestContext.Current.CancellationToken);
        for (int candidate = 0; candidate < candidates.Length; candidate++)
        {
            DraftingStatistics real = new();
            foreach ((WrittenText text, int[] prompt) in written)
            {
                Sequence sequence = Run(model, prompt, new DraftPlan { Plan = candidates[candidate].Plan, Length = Length });
                Assert.Equal(text.Tokens.Span[prompt.Length..], sequence.NewTokens);
                real.Add(sequence.Statistics);
            }

            AgreementTally replayed = everywhere.Replay(candidate).Run(Length);
            Assert.Equal(real.AcceptedPerPosition, replayed.Agreed.ToArray().Select(count => (long)count));
            Assert.InRange(apart.Of(candidate).Share - replayed.Share, -Bound, Bound);
        }
    }

    private static (WrittenText Text, int[] Prompt) Write(LoadedModel model, string prompt)
    {
        int[] tokens = model.Tokenizer!.Encode(prompt);
        int[] newTokens = [.. Run(model, tokens, null).NewTokens];
        return (TextReading.Read(model.Stages, (int[])[.. tokens, .. newTokens], tokens.Length, TestContext.Current.CancellationToken), tokens);
    }

    private static Sequence Run(LoadedModel model, int[] prompt, DraftPlan? plan)
    {
        Scheduler scheduler = new(model.Stages, SchedulerLimits.None);
        Sequence sequence = new(prompt, NewTokens, new HashSet<int>(), null, plan);
        scheduler.Add(sequence);
        while (!scheduler.IsIdle)
        {
            scheduler.Step();
        }

        return sequence;
    }
}
