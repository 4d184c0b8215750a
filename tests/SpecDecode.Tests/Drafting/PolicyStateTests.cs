using SpecDecode.Drafting;
using SpecDecode.Plans;
using SpecDecode.Sampling;

namespace SpecDecode.Tests.Drafting;

/// <summary>What a policy has learnt, given to another one: arithmetic on scripted chances and times. The model would have 16 layers.</summary>
public class PolicyStateTests
{
    private const int Layers = 16;

    // The third plan is the best one.
    private static readonly double[] Chances = [0.2, 0.35, 0.93, 0.93];

    [Fact]
    public void A_policy_that_is_given_it_decides_as_the_one_that_it_was_learnt_by()
    {
        // To behind a look at plain decoding, which a new process takes soon: so none is among the steps that are compared.
        ModelDrafting first = new(Layers, hasDraftWeights: true);
        Simulate(first).Write(4_000);
        for (int steps = 0; Decisions(Simulate(first), 1)[0] != "Probing 0  "; steps++)
        {
            Assert.True(steps < 200, "Plain decoding is not looked at.");
        }

        ModelDrafting second = new(Layers, hasDraftWeights: true);
        Assert.True(second.Auto.TryRestore(first.Auto.Snapshot()));

        string[] here = Decisions(Simulate(first), 15);
        string[] there = Decisions(Simulate(second), 15);
        Assert.Equal(here, there);
        Assert.Contains(here, decision => decision.StartsWith("Drafted", StringComparison.Ordinal));
        Assert.NotEqual(here, Decisions(Simulate(new ModelDrafting(Layers, hasDraftWeights: true)), 15));
    }

    [Fact]
    public void It_says_the_same_again()
    {
        ModelDrafting first = new(Layers, hasDraftWeights: true);
        Simulate(first).Write(3_000);
        PolicyState state = first.Auto.Snapshot();
        Assert.Equal(7, state.Plans.Length);

        // Whether or not anybody has asked for the plans in between; times are only medians from the first time on.
        ModelDrafting second = new(Layers, hasDraftWeights: true);
        Assert.True(second.Auto.TryRestore(state));
        PolicyState again = second.Auto.Snapshot();
        Simulate(second).Step();
        Assert.Equal(state.Plans.Select(plan => plan.Blocks), again.Plans.Select(plan => plan.Blocks));
        Assert.All(state.Plans.Zip(second.Auto.Snapshot().Plans), pair =>
        {
            Assert.Equal(pair.First.Blocks, pair.Second.Blocks);
            Assert.Equal(pair.First.UsesDraftWeights, pair.Second.UsesDraftWeights);
        });
        Assert.Equal(state.Lookup[0].Evaluated, again.Lookup[0].Evaluated);
        Assert.Equal(
            state.Plans[2].Calibrations[(int)AcceptanceRule.Greedy].Evaluated, again.Plans[2].Calibrations[(int)AcceptanceRule.Greedy].Evaluated);
    }

    [Fact]
    public void Behind_a_restart_the_best_plan_drafts_from_the_first_step_on()
    {
        ModelDrafting first = new(Layers, hasDraftWeights: false);
        DraftingSimulation taught = Simulate(first);
        taught.Write(4_000);
        taught.Overhead();
        taught.Write(2_000);
        double best = taught.Tokens / taught.Seconds;

        ModelDrafting second = new(Layers, hasDraftWeights: false);
        Assert.True(second.Auto.TryRestore(first.Auto.Snapshot()));
        DraftingSimulation restarted = Simulate(second);
        restarted.Step();
        Assert.Equal([second.Candidates[2]], restarted.Passes.Keys);
        double with = restarted.Write(120).Tokens / restarted.Seconds;
        DraftingSimulation fresh = Simulate(new ModelDrafting(Layers, hasDraftWeights: false));
        fresh.Step();
        Assert.Empty(fresh.Passes);
        double without = fresh.Write(120).Tokens / fresh.Seconds;
        Assert.True(with > 0.85 * best && with > without, $"{with / best:p0} of the rate with memory, {without / best:p0} without");
    }

