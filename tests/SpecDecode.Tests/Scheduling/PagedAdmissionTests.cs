using SpecDecode.Sampling;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;

namespace SpecDecode.Tests.Scheduling;

/// <summary>Sequences are admitted by the memory that they have, and give it up when there is none, the last that came first; no text changes for it.</summary>
public sealed class PagedAdmissionTests
{
    private static readonly ScriptedModel Model = new(2, 31, 99);
    private static readonly HashSet<int> NoEnd = [];

    [Fact]
    public void Sixty_four_that_may_get_long_and_do_not_run_at_once_where_ten_could_if_all_got_long()
    {
        // An end that comes after a hundred tokens at most.
        int[][] prompts = [.. Enumerable.Range(0, 64).Select(i => new[] { i % 31, i * 7 % 31, i * 11 % 31 })];
        HashSet<int>[] ends = [.. prompts.Select(prompt => new HashSet<int> { Model.Continue(prompt, 110, NoEnd)[100] })];
        foreach ((KvAdmission admission, int atOnce) in ((KvAdmission, int)[])[(KvAdmission.Paged, 64), (KvAdmission.Reserve, 10)])
        {
            using ScriptedStages stages = new(Model, 256, maxSequenceLength: 8192);
            Scheduler scheduler = new(stages, new SchedulerLimits(64, 10 * stages.Pages.BytesOf(3 + 4096), 64) { Admission = admission });
            Sequence[] sequences = [.. prompts.Select((prompt, i) => new Sequence(prompt, 4096, ends[i], null))];
            int most = 0, preemptions = 0;
            foreach (Sequence sequence in sequences)
            {
                scheduler.Add(sequence);
            }

            while (!scheduler.IsIdle)
            {
                preemptions += scheduler.Step().Preemptions;
                most = Math.Max(most, scheduler.Live.Count + scheduler.Ended.Count);
            }

            Assert.Equal((atOnce, 0), (most, preemptions));
            for (int i = 0; i < sequences.Length; i++)
            {
                Assert.Equal(Model.Continue(prompts[i], 4096, ends[i]), sequences[i].NewTokens.ToArray());
            }
        }
    }

    [Fact]
    public void Memory_held_is_that_of_the_pages_written()
    {
        using ScriptedStages stages = new(Model, 64);
        Scheduler scheduler = new(stages, new SchedulerLimits(8, stages.Pages.BytesOf(4000), 64));
        for (int i = 0; i < 8; i++)
        {
            scheduler.Add(new Sequence([.. Enumerable.Range(0, 3 * i + 1)], 400, NoEnd, null));
        }

        for (int step = 0; step < 100; step++)
        {
            scheduler.Step();
            int pages = scheduler.Live.Sum(sequence => stages.Pages.PagesOf(sequence.Cache.CommittedLength));
            Assert.Equal(pages, stages.Pages.Used);
            int known = scheduler.Live.Sum(sequence => stages.Pages.PagesOf(sequence.Length) + 1);
            Assert.InRange(scheduler.Budget.Reserved, pages * stages.Pages.PageBytes, known * stages.Pages.PageBytes);
            Assert.InRange(stages.Pages.Slabs, (pages + 1) / 2, (pages + 1) / 2 + 8 + 1);
        }
    }

    [Fact]
    public void Where_memory_runs_out_the_last_gives_up_the_first_goes_on_and_nobody_more_than_twice()
    {
        int preempted = 0;
        for (int seed = 0; seed < 200; seed++)
        {
            Random random = new(seed);
            using ScriptedStages stages = new(Model, 32);
            int longest = random.Next(60, 200);
            Scheduler scheduler = new(stages, new SchedulerLimits(12, stages.Pages.BytesOf(longest) + random.Next(4) * stages.Pages.PageBytes, 16) { PrefixCache = random.Next(2) * random.NextDouble() });
            List<(Sequence Sequence, int[] Expected)> all = [];
            for (int i = 0; i < 12; i++)
            {
                int[] prompt = [.. Enumerable.Range(0, random.Next(1, 20)).Select(_ => random.Next(31))];
                int tokens = random.Next(1, longest - prompt.Length);
                all.Add((new Sequence(prompt, tokens, NoEnd, null), Model.Continue(prompt, tokens, NoEnd)));
                scheduler.Add(all[^1].Sequence);
            }

            int left = 20_000;
            int stalled = 0;
            while (!scheduler.IsIdle)
            {
                Assert.True(--left > 0, $"History {seed} does not end.");
                Sequence? first = scheduler.Live.MinBy(sequence => sequence.Number);
                int known = first?.Length + first?.Cache.CommittedLength ?? 0;
                preempted += scheduler.Step().Preemptions;
                Assert.InRange(stages.Pages.Used, 0, scheduler.Budget.Pages);

                // Of twelve it may have to wait for its turn among the rows, and never for memory.
                stalled = first is null || first.FinishReason is not null || first.Length + first.Cache.CommittedLength > known ? 0 : stalled + 1;
                Assert.InRange(stalled, 0, 4 * 12);
                Assert.True(first is null || first.Preemptions == 0 || first.Number > 1);
            }

            foreach ((Sequence sequence, int[] expected) in all)
            {
                Assert.Equal(expected, sequence.NewTokens.ToArray());
                Assert.InRange(sequence.Preemptions, 0, 2);
            }
        }

        Assert.True(preempted > 300, $"{preempted}");
    }

