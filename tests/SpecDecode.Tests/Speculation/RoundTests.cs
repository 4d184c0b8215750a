using SpecDecode.Caching;
using SpecDecode.Drafting;
using SpecDecode.Plans;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;
using SpecDecode.Speculation;
using SpecDecode.Tests.Scheduling;

namespace SpecDecode.Tests.Speculation;

/// <summary>What a round records, worked out by hand.</summary>
public class RoundTests
{
    private const int End = 9;

    [Theory]
    [InlineData(new int[] { }, new[] { 5 }, 0, 0, 1, TokenSource.Plain)]
    [InlineData(new[] { 1, 2, 3 }, new[] { 7, 2, 3, 4 }, 0, 1, 1, TokenSource.Correction)]
    [InlineData(new[] { 1, 2, 3 }, new[] { 1, 7, 3, 4 }, 1, 2, 2, TokenSource.Correction)]
    [InlineData(new[] { 1, 2, 3 }, new[] { 1, 2, 7, 4 }, 2, 3, 3, TokenSource.Correction)]
    [InlineData(new[] { 1, 2, 3 }, new[] { 1, 2, 3, 4 }, 3, 3, 4, TokenSource.Bonus)]
    [InlineData(new[] { 1, End }, new[] { 1, End, 4 }, 2, 2, 2, null)]
    [InlineData(new[] { 1, 2 }, new[] { 1, End, 4 }, 1, 2, 2, TokenSource.Correction)]
    public void A_round_records_what_became_of_its_draft(int[] draft, int[] targets, int accepted, int evaluated, int appended, TokenSource? last)
    {
        using Sequence sequence = Admit(out KvCache _);
        Round round = Play(sequence, draft, targets);
        RoundRecord record = round.Record(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10));

