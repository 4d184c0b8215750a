using SpecDecode.Evaluation;
using SpecDecode.Plans;
using SpecDecode.Stages;
using SpecDecode.Tests.Scheduling;

namespace SpecDecode.Tests.Evaluation;

public class PlanCostsTests
{
    [Fact]
    public void The_best_length_is_that_of_the_formula()
    {
        AgreementTally agreement = new(8);
        for (int i = 0; i < 100_000; i++)
        {
            // Eight of ten tokens are accepted: 0.8 of the drafts come to the second, and so on.
            agreement.Add(agreed: (int)Math.Min(8, Math.Log((i + 0.5) / 100_000) / Math.Log(0.8)), drafted: 8);
        }

        PlanCosts costs = new(1, 0.25, [1, 1, 1, 1, 1, 1, 1, 1]);
        ExpectedSpeedup best = costs.Best(agreement);
        double[] expected = [.. Enumerable.Range(1, 8).Select(k => (1 - Math.Pow(0.8, k + 1)) / (1 - 0.8) / (1 + 0.25 * k))];
        Assert.Equal(expected.Max(), best.Speedup, 0.01);
        Assert.Equal(Array.IndexOf(expected, expected.Max()) + 1, best.DraftLength);
    }

    [Fact]
    public void Nothing_agrees_and_drafting_only_costs()
    {
        AgreementTally agreement = new(4);
        Assert.Equal(0, agreement.Share);
        agreement.Add(0, 4);
        ExpectedSpeedup best = new PlanCosts(1, 0.5, [1, 1, 1, 1]).Best(agreement);
        Assert.Equal((1, 1 / 1.5), (best.DraftLength, best.Speedup));
    }

    [Fact]
    public void A_place_that_few_drafts_reach_leans_on_the_others()
    {
        AgreementTally agreement = new(3);
        for (int i = 0; i < 100; i++)
        {
            agreement.Add(i % 2 == 0 ? 0 : 1, 2);
        }

        agreement.Add(3, 3);
        Assert.Equal((101, 51, 1), (agreement.Reached[0], agreement.Reached[1], agreement.Reached[2]));
        Assert.InRange(agreement.Chance(2), agreement.Share, 0.7);
    }

    [Fact]
    public void Blocks_left_out_and_exact_rows_save_what_blocks_take()
    {
        BlockCosts costs = BlockCosts.Of(layers: 4, ends: 1, attention: 2, mlp: 3, draftShare: 0.5, slope: 0.1);
        PlanCosts exit = costs.Of(new PlanCandidate(LayerPlan.EarlyExit(4, 1)), 4);
        Assert.Equal((21, 6), (exit.Plain, exit.DraftRow));
        // Two rows: embedding and head of two, the first layer of one, the others of two.
        Assert.Equal(1.1 + 5 + 3 * 5.5, exit.Verify[0], 1e-9);
        PlanCosts skip = costs.Of(new PlanCandidate(LayerPlan.LayerSkip(4, [0, 2], [1])), 4);
        Assert.Equal(1 + 4 + 9, skip.DraftRow);
        Assert.Equal(21 * 1.4, skip.Verify[3], 1e-9);
        Assert.Equal(10.5, costs.DraftRow(new PlanCandidate(LayerPlan.Full(4), WeightSet.Drafter)));
        Assert.Equal(21 * 1.1, costs.Of(new PlanCandidate(LayerPlan.EarlyExit(4, 1), WeightSet.Drafter), 4).Verify[0], 1e-9);
    }

    [Theory]
    [InlineData(64, 64)]
    [InlineData(1, 64)]
    [InlineData(7, 7)]
    public void Measured_costs_are_times_and_leave_nothing_behind(int maxRows, int maxSequenceLength)
    {
        using ScriptedStages stages = new(new ScriptedModel(4, 31, 1), maxRows, maxSequenceLength: maxSequenceLength);
        BlockCosts costs = BlockCosts.Measure(stages, 8, past: 40, TimeSpan.Zero, CancellationToken.None);
        PlanCosts plan = costs.Of(new PlanCandidate(LayerPlan.LayerSkip(4, [1], [2]), WeightSet.Drafter), 8);
        Assert.True(plan.Plain > 0 && plan.DraftRow > 0);
        Assert.All(plan.Verify, seconds => Assert.True(seconds > 0));
        Assert.Equal(0, stages.Pages.Used);
    }

    [Fact]
    public void Measuring_can_be_cancelled() => Assert.Throws<OperationCanceledException>(() => BlockCosts.Measure(
        new ScriptedStages(new ScriptedModel(4, 31, 1), 8), 8, 4, TimeSpan.FromMinutes(1), new CancellationToken(canceled: true)));
}
