using SpecDecode.Evaluation;
using SpecDecode.Plans;
using SpecDecode.Tests.Scheduling;

namespace SpecDecode.Tests.Evaluation;

public class PlanEvaluationTests
{
    private static readonly ScriptedModel Model = new(4, 31, 99);

    [Fact]
    public void Any_plan_scores_every_position_as_the_reference_does_for_any_number_of_rows_in_a_pass()
    {
        for (int seed = 0; seed < 2000; seed++)
        {
            Random random = new(seed);
            int maxRows = random.Next(1, 90);
            using ScriptedStages stages = new(Model, maxRows, random.Next(1, maxRows + 1));
            int[] tokens = Tokens(random, random.Next(1, 90));
            LayerPlan plan = LayerPlan.LayerSkip(4, Some(random), Some(random));
            LogitsResult result = PlanEvaluation.Run(stages, plan, tokens, CancellationToken.None);

            ulong[] residuals = Model.Residuals(plan.Blocks, tokens);
            float[] last = new float[31];
            Model.Score(residuals[^1], last);
            Assert.Equal(residuals.Select(Model.Next), result.ArgMaxPerPosition);
            Assert.Equal(last, result.LastLogits);
            Assert.Equal((tokens.Length + maxRows - 1) / maxRows, stages.Passes);
            Assert.Equal(0, stages.Pages.Used);
        }
    }

    [Fact]
    public void Cancelling_during_a_pass_ends_the_work_before_the_next_and_frees_the_cache()
    {
        using ScriptedStages stages = new(Model, 3);
        using CancellationTokenSource cancellation = new();
        stages.DuringCall = (pass, _) =>
        {
            if (pass == 2)
            {
                cancellation.Cancel();
            }
        };

        Assert.Throws<OperationCanceledException>(() =>
            PlanEvaluation.Run(stages, LayerPlan.Full(4), Tokens(new Random(1), 10), cancellation.Token));
        Assert.Equal((2, 0), (stages.Passes, stages.Pages.Used));
    }

    [Fact]
    public void A_stage_that_fails_frees_the_cache_whichever_it_is()
    {
        using ScriptedStages stages = new(Model, 3);
        int[] tokens = Tokens(new Random(1), 8);
        for (int failing = 0; failing < stages.CallsInPass; failing++)
        {
            int first = stages.Passes;
            stages.DuringCall = (pass, call) =>
            {
                if (pass == first + 2 && call == failing)
                {
                    throw new ScriptedFailureException();
                }
            };
            Assert.Throws<ScriptedFailureException>(() => PlanEvaluation.Run(stages, LayerPlan.Full(4), tokens, CancellationToken.None));
            Assert.Equal((first + 2, 0), (stages.Passes, stages.Pages.Used));
        }
    }

    private static int[] Tokens(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(31))];

    private static IEnumerable<int> Some(Random random) => [.. Enumerable.Range(0, 4).Where(_ => random.Next(3) == 0)];
}
