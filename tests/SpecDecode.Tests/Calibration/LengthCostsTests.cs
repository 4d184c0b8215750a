using SpecDecode.Calibration;
using SpecDecode.Evaluation;
using SpecDecode.Plans;
using SpecDecode.Tests.Scheduling;

namespace SpecDecode.Tests.Calibration;

/// <summary>Which plan is best at which length of a text.</summary>
public class LengthCostsTests
{
    [Fact]
    public void Where_attention_has_become_dear_the_plan_without_it_is_taken_from_there_on()
    {
        using ScriptedStages stages = new(new ScriptedModel(8, 31, 5), 128);
        CalibrationSetting setting = CalibrationRunTests.Setting(stages, new CalibrationOptions { Lengths = [100, 1000, 2000] }, []);
        CalibrationState state = new()
        {
            Format = CalibrationState.FormatName, Key = "", Texts = [], Methods = [],
            LengthTimes = new()
            {
                [100] = BlockCosts.Of(8, 1, 1, 1).Times, [1000] = BlockCosts.Of(8, 1, 20, 1).Times, [2000] = BlockCosts.Of(8, 1, 40, 1).Times,
            },
        };
        LengthCosts lengths = new();
        lengths.Measure(setting, state, () => TimeSpan.Zero, TestContext.Current.CancellationToken);
        Assert.Equal([100, 1000, 2000], lengths.All.Select(length => length.Length));

        // The same number of blocks; the one without attention agrees less.
        LayerPlan attends = LayerPlan.LayerSkip(8, [], [1, 2, 3, 4, 5, 6]);
        LayerPlan multiplies = LayerPlan.LayerSkip(8, [1, 2, 3, 4, 5, 6], []);
        AgreementTally[] tallies = [Tally(900), Tally(700)];
        Assert.Equal([attends, multiplies], lengths.Best([(new(attends), tallies[0]), (new(multiplies), tallies[1])]).Select(plan => plan.Plan));
        List<string> notes = [];
        List<CalibratedPlan> plans = lengths.Assign([Plan(attends), Plan(multiplies)], tallies, notes);
        Assert.Empty(plans[0].FromLengths);
        Assert.Equal([1000], plans[1].FromLengths);
        Assert.Equal(3, notes.Count);
        Assert.EndsWith(", as before.", notes[2], StringComparison.Ordinal);
    }

    private static AgreementTally Tally(int agreed)
    {
        AgreementTally tally = new(1);
        for (int i = 0; i < 1000; i++)
        {
            tally.Add(i < agreed ? 1 : 0, 1);
        }

        return tally;
    }

    private static CalibratedPlan Plan(LayerPlan plan) => new()
    {
        Plan = plan, UsesDraftWeights = false, Method = "", DraftRowCost = 1, SearchAgreement = 1, HeldOutAgreement = 1, AgreementByPosition = [], ExpectedSpeedup = 1, DraftLength = 1,
    };
}