    [Fact]
    public void Of_different_priorities_the_lowest_gives_up_though_it_came_first()
    {
        using ScriptedStages stages = new(Model, 32);
        Scheduler scheduler = new(stages, new SchedulerLimits(4, stages.Pages.BytesOf(100), 32));
        Sequence low = new([1, 2, 3], 90, NoEnd, null) { Priority = -1 };
        Sequence high = new([4, 5, 6], 90, NoEnd, null) { Priority = 1 };
        scheduler.Add(low);
        scheduler.Step();
        scheduler.Add(high);
        while (!scheduler.IsIdle)
        {
            scheduler.Step();
        }

        Assert.Equal((0, true), (high.Preemptions, low.Preemptions > 0));
        Assert.Equal(Model.Continue([1, 2, 3], 90, NoEnd), low.NewTokens.ToArray());
        Assert.Equal(Model.Continue([4, 5, 6], 90, NoEnd), high.NewTokens.ToArray());
    }

    [Fact]
    public void One_that_gave_up_can_be_cancelled_and_be_late_while_it_waits()
    {
        foreach (bool isLate in (bool[])[false, true])
        {
            using ScriptedStages stages = new(Model, 32);
            Scheduler scheduler = new(stages, new SchedulerLimits(4, stages.Pages.BytesOf(60), 32));
            Sequence first = new([1, 2, 3], 57, NoEnd, null);
            Sequence second = new([4, 5, 6], 57, NoEnd, null) { Deadline = isLate ? TimeSpan.FromHours(1) : null };
            scheduler.Add(first);
            scheduler.Add(second);
            while (second.Preemptions == 0)
            {
                scheduler.Step();
            }

            Assert.Equal([second], scheduler.Waiting);
            int written = second.NewTokens.Length;
            Assert.InRange(written, 5, 56);
            if (!isLate)
            {
                second.RequestCancellation();
            }

            while (!scheduler.IsIdle)
            {
                scheduler.Step();
            }

            Assert.Equal(isLate ? FinishReason.Length : FinishReason.Cancelled, second.FinishReason);
            Assert.Equal(Model.Continue([4, 5, 6], 57, NoEnd)[..second.NewTokens.Length], second.NewTokens.ToArray());
            Assert.Equal((isLate ? 57 : written, 0), (second.NewTokens.Length, stages.Pages.Used));
        }
    }

    [Fact]
    public void A_prompt_that_was_read_before_is_found_and_those_that_come_together_wait_for_the_first_to_read_it()
    {
        using ScriptedStages stages = new(Model, 64);
        Scheduler scheduler = new(stages, new SchedulerLimits(8, stages.Pages.BytesOf(4000), 16) { PrefixCache = 0.5 });
        int[] prompt = [.. Enumerable.Range(0, 203).Select(i => i * i % 31)];
        Sequence[] choices = [.. Enumerable.Range(0, 5).Select(i => new Sequence(prompt, 20, NoEnd, null, null, new Sampler(new SamplingOptions { Temperature = 1, Seed = 3, ChoiceIndex = i })))];
        int promptRows = 0;
        foreach (Sequence choice in choices)
        {
            scheduler.Add(choice);
        }

        while (!scheduler.IsIdle)
        {
            promptRows += scheduler.Step().PromptRows;
        }

        // All but the tokens of the last page, which is not full, are read once.
        Assert.Equal([0, 200, 200, 200, 200], choices.Select(choice => choice.CachedPromptTokens));
        Assert.Equal(203 + 4 * 3, promptRows);
        Assert.Equal(0, stages.Pages.Shared);

        // Also by whoever goes on with what was written, and by nobody of another scope.
        int[] history = [.. choices[1].Known.Span, 5, 6];
        Sequence chat = new(history, 5, NoEnd, null), stranger = new(history, 5, NoEnd, null) { CacheScope = "other" };
        scheduler.Add(chat);
        scheduler.Add(stranger);
        while (!scheduler.IsIdle)
        {
            scheduler.Step();
        }

        Assert.Equal((220, 0), (chat.CachedPromptTokens, stranger.CachedPromptTokens));
        Assert.Equal(Model.Continue(history, 5, NoEnd), chat.NewTokens.ToArray());
        Assert.Equal(chat.NewTokens.ToArray(), stranger.NewTokens.ToArray());
    }
}
