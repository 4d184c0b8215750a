using SpecDecode.Drafting;
using SpecDecode.Plans;
using SpecDecode.Sampling;
using SpecDecode.Stages;

namespace SpecDecode.Tests.Drafting;

/// <summary>What <c>auto</c> learns of a plan with a cascade.</summary>
public class CascadeRecordTests
{
    private static readonly DraftPlan Whole = new() { Plan = LayerPlan.Full(8), Weights = WeightSet.Drafter };
    private static readonly DraftPlan Guessed = Whole with { Cascade = new DraftCascade([2], 2, 0) };

    [Fact]
    public void What_a_token_takes_is_a_pass_with_its_guesses_over_the_tokens_that_it_added()
    {
        MachinePace pace = new();
        PlainRecord plain = new(pace);
        PlanRecord record = new(Guessed, 16, pace);
        for (int i = 0; i < 20; i++)
        {
            // Two drafts that gained five tokens; passes behind proposals say nothing about those.
            record.AddDraftPass(new DraftPass(Guessed, 6, TimeSpan.FromMilliseconds(10)) { Drafts = 2, Tokens = 5 });
            record.AddDraftPass(new DraftPass(Guessed, 20, TimeSpan.FromMilliseconds(90)) { Drafts = 2, Tokens = 5, RunsProposed = true });
        }

        Assert.Equal(0.004, record.DraftTime(2, plain, 2), 1e-4);
    }

    [Fact]
    public void Its_chances_are_those_of_the_plan_alone_and_it_is_looked_at_where_they_are_worth_it()
    {
        PlanRecords records = new(16, new MachinePace());
        records.GetToKnow([Whole, Guessed]);
        PlanRecord whole = records[0];
        PlanRecord guessed = records[1];
        Assert.True(whole.IsWorthLook);
        Assert.False(guessed.IsWorthLook);

        AcceptanceCalibration calibration = whole.Of(AcceptanceRule.Greedy);
        for (int i = 0; i < 50; i++)
        {
            calibration.Add(0.9f, accepted: true);
        }

        Assert.Same(calibration, guessed.Of(AcceptanceRule.Greedy));
        Assert.Equal(whole.Judged, guessed.Judged);
        guessed.ExpectedSpeedup = 0.5;
        Assert.False(guessed.IsWorthLook);
        guessed.ExpectedSpeedup = 1.2;
        Assert.True(guessed.IsWorthLook);

        // A snapshot tells them apart.
        PlanState state = guessed.Snapshot();
        Assert.True(guessed.IsOf(state));
        Assert.False(whole.IsOf(state));
    }
}