    // Everything takes three times as long, as beside other processes: what was learnt holds still.
    [Fact]
    public void On_a_machine_that_is_slower_now_the_best_plan_stays()
    {
        ModelDrafting second = Restarted();
        DraftingSimulation slow = Simulate(second);
        Func<double, double> pass = slow.Pass;
        slow.Pass = rows => 3 * pass(rows);
        slow.Write(300);
        long others = slow.Passes.Where(pair => pair.Key != second.Candidates[2]).Sum(pair => pair.Value);
        Assert.True(slow.PlainSeconds / slow.Seconds > 1.3, $"{slow.PlainSeconds / slow.Seconds:f2} times plain");
        Assert.True(others < slow.Passes[second.Candidates[2]] / 4, $"{others} passes of other plans");
    }

    // The drafter alone has become so slow that nothing pays: what is measured decides over what was remembered.
    [Fact]
    public void Times_that_hold_no_more_are_let_go_of_soon()
    {
        DraftingSimulation changed = Simulate(Restarted());
        Func<DraftPlan, double> share = changed.Share;
        changed.Share = plan => 8 * share(plan);
        changed.Write(150);
        double early = changed.Overhead();
        changed.Write(600);
        double late = changed.Overhead();
        Assert.True(late < 0.05, $"{early:p1} over the first 150 tokens, {late:p1} over the next 600");
    }

    [Fact]
    public void What_nobody_has_asked_for_is_kept_on()
    {
        ModelDrafting first = new(Layers, hasDraftWeights: true);
        Simulate(first).Write(2_000);
        PolicyState state = first.Auto.Snapshot();
        AutoDraftPolicy second = new(Layers);
        Assert.True(second.TryRestore(state));
        Assert.Equal(state.Plans.Select(plan => (plan.Blocks, plan.UsesDraftWeights)), second.Snapshot().Plans.Select(plan => (plan.Blocks, plan.UsesDraftWeights)));
    }

    [Fact]
    public void Plans_are_told_apart_by_blocks_and_weights()
    {
        ModelDrafting first = new(Layers, hasDraftWeights: true);
        Simulate(first).Write(2_000);
        PolicyState state = first.Auto.Snapshot();

        // Its candidates are other objects, and the whole model on the copy is not the whole model.
        PlanRecord whole = new(new DraftPlan { Plan = LayerPlan.Full(Layers), Weights = SpecDecode.Stages.WeightSet.Verifier }, 2 * Layers, new MachinePace());
        PlanRecord copy = new(new DraftPlan { Plan = LayerPlan.Full(Layers), Weights = SpecDecode.Stages.WeightSet.Drafter }, 2 * Layers, new MachinePace());
        Assert.DoesNotContain(state.Plans, whole.IsOf);
        Assert.Single(state.Plans, copy.IsOf);
    }

