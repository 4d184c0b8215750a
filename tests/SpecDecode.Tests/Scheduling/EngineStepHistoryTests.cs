using SpecDecode.Caching;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;

namespace SpecDecode.Tests.Scheduling;

/// <summary>Claims about the step that hold for every history; each is tried on many, drawn from fixed seeds.</summary>
public class EngineStepHistoryTests
{
    private const int Histories = 1500;

    [Fact]
    public void Texts_written_together_are_those_of_the_reference_for_any_number_of_rows_in_a_pass()
    {
        int finished = 0;
        for (int seed = 0; seed < Histories; seed++)
        {
            EngineHistory history = new(seed);
            history.Join(1 + seed % 7);
            history.RunToEnd();
            finished += history.Finished;
        }

        Assert.Equal(Enumerable.Range(0, Histories).Sum(seed => 1 + seed % 7), finished);
    }

    [Fact]
    public void Texts_written_together_are_those_that_each_writes_alone()
    {
        ScriptedModel model = new(3, 31, 5);
        for (int seed = 0; seed < 200; seed++)
        {
            Random random = new(seed);
            int[][] prompts = [.. Enumerable.Range(0, 6).Select(_ => Prompt(random, random.Next(1, 20)))];
            Assert.Equal(
                prompts.Select(prompt => Write(model, random.Next(1, 9), [prompt])[0]),
                Write(model, random.Next(1, 40), prompts));
        }
    }

    [Fact]
    public void Sequences_that_join_finish_or_leave_do_not_change_the_others()
    {
        int finished = 0;
        for (int seed = 0; seed < Histories; seed++)
        {
            EngineHistory history = new(seed);
            for (int step = 0; step < 25; step++)
            {
                if (history.Chance(3))
                {
                    history.Join(1);
                }

                if (history.Chance(9))
                {
                    history.Remove();
                }

                if (history.Live.Count > 0)
                {
                    history.Step();
                }
            }

            history.RunToEnd();
            finished += history.Finished;
        }

        Assert.True(finished > Histories);
    }

    [Fact]
    public void A_stage_that_fails_leaves_every_sequence_as_it_was_and_the_step_can_be_run_again()
    {
        int[] failures = new int[8];
        for (int seed = 0; seed < Histories; seed++)
        {
            EngineHistory history = new(seed);
            history.Join(1 + seed % 5);
            for (int step = 0; step < 12 && history.Live.Count > 0; step++)
            {
                if (history.Chance(2) && history.StepThatFails() is var failed and >= 0)
                {
                    failures[failed]++;
                }

                history.Step();
            }

            history.RunToEnd();
        }

        Assert.All(failures, count => Assert.True(count > 100));
    }

    [Fact]
    public void A_step_can_fail_at_every_call_one_after_the_other()
    {
        for (int seed = 0; seed < 200; seed++)
        {
            EngineHistory history = new(seed);
            history.Join(4);
            while (history.Live.Count > 0)
            {
                for (int call = 0; call < history.Stages.CallsInPass - 1; call++)
                {
                    Assert.Equal(call, history.StepThatFails(call));
                }

                history.Step();
            }
        }
    }

    [Fact]
    public void A_cache_that_is_rolled_back_to_any_length_between_steps_is_computed_again_to_the_same_text()
    {
        for (int seed = 0; seed < Histories; seed++)
        {
            EngineHistory history = new(seed);
            history.Join(1 + seed % 4);
            for (int step = 0; step < 20 && history.Live.Count > 0; step++)
            {
                if (history.Chance(3))
                {
                    history.RollBack();
                }

                history.Step();
            }

            history.RunToEnd();
        }
    }

    private static int[] Prompt(Random random, int length) => [.. Enumerable.Range(0, length).Select(_ => random.Next(31))];

    private static int[][] Write(ScriptedModel model, int maxRows, int[][] prompts)
    {
        ScriptedStages stages = new(model, maxRows);
        EngineStep step = new(stages);
        Sequence[] sequences = [.. prompts.Select(prompt => new Sequence(
            prompt, 10, new HashSet<int> { 4 }, new KvCache(stages.Pages, prompt.Length + 10)))];
        for (int steps = 0; sequences.Any(sequence => sequence.FinishReason is null); steps++)
        {
            Assert.True(steps < 1000, "The texts do not end.");
            step.Run([.. sequences.Where(sequence => sequence.FinishReason is null)]);
        }

        return [.. sequences.Select(sequence => sequence.NewTokens.ToArray())];
    }
}