        Assert.Equal(
            new RoundRecord
            {
                Drafted = draft.Length, Reason = draft.Length > 0 ? DraftReason.Drafted : DraftReason.Disabled, Evaluated = evaluated, Accepted = accepted, Appended = appended, VerifierToken = last,
                DraftRows = draft.Length, VerifyRows = draft.Length + 1,
                DraftTime = TimeSpan.FromSeconds(draft.Length), VerifyTime = TimeSpan.FromSeconds(10 * (draft.Length + 1)),
            },
            record);
        Assert.Equal(draft.Length - accepted, record.Discarded);
        Assert.Equal([.. draft[..accepted], .. appended > accepted ? [targets[accepted]] : Array.Empty<int>()],
            round.Output.ToArray());
        Assert.Equal(sequence.Cache.CommittedLength + appended, round.KeptLength);
    }

    [Fact]
    public void Statistics_count_acceptance_by_position()
    {
        DraftingStatistics statistics = new();
        using Sequence sequence = Admit(out KvCache _);
        statistics.Add(Play(sequence, [1, 2, 3], [1, 2, 3, 4]).Record(default, default));
        statistics.Add(Play(sequence, [1, 2, 3], [1, 7, 3, 4]).Record(default, default));
        statistics.Add(Play(sequence, [1], [7, 1]).Record(default, default));
        statistics.Add(Play(sequence, [], [7]).Record(default, default));

        Assert.Equal([2, 1, 1], statistics.AcceptedPerPosition);
        Assert.Equal((4, 7, 6, 4, 3), (statistics.Rounds, statistics.Drafted, statistics.Evaluated, statistics.Accepted, statistics.Discarded));
        Assert.Equal((2, 1), (statistics.Corrections, statistics.BonusTokens));
        Assert.Equal((7, 11), (statistics.DraftRows, statistics.VerifyRows));
        Assert.Equal(2.0, statistics.MeanAcceptanceLength);
        Assert.Equal(4.0 / 7, statistics.AcceptanceRate);
    }

    [Fact]
    public void Nothing_is_drafted_behind_a_token_that_ends_the_text()
    {
        ScriptedModel model = new(2, 31, 77);
        for (int seed = 0; seed < 200; seed++)
        {
            int[] prompt = [seed % 31, seed * 7 % 31];
            int[] plain = model.Continue(prompt, 12, new HashSet<int>());
            int end = plain[3 + seed % 6];
            int length = Array.IndexOf(plain, end) + 1;
            ScriptedStages stages = new(model, 64);
            using Sequence sequence = new(
                prompt, 40, new HashSet<int> { end }, new KvCache(stages.Pages, 42),
                new DraftPlan { Plan = LayerPlan.Full(2), Length = 16 });
            EngineStep step = new(stages);
            for (int steps = 0; sequence.FinishReason is null; steps++)
            {
                Assert.True(steps < 50, "The text does not end.");
                step.Run([sequence]);
            }

            // The first token comes from the prompt, all others from one draft of the full model, which is always right.
            Assert.Equal(plain.AsSpan(0, length), sequence.NewTokens);
            Assert.Equal(length - 1, sequence.Statistics.Drafted);
            Assert.Equal(length - 1, sequence.Statistics.Accepted);
            Assert.Equal(length > 1 ? 1 : 0, sequence.Statistics.Rounds);
            Assert.Equal(0, sequence.Statistics.BonusTokens + sequence.Statistics.Corrections);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void A_drafter_whose_logits_are_not_numbers_ends_its_draft_and_not_the_text(int goodDrafts)
    {
        ScriptedModel model = new(2, 31, 77);
        ScriptedStages stages = new(model, 64);
        using Sequence sequence = new(
            [1, 2], 20, new HashSet<int>(), new KvCache(stages.Pages, 22), new DraftPlan { Plan = LayerPlan.Full(2), Length = 5 });
        EngineStep step = new(stages);
        step.Run([sequence]);
        while (sequence.FinishReason is null)
        {
            // The passes of a step are its drafts, one after the other, and the verification, which must stay as it is.
            int failing = stages.Passes + goodDrafts + 1;
            stages.AfterHead = (pass, logits) =>
            {
                if (pass == failing)
                {
                    Array.Fill(logits, float.NaN);
                }
            };
            step.Run([sequence]);
            stages.AfterHead = null;
            Assert.Equal(failing + 1, stages.Passes);
            if (sequence.NewTokens.Length + goodDrafts + 1 >= 20)
            {
                break;
            }
        }

        Assert.Equal(model.Continue([1, 2], 20, new HashSet<int>()).AsSpan(0, sequence.NewTokens.Length), sequence.NewTokens);
        Assert.Equal(goodDrafts * sequence.Statistics.Rounds, sequence.Statistics.Drafted);
        Assert.Equal(sequence.Statistics.Drafted, sequence.Statistics.Accepted);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void A_draft_that_leaves_the_verifier_no_numbers_keeps_what_was_accepted_and_the_text_goes_on_in_the_end_plainly(int firstBadRow)
    {
        ScriptedModel model = new(2, 31, 77);
        ScriptedStages stages = new(model, 64);
        using Sequence sequence = new(
            [1, 2], 20, new HashSet<int>(), new KvCache(stages.Pages, 22), new DraftPlan { Plan = LayerPlan.Full(2), Length = 5 });
        EngineStep step = new(stages);
        int failed = 0;
        stages.AfterHead = (_, logits) =>
        {
            if (stages.Rows > 1 && !sequence.WritesFirstToken)
            {
                failed++;
                logits.AsSpan(firstBadRow * model.Vocabulary).Fill(float.NaN);
            }
        };
        while (sequence.FinishReason is null)
        {
            step.Run([sequence]);
        }

        Assert.Equal(model.Continue([1, 2], 20, new HashSet<int>()), sequence.NewTokens);
        Assert.Equal((3, 3 * firstBadRow), (failed, sequence.Statistics.Accepted));
        Assert.Equal(firstBadRow == 0 ? 0 : 3 * 5, sequence.Statistics.Drafted);
    }

    [Fact]
    public void Long_drafts_hold_up_neither_each_other_nor_a_prompt()
    {
        ScriptedModel model = new(2, 31, 77);
        ScriptedStages stages = new(model, 8);
        EngineStep step = new(stages);
        DraftPlan draft = new() { Plan = LayerPlan.EarlyExit(2, 1), Length = 7 };
        Sequence New(int[] prompt, int tokens) =>
            new(prompt, tokens, new HashSet<int>(), new KvCache(stages.Pages, prompt.Length + tokens), draft);

        // As many writers as the pass has rows: everyone gains a token in every step.
        List<Sequence> writers = [.. Enumerable.Range(0, 8).Select(i => New([i], 60))];
        step.Run(writers);
        for (int i = 0; i < 20; i++)
        {
            int[] before = [.. writers.Select(sequence => sequence.Length)];
            step.Run(writers);
            Assert.All(writers.Zip(before), pair => Assert.True(pair.First.Length > pair.Second));
        }

        // Four writers leave four rows: a prompt of 41 tokens takes half of them at least.
        List<Sequence> mixed = [.. writers[..4], New([.. Enumerable.Range(0, 31), .. Enumerable.Range(0, 10)], 4)];
        int steps = 0;
        for (; mixed[4].ReadsPrompt; steps++)
        {
            Assert.True(steps < 25, "The prompt waits for drafts.");
            step.Run(mixed);
        }

        writers.ForEach(sequence => sequence.Dispose());
        mixed[4].Dispose();
    }

    private static Sequence Admit(out KvCache cache)
    {
        cache = new KvCache(FakeKvMemory.NewPool(), 64);
        return new Sequence([4], 40, new HashSet<int> { End }, cache, new DraftPlan { Plan = LayerPlan.Full(1) });
    }

    private static Round Play(Sequence sequence, int[] draft, int[] targets)
    {
        Round round = new();
        round.Begin(sequence, pendingLength: 1);
        round.Admit(cachePlace: 0, draft.Length, keptSlot: 0, vocabularySize: 31);
        if (draft.Length > 0)
        {
            round.Choice.Choose(round.Choice.Plans[0], draft.Length);
        }

        foreach (int token in draft)
        {
            Assert.True(round.Choice.WantsToken);
            round.Choice.Add(token, confidence: 1);
        }

        for (int i = 0; i < targets.Length && !round.IsDecided; i++)
        {
            round.Settle(targets[i]);
        }

        return round;
    }
}