    [Fact]
    public void What_could_not_have_come_about_is_refused_and_changes_nothing()
    {
        ModelDrafting learnt = new(Layers, hasDraftWeights: false);
        Simulate(learnt).Write(2_000);
        PolicyState sound = learnt.Auto.Snapshot();
        Assert.True(sound.IsSound());
        PlanState plan = sound.Plans[0];
        CalibrationState calibration = plan.Calibrations[0];
        CostState draft = plan.Draft!;
        RowCost cost = draft.Costs[0];
        PolicyState Plan(PlanState other) => sound with { Plans = [other, .. sound.Plans[1..]] };
        PolicyState Calibration(CalibrationState other) => Plan(plan with { Calibrations = [other, .. plan.Calibrations[1..]] });
        PolicyState Cost(RowCost other) => Plan(plan with { Draft = new CostState { Costs = [other, .. draft.Costs[1..]] } });
        double[] Put(double value) => [value, .. calibration.Evaluated[1..]];
        PolicyState?[] wrong =
        [
            null,
            sound with { Plain = null! }, sound with { Plain = [] }, sound with { Plain = [.. sound.Plain, null] }, sound with { Lookup = sound.Lookup[1..] },
            sound with { Plans = null! }, sound with { Plans = [null!] }, sound with { Plans = [plan, plan] },
            sound with { Plans = [.. Enumerable.Range(0, 65).Select(i => plan with { Blocks = $"A{i}" })] },
            Plan(plan with { Blocks = null! }), Plan(plan with { Calibrations = null! }), Plan(plan with { Verify = [null] }),
            Plan(plan with { Rounds = double.NaN }), Plan(plan with { Rounds = -1 }), Plan(plan with { Rounds = 1e9 }), Plan(plan with { Ratios = double.PositiveInfinity }),
            Plan(plan with { Ratios = -1 }), Plan(plan with { ProbeAfter = 0 }), Plan(plan with { ProbeAfter = int.MaxValue }), Plan(plan with { StepsToProbe = int.MaxValue }),
            Plan(plan with { StepsToProbe = int.MinValue }), Plan(plan with { Looks = -1 }),
            Calibration(calibration with { Evaluated = Put(double.NaN) }), Calibration(calibration with { Evaluated = Put(-1) }),
            Calibration(calibration with { Evaluated = Put(1e6) }), Calibration(calibration with { Accepted = Put(501) }),
            Calibration(calibration with { Evaluated = [.. calibration.Evaluated, 0] }), Calibration(calibration with { FirstCount = double.NaN }),
            Cost(cost with { Rows = 0 }), Cost(cost with { Rows = CostCurve.MostRows + 1 }), Cost(cost with { Seconds = [] }), Cost(cost with { Seconds = new double[1_000] }),
            Cost(cost with { Seconds = [double.NaN] }), Cost(cost with { Seconds = [-1] }), Cost(cost with { Weight = double.NaN }), Cost(cost with { Age = -1 }),
            Cost(cost with { Age = long.MaxValue }), Cost(cost with { Drift = double.NaN }), Cost(null!),
        ];

        ModelDrafting other = new(Layers, hasDraftWeights: false);
        DraftingSimulation simulation = Simulate(other);
        simulation.Write(500);
        string[] before = [.. other.Auto.Snapshot().Plans.Select(record => string.Join(' ', record.Calibrations[0].Evaluated))];
        Assert.All(wrong, state => Assert.False(other.Auto.TryRestore(state)));
        Assert.Equal(before, other.Auto.Snapshot().Plans.Select(record => string.Join(' ', record.Calibrations[0].Evaluated)));
        Assert.True(other.Auto.TryRestore(sound));
    }

    // A model whose policy has been given what another one learnt.
    private static ModelDrafting Restarted()
    {
        ModelDrafting first = new(Layers, hasDraftWeights: false);
        Simulate(first).Write(4_000);
        ModelDrafting second = new(Layers, hasDraftWeights: false);
        Assert.True(second.Auto.TryRestore(first.Auto.Snapshot()));
        return second;
    }

    private static DraftingSimulation Simulate(ModelDrafting model)
    {
        DraftingSimulation simulation = new(model.Auto, 5);
        simulation.Texts.Add(new SimulatedText(model.Of(new DraftingOptions { Strategy = DraftingStrategy.Auto }, "")!, 40_000, place => (int)((uint)place * 2654435761u >> 12)));
        simulation.Next = plan =>
        {
            int place = model.Candidates.ToList().IndexOf(plan);
            double chance = place < Chances.Length ? Chances[place] : 0.5;
            return ((float)chance, chance);
        };
        return simulation;
    }

    private static string[] Decisions(DraftingSimulation simulation, int steps)
    {
        string[] decisions = new string[steps];
        for (int i = 0; i < steps; i++)
        {
            simulation.Step();
            SequenceDraft draft = simulation.Texts[0].Draft;
            decisions[i] = FormattableString.Invariant($"{draft.Reason} {draft.Length} {draft.Plan?.Plan} {draft.Plan?.UsesDraftWeights}");
        }

        return decisions;
    }
}
