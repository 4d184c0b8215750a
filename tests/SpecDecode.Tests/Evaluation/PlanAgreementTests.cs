using SpecDecode.Drafting;
using SpecDecode.Evaluation;
using SpecDecode.Plans;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;
using SpecDecode.Stages;
using SpecDecode.Tests.Scheduling;

namespace SpecDecode.Tests.Evaluation;

public class PlanAgreementTests
{
    private const int Layers = 4;

    private static readonly ScriptedModel Model = new(Layers, 31, 99);
    private static readonly HashSet<int> NoEnd = [];

    private static readonly PlanCandidate[] Candidates =
    [
        new(LayerPlan.Full(Layers)), new(LayerPlan.EarlyExit(Layers, 1)), new(LayerPlan.EarlyExit(Layers, 3)), new(LayerPlan.LayerSkip(Layers, [1], [2])),
        new(LayerPlan.Full(Layers), WeightSet.Drafter), new(LayerPlan.Of(Layers, [])),
    ];

    [Fact]
    public void The_full_plan_agrees_everywhere_and_others_do_not()
    {
        using ScriptedStages stages = new(Model, 32);
        PlanAgreement agreement = new(stages, Candidates, Texts(stages, 40, 17, 9));
        agreement.Run(CancellationToken.None);

        Assert.Equal(agreement.Of(0).Reached, agreement.Of(0).Agreed);
        Assert.Equal(1, agreement.Of(0).Share);
        Assert.All(Enumerable.Range(1, 3), candidate => Assert.InRange(agreement.Of(candidate).Share, 0.3, 0.99));
    }

    [Theory]
    [InlineData(1, 8)]
    [InlineData(5, 8)]
    [InlineData(64, 8)]
    [InlineData(64, 1)]
    [InlineData(64, 3)]
    public void Every_new_token_but_the_first_is_judged_once_by_the_full_plan(int maxRows, int length)
    {
        using ScriptedStages stages = new(Model, maxRows, maxScoredRows: Math.Min(maxRows, 3));
        int[] written = [40, 17, 2, 1, 9];
        PlanAgreement agreement = new(stages, Candidates, Texts(stages, written), length);
        agreement.Run(CancellationToken.None);

        Assert.Equal(Math.Min(maxRows, length), agreement.Length);
        Assert.Equal(written.Sum(tokens => tokens - 1), Sum(agreement.Of(0).Agreed));
        Assert.Equal(written.Sum(tokens => tokens - 1L) * Candidates.Length, agreement.Rows);
        Assert.InRange(stages.LargestPass, 1, maxRows);
    }

    [Fact]
    public void A_result_depends_neither_on_other_candidates_nor_on_their_order_nor_on_what_shares_a_pass()
    {
        using ScriptedStages stages = new(Model, 24);
        PlanAgreement together = new(stages, Candidates, Texts(stages, 40, 17, 9));
        together.Run(CancellationToken.None);
        PlanAgreement reversed = new(stages, [.. Candidates.Reverse()], Texts(stages, 40, 17, 9));
        reversed.Run(CancellationToken.None);
        for (int candidate = 0; candidate < Candidates.Length; candidate++)
        {
            using ScriptedStages narrow = new(Model, 8);
            PlanAgreement alone = new(narrow, [Candidates[candidate]], Texts(narrow, 40, 17, 9));
            alone.Run(CancellationToken.None);
            AssertSame(alone.Of(0), together.Of(candidate));
            AssertSame(alone.Of(0), reversed.Of(Candidates.Length - 1 - candidate));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)]
    public void Drafts_from_every_position_replay_real_drafting_token_by_token(int draftLength)
    {
        using ScriptedStages stages = new(Model, 32);
        int[] written = [60, 33, 2, 9, 47];
        PlanAgreement agreement = new(stages, Candidates, Texts(stages, written), startsEverywhere: true);
        agreement.Run(CancellationToken.None);
        for (int candidate = 0; candidate < Candidates.Length; candidate++)
        {
            DraftingStatistics real = Draft(stages, Candidates[candidate], draftLength, written);
            AgreementTally replayed = agreement.Replay(candidate).Run(draftLength);

            // Positions at the end where nothing was accepted are left out of the statistics.
            long[] accepted = [.. real.AcceptedPerPosition, .. new long[draftLength - real.AcceptedPerPosition.Count]];
            Assert.Equal(accepted, replayed.Agreed.ToArray().Select(count => (long)count));
            Assert.Equal(real.Reasons[DraftReason.Drafted], replayed.Drafts);
        }
    }

    [Fact]
    public void Each_step_is_a_pass_and_results_compare_after_any_of_them()
    {
        using ScriptedStages stages = new(Model, 16);
        PlanAgreement agreement = new(stages, [Candidates[0], Candidates[1], Candidates[0]], Texts(stages, 40, 17));
        for (int passes = stages.Passes; !agreement.IsDone;)
        {
            bool hasMore = agreement.Step();
            Assert.Equal(++passes, stages.Passes);
            Assert.NotEqual(hasMore, agreement.IsDone);
            AssertSame(agreement.Of(0), agreement.Of(2));
            Assert.Equal(agreement.Of(0).Drafts, agreement.Of(1).Drafts);
        }

        Assert.False(agreement.Step());
        Assert.True(agreement.Of(1).Drafts > 3);
    }

