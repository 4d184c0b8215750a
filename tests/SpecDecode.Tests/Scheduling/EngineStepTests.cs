using SpecDecode.Caching;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;

namespace SpecDecode.Tests.Scheduling;

public class EngineStepTests
{
    private static readonly ScriptedModel Model = new(2, 31, 77);
    private static readonly HashSet<int> NoEnd = [];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(256)]
    public void A_prompt_longer_than_a_pass_is_read_in_full_passes_to_the_same_text(int maxRows)
    {
        foreach (int length in (int[])[1, 2, 6, 7, 8, 14, 21, 40, 255, 256, 257, 300])
        {
            ScriptedStages stages = new(Model, maxRows);
            EngineStep step = new(stages);
            int[] prompt = Prompt(length);
            Sequence sequence = Admit(stages, prompt, 5);
            int steps = RunToEnd(step, sequence);

            Assert.Equal(Model.Continue(prompt, 5, NoEnd), sequence.NewTokens);
            Assert.Equal((length + maxRows - 1) / maxRows + 4, steps);
            Assert.Equal(Math.Min(length, maxRows), stages.LargestPass);
        }
    }

    [Fact]
    public void An_end_of_sequence_token_ends_the_text_with_Stop_and_is_its_last_token()
    {
        int[] plain = Model.Continue(Prompt(9), 40, NoEnd);
        for (int place = 0; place < plain.Length; place++)
        {
            int end = plain[place];
            int first = Array.IndexOf(plain, end);
            ScriptedStages stages = new(Model, 4);
            Sequence sequence = Admit(stages, Prompt(9), 40, [end, 1000]);
            RunToEnd(new EngineStep(stages), sequence);

            Assert.Equal(FinishReason.Stop, sequence.FinishReason);
            Assert.Equal(plain.AsSpan(0, first + 1), sequence.NewTokens);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(30)]
    public void The_last_token_allowed_ends_the_text_with_Length(int maxTokens)
    {
        ScriptedStages stages = new(Model, 4);
        Sequence sequence = Admit(stages, Prompt(9), maxTokens);
        RunToEnd(new EngineStep(stages), sequence);

        Assert.Equal(FinishReason.Length, sequence.FinishReason);
        Assert.Equal(Model.Continue(Prompt(9), maxTokens, NoEnd), sequence.NewTokens);
    }

    [Fact]
    public void An_end_of_sequence_token_in_the_last_place_allowed_is_a_Stop()
    {
        int[] plain = Model.Continue(Prompt(9), 1, NoEnd);
        ScriptedStages stages = new(Model, 4);
        Sequence sequence = Admit(stages, Prompt(9), 1, [plain[0]]);
        RunToEnd(new EngineStep(stages), sequence);

        Assert.Equal(FinishReason.Stop, sequence.FinishReason);
    }

    [Fact]
    public void No_writer_waits_longer_than_the_steps_that_serve_the_others()
    {
        for (int count = 1; count <= 12; count++)
        {
            for (int maxRows = 1; maxRows <= count; maxRows++)
            {
                ScriptedStages stages = new(Model, maxRows);
                EngineStep step = new(stages);
                Sequence[] sequences = [.. Enumerable.Range(0, count).Select(i => Admit(stages, [i], 60))];
                Assert.Equal((count + maxRows - 1) / maxRows - 1, LongestWait(step, sequences, steps: 50));
            }
        }
    }

    [Fact]
    public void Writers_gain_a_token_in_every_step_while_long_prompts_are_read()
    {
        ScriptedStages stages = new(Model, 4);
        EngineStep step = new(stages);
        Sequence[] sequences =
        [
            Admit(stages, Prompt(400), 1), Admit(stages, [1], 60), Admit(stages, Prompt(300), 1), Admit(stages, [2], 60), Admit(stages, [3], 60),
        ];
        for (int done = 1; done <= 50; done++)
        {
            step.Run(sequences);
            Assert.All((int[])[1, 3, 4], place => Assert.Equal(done, sequences[place].NewTokens.Length));
        }

        // The row that the writers leave is always used.
        Assert.Equal(50, sequences[0].Cache.CommittedLength + sequences[2].Cache.CommittedLength);
    }

    [Fact]
    public void Prompts_take_turns_so_that_none_waits_for_as_many_steps_as_there_are_sequences()
    {
        for (int readers = 1; readers <= 5; readers++)
        {
            ScriptedStages stages = new(Model, 4);
            EngineStep step = new(stages);
            Sequence[] sequences =
            [
                Admit(stages, [1], 60), .. Enumerable.Range(0, readers).Select(i => Admit(stages, Prompt(500 + i), 1)), Admit(stages, [2], 60),
            ];
            Assert.InRange(LongestWait(step, sequences, steps: 50), 0, sequences.Length - 1);
        }
    }

    [Fact]
    public void A_sequence_whose_cache_has_no_room_fails_the_step_and_leaves_the_others_as_they_were()
    {
        ScriptedStages stages = new(Model, 64);
        EngineStep step = new(stages);
        Sequence good = Admit(stages, Prompt(9), 20);
        step.Run([good]);
        using Sequence cramped = new(Prompt(6), 20, NoEnd, new KvCache(stages.Pages, 5));

        Assert.Throws<InvalidOperationException>(() => step.Run([good, cramped]));
        Assert.Equal(1, stages.Passes);
        Assert.False(good.Cache.InTransaction);
        Assert.Equal((9, 10, 0, 6), (good.Cache.CommittedLength, good.Length, cramped.Cache.CommittedLength, cramped.Length));
        RunToEnd(step, good);
        Assert.Equal(Model.Continue(Prompt(9), 20, NoEnd), good.NewTokens);
    }

    [Fact]
    public void A_head_that_fails_after_it_scored_some_sequences_gives_none_of_them_a_token()
    {
        ScriptedStages stages = new(Model, 64, maxScoredRows: 2);
        EngineStep step = new(stages);
        Sequence[] sequences = [.. Enumerable.Range(1, 5).Select(i => Admit(stages, Prompt(i), 20))];
        stages.DuringCall = (_, call) =>
        {
            if (call == stages.CallsInPass)
            {
                throw new ScriptedFailureException();
            }
        };

        Assert.Throws<ScriptedFailureException>(() => step.Run(sequences));
        Assert.Equal(2, stages.ScoredRows);
        Assert.All(sequences, sequence => Assert.Equal((0, 0), (sequence.Cache.CommittedLength, sequence.NewTokens.Length)));
        stages.DuringCall = null;
        step.Run(sequences);
        Assert.All(sequences, sequence => Assert.Equal(Model.Continue(Prompt(sequence.PromptLength), 1, NoEnd), sequence.NewTokens));
    }

    [Theory]
    [InlineData(1, 64)]
    [InlineData(8, 64)]
    [InlineData(8, 3)]
    public void A_step_of_sequences_that_write_allocates_nothing(int count, int maxRows)
    {
        ScriptedStages stages = new(Model, maxRows, Math.Min(maxRows, 5));
        FakeKvMemory.Prepare(stages.Pages, count, 640);
        EngineStep step = new(stages);
        List<Sequence> live = [.. Enumerable.Range(0, count).Select(i => Admit(stages, Prompt(i + 1), 600))];
        for (int i = 0; i < 60; i++)
        {
            step.Run(live);
        }

        Assert.Equal(0, AllocatedBytes.EachTime(() =>
        {
            for (int i = 0; i < 150; i++)
            {
                step.Run(live);
            }
        }));
        Assert.All(live, sequence => Assert.Null(sequence.FinishReason));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void A_prompt_is_read_even_while_writers_fill_every_pass(int maxRows)
    {
        ScriptedStages stages = new(new ScriptedModel(2, 31, 77), maxRows);
        EngineStep step = new(stages);
        Sequence reader = Admit(stages, [1, 2, 3], 5);
        List<Sequence> live = [reader];
        int steps = 0;
        while (reader.ReadsPrompt && steps < 100)
        {
            live.RemoveAll(sequence => sequence.FinishReason is not null);
            while (live.Count < 6)
            {
                live.Add(Admit(stages, [1], 9));
            }

            step.Run(live);
            steps++;
        }

        Assert.InRange(steps, 1, 12);
    }

    [Fact]
    public void A_step_without_sequences_runs_nothing()
    {
        ScriptedStages stages = new(new ScriptedModel(2, 31, 77), 4);
        new EngineStep(stages).Run([]);

        Assert.Equal(0, stages.Passes);
    }

    // The most steps in a row in which a sequence neither read nor wrote.
    private static int LongestWait(EngineStep step, Sequence[] sequences, int steps)
    {
        int longest = 0;
        int[] waits = new int[sequences.Length];
        for (int done = 0; done < steps; done++)
        {
            int[] before = [.. sequences.Select(sequence => sequence.Cache.CommittedLength)];
            step.Run(sequences);
            for (int i = 0; i < sequences.Length; i++)
            {
                waits[i] = sequences[i].Cache.CommittedLength > before[i] ? 0 : waits[i] + 1;
                longest = Math.Max(longest, waits[i]);
            }
        }

        return longest;
    }

    private static int RunToEnd(EngineStep step, Sequence sequence)
    {
        int steps = 0;
        for (; sequence.FinishReason is null; steps++)
        {
            Assert.True(steps < 1000, "The text does not end.");
            step.Run([sequence]);
        }

        return steps;
    }

    private static int[] Prompt(int length) => [.. Enumerable.Range(0, length).Select(i => (i * 11 + length) % 31)];

    private static Sequence Admit(ScriptedStages stages, int[] prompt, int maxTokens, HashSet<int>? endOfSequence = null) => new(
        prompt, maxTokens, endOfSequence ?? NoEnd, new KvCache(stages.Pages, prompt.Length + maxTokens));
}