    [Fact]
    public void A_cache_keeps_exact_entries_up_to_where_the_evaluation_has_come_and_others_are_not_touched()
    {
        using ScriptedStages stages = new(Model, 32);
        WrittenText live = Texts(stages, 30)[0];
        WrittenText[] finished = Texts(stages, 30);
        PlanAgreement agreement = new(stages, Candidates, finished);
        do
        {
            AssertExact(finished[0]);
        }
        while (agreement.Step());

        AssertExact(finished[0]);
        Assert.Equal(finished[0].FirstStart, finished[0].Cache.CommittedLength);
        Assert.Equal(live.Tokens.Length - 1, live.Cache.CommittedLength);
        AssertExact(live);

        void AssertExact(WrittenText text)
        {
            ulong[][] expected = Model.Entries(text.Tokens.Span);
            for (int position = 0; position < text.Cache.CommittedLength; position++)
            {
                for (int layer = 0; layer < Layers; layer++)
                {
                    Assert.Equal(expected[layer][position], stages.Memory.Read(text.Cache, layer, position));
                }
            }
        }
    }

    [Fact]
    public void A_pass_that_fails_counts_nothing_and_can_be_run_again()
    {
        using ScriptedStages stages = new(Model, 32);
        PlanAgreement undisturbed = new(stages, Candidates, Texts(stages, 30, 12));
        undisturbed.Run(CancellationToken.None);
        PlanAgreement agreement = new(stages, Candidates, Texts(stages, 30, 12));
        Random random = new(5);
        stages.DuringCall = (_, _) =>
        {
            if (random.Next(30) == 0)
            {
                throw new ScriptedFailureException();
            }
        };
        int failures = 0;
        while (!agreement.IsDone)
        {
            try
            {
                agreement.Step();
            }
            catch (ScriptedFailureException)
            {
                failures++;
            }
        }

        Assert.True(failures > 3);
        Assert.All(Enumerable.Range(0, Candidates.Length), candidate => AssertSame(undisturbed.Of(candidate), agreement.Of(candidate)));
    }

    [Fact]
    public void Logits_from_which_no_token_can_be_chosen_agree_with_nothing()
    {
        using ScriptedStages stages = new(Model, 32);
        PlanAgreement agreement = new(stages, [Candidates[0]], Texts(stages, 30));
        stages.AfterHead = (_, logits) => Array.Fill(logits, float.NaN);
        agreement.Run(CancellationToken.None);
        Assert.Equal(0, agreement.Of(0).Share);
        Assert.True(agreement.Of(0).Drafts > 0);
    }

    [Fact]
    public void Cancelling_ends_the_work_between_passes()
    {
        using ScriptedStages stages = new(Model, 32);
        using CancellationTokenSource cancellation = new();
        PlanAgreement agreement = new(stages, Candidates, Texts(stages, 30));
        int first = stages.Passes;
        stages.DuringCall = (pass, _) =>
        {
            if (pass == first + 2)
            {
                cancellation.Cancel();
            }
        };
        Assert.Throws<OperationCanceledException>(() => agreement.Run(cancellation.Token));
        Assert.Equal((2, first + 2), (agreement.Passes, stages.Passes));
    }

    [Fact]
    public void Misuse_is_refused_before_anything_runs()
    {
        using ScriptedStages stages = new(Model, 32);
        WrittenText[] texts = Texts(stages, 30);
        int passes = stages.Passes;
        Assert.Throws<ArgumentException>(() => new PlanAgreement(stages, [], texts));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PlanAgreement(stages, Candidates, texts, length: 0));
        texts[0].Cache.RollBackTo(10);
        Assert.Throws<ArgumentException>(() => new PlanAgreement(stages, Candidates, texts));
        Assert.Throws<InvalidOperationException>(() => new PlanAgreement(stages, Candidates, Texts(stages, 30)).Replay(0));
        Assert.True(new PlanAgreement(stages, Candidates, []).IsDone);
        Assert.Equal(passes + 1, stages.Passes);
    }

    private static WrittenText[] Texts(ScriptedStages stages, params int[] newTokens) => [.. newTokens.Select((tokens, i) =>
    {
        int[] prompt = Prompt(i);
        return TextReading.Read(stages, (int[])[.. prompt, .. Model.Continue(prompt, tokens, NoEnd)], prompt.Length, CancellationToken.None);
    })];

    private static int[] Prompt(int i) => [.. Enumerable.Range(0, 3 + 2 * i).Select(place => (place * 7 + i) % 31)];

    private static DraftingStatistics Draft(ScriptedStages stages, PlanCandidate candidate, int draftLength, int[] newTokens)
    {
        DraftingStatistics sum = new();
        for (int i = 0; i < newTokens.Length; i++)
        {
            Scheduler scheduler = new(stages, SchedulerLimits.None);
            using Sequence sequence = new(
                Prompt(i), newTokens[i], NoEnd, null, new DraftPlan { Plan = candidate.Plan, Weights = candidate.Weights, Length = draftLength });
            scheduler.Add(sequence);
            while (!scheduler.IsIdle)
            {
                scheduler.Step();
            }

            sum.Add(sequence.Statistics);
        }

        return sum;
    }

    private static int Sum(ReadOnlySpan<int> counts) => counts.ToArray().Sum();

    private static void AssertSame(AgreementTally expected, AgreementTally actual)
    {
        Assert.Equal(expected.Reached, actual.Reached);
        Assert.Equal(expected.Agreed, actual.Agreed);
    }
}
