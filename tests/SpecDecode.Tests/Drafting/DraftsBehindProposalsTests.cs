using SpecDecode.Drafting;
using SpecDecode.Sampling;

namespace SpecDecode.Tests.Drafting;

/// <summary>
/// Whether the drafter goes on behind what the text proposes, as arithmetic: scripted chances and times. The texts are forms of some tokens that are always
/// the same and some that are always others, as tables and records are. The model would have 16 layers.
/// </summary>
public class DraftsBehindProposalsTests
{
    private const int Layers = 16;
    private const int Form = 8;
    private const int Fresh = 6;

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(3, 4)]
    public void Where_both_pay_the_drafter_goes_on_behind_the_form(int seed, int texts)
    {
        DraftingSimulation simulation = Simulate(seed, Forms, texts: texts);
        simulation.Next = _ => (0.93f, 0.93);
        simulation.Write(3_000 * texts);
        simulation.Overhead();
        (int looked, int goneOn, int lengths) = Count(simulation, 2_000);
        double rate = Rate(simulation);
        double byHand = Rate(ByHand(seed, texts));
        double withoutLookup = Rate(Simulate(seed, Hash, texts: texts), 0.93);
        double withoutDrafts = Rate(Simulate(seed, Forms, DraftingStrategy.Lookup, texts), 0.93);
        Note($"{texts} texts: {goneOn} of {looked} proposals gone on behind, {(double)lengths / looked:f1} tokens proposed; {rate / byHand:p1} of what is best by hand, {rate / withoutLookup:p0} of drafts alone, {rate / withoutDrafts:p0} of lookup alone");
        Assert.True(looked > 500 && goneOn > 0.8 * looked, $"{goneOn} of {looked} gone on behind");
        Assert.True(rate > 1.1 * withoutLookup && rate > 1.1 * withoutDrafts, $"{rate / withoutLookup:p0} of drafts alone, {rate / withoutDrafts:p0} of lookup alone");
        Assert.True(rate > 0.9 * byHand, $"{rate / byHand:p1} of what is best by hand");
    }

    [Theory]
    [InlineData(0.05)]
    [InlineData(0.3)]
    public void Where_drafts_do_not_pay_lookup_stays_alone(double chance)
    {
        DraftingSimulation simulation = Simulate(4, Forms);
        simulation.Next = _ => ((float)chance, chance);
        simulation.Pass = rows => 0.020 * (1 + 0.12 * (rows - 1));
        simulation.Share = plan => 0.8;
        simulation.Write(1_000);
        simulation.Overhead();
        (int looked, int goneOn, _) = Count(simulation, 4_000);
        DraftingSimulation alone = Simulate(4, Forms, DraftingStrategy.Lookup);
        alone.Pass = simulation.Pass;
        double share = Rate(simulation) / Rate(alone, chance);
        Note($"{goneOn} of {looked} proposals gone on behind, {share:p1} of the rate of lookup alone");
        Assert.True(looked > 500 && goneOn < 0.02 * looked, $"{goneOn} of {looked} gone on behind");
        Assert.True(share > 0.97, $"{share:p1} of the rate of lookup alone");
    }

    // Forms of two tokens, behind which something else comes each time.
    [Fact]
    public void Where_lookup_is_never_right_the_plan_stays_alone()
    {
        static int Pairs(int place) => place % 4 < 2 ? 5 + place % 4 : Hash(place);
        DraftingSimulation simulation = Simulate(5, Pairs);
        simulation.Next = _ => (0.93f, 0.93);
        simulation.Write(2_000);
        simulation.Overhead();
        (int looked, _, _) = Count(simulation, 4_000);
        double share = Rate(simulation) / Rate(Simulate(5, Hash), 0.93);
        Note($"{looked} proposals in {simulation.Steps} steps, {share:p1} of the rate without");
        Assert.True(looked < 0.05 * simulation.Steps, $"{looked} proposals in {simulation.Steps} steps");
        Assert.True(share > 0.95, $"{share:p1} of the rate without");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Where_neither_pays_it_costs_its_looks(int texts)
    {
        static int Pairs(int place) => place % 4 < 2 ? 5 + place % 4 : Hash(place);
        DraftingSimulation simulation = Simulate(6, Pairs, texts: texts);
        simulation.Next = _ => (0.9f, 0);
        simulation.Write(200 * texts);
        double early = simulation.Overhead();
        simulation.Write(4_000 * texts);
        double late = simulation.Overhead();
        Note($"{texts} texts: {early:p1} over the first 200 tokens, {late:p2} over 4,000");
        Assert.True(early < 0.07, $"{early:p1} over the first 200 tokens");
        Assert.True(late < 0.015, $"{late:p2} later");
    }

    // Right in the form, where lookup knows better, and wrong behind it: what is learnt of drafts without a proposal says nothing about that.
    [Fact]
    public void Where_the_drafter_is_wrong_behind_forms_it_stops_going_on()
    {
        DraftingSimulation simulation = Simulate(7, Forms);
        simulation.NextAt = (_, text) => text.Draft.Proposed > 0 ? (0.2f, 0.02) : (0.95f, 0.95);
        simulation.Write(4_000);
        simulation.Overhead();
        (int looked, int goneOn, _) = Count(simulation, 2_000);
        Note($"{goneOn} of {looked} proposals gone on behind");
        Assert.True(looked > 300 && goneOn < 0.05 * looked, $"{goneOn} of {looked} gone on behind");

        // And begins again, by its looks.
        simulation.NextAt = (_, _) => (0.95f, 0.95);
        simulation.Write(8_000);
        (looked, goneOn, _) = Count(simulation, 2_000);
        Note($"later {goneOn} of {looked}");
        Assert.True(goneOn > 0.5 * looked, $"{goneOn} of {looked} gone on behind later");
    }

    // A plan that does not pay alone, since two rows cost much more than one, as where another kernel runs them; more rows then cost nearly nothing.
    [Fact]
    public void A_plan_that_pays_behind_proposals_alone_is_taken_there()
    {
        DraftingSimulation simulation = Simulate(8, Forms);
        simulation.Next = _ => (0.9f, 0.9);
        simulation.Pass = rows => 0.020 * (rows <= 1 ? 1 : 2.2 + 0.01 * rows);
        simulation.Share = plan => 0.35;
        simulation.Write(2_000);
        simulation.Overhead();
        (int looked, int goneOn, _) = Count(simulation, 3_000);
        Note($"{goneOn} of {looked} proposals gone on behind in {simulation.Steps} steps, {simulation.Passes.Values.Sum()} passes");
        Assert.True(goneOn > 0.5 * looked, $"{goneOn} of {looked} gone on behind");
    }

    [Fact]
    public void Once_warm_it_allocates_nothing()
    {
        DraftingSimulation simulation = Simulate(9, Forms, texts: 4);
        simulation.Next = _ => (0.9f, 0.9);
        simulation.Write(16_000);
        Assert.Equal(0, AllocatedBytes.EachTime(simulation, of => of.Allocated, () => simulation.Write(2_000)));
        (int looked, int goneOn, _) = Count(simulation, 200);
        Assert.True(goneOn > 0.5 * looked, $"{goneOn} of {looked} gone on behind");
    }

    // The first pass runs the rows of what was proposed too: what that takes says nothing about a pass of one row.
    [Fact]
    public void A_first_pass_with_proposed_rows_leaves_what_is_known_of_others()
    {
        PlainRecord plain = new(new MachinePace());
        plain.Add(1, 1, 0.020);
        plain.Add(1, 9, 0.028);
        ModelDrafting model = new(Layers, hasDraftWeights: false);
        PlanRecord record = new(model.Candidates[1], 2 * Layers, new MachinePace());
        DraftPass narrow = new(record.Plan, 1, TimeSpan.FromMilliseconds(4));
        for (int i = 0; i < 4; i++)
        {
            record.AddDraftPass(narrow);
        }

        // Before one was measured as its share of what so many rows cost more.
        double share = record.Plan.Plan.Blocks.Length / (2.0 * Layers);
        Assert.Equal(0.004 + share * (plain.Time(1, 6) - plain.Time(1, 1)), record.WideTime(6, 1, plain, 1), 1e-7);
        double two = record.DraftTime(2, plain, 1);
        for (int i = 0; i < 9; i++)
        {
            record.AddDraftPass(new DraftPass(record.Plan, 6, TimeSpan.FromMilliseconds(30)) { Drafts = 1 });
        }

        Assert.Equal((0.004, two), (Math.Round(record.DraftTime(1, plain, 1), 7), record.DraftTime(2, plain, 1)));
        Assert.Equal(0.030, record.WideTime(6, 1, plain, 1), 1e-7);
        Assert.Equal(record.DraftTime(1, plain, 1), record.WideTime(1, 1, plain, 1));

        PlanRecord restored = new(record.Plan, 2 * Layers, new MachinePace());
        restored.Restore(record.Snapshot());
        Assert.Equal(record.WideTime(6, 1, plain, 1), restored.WideTime(6, 1, plain, 1));
    }

    // Draft tokens behind a proposed one that was not accepted are not judged, and nothing but times is learnt of them.
    [Fact]
    public void Behind_a_proposal_that_was_wrong_nothing_is_learnt_of_the_drafter()
    {
        ModelDrafting model = new(Layers, hasDraftWeights: false);
        PlanRecord record = new(model.Candidates[0], 2 * Layers, new MachinePace());
        AcceptanceCalibration calibration = record.Of(AcceptanceRule.Greedy);
        SequenceDraft draft = Draft(model, proposed: 3, drafted: 2);
        draft.Judge(3, 2, 3);
        record.Learn(draft);
        Assert.Equal(0, calibration.Weight);
        Assert.Equal(calibration.First, calibration.Behind);

        draft = Draft(model, proposed: 3, drafted: 2);
        draft.Judge(5, 4, 5);
        record.Learn(draft);
        Assert.Equal(2, calibration.Weight, 0.01);
        Assert.NotEqual(calibration.First, calibration.Behind);

        // What a draft without a proposal begins with is known no better than before, but for the mean.
        Assert.Equal(calibration.Mean, calibration.First);
    }

    [Fact]
    public void What_another_token_gains_is_what_all_before_it_leave()
    {
        ModelDrafting model = new(Layers, hasDraftWeights: false);
        PlanRecord record = new(model.Candidates[0], 2 * Layers, new MachinePace());
        double alone = DraftForecast.Gain(record, Draft(model, proposed: 0, drafted: 2));
        SequenceDraft draft = Draft(model, proposed: 3, drafted: 2);
        AutoSequence.Of(draft).Reach = 0.25;
        Assert.Equal(0.25 * alone, DraftForecast.Gain(record, draft), 1e-12);
    }

    private static SequenceDraft Draft(ModelDrafting model, int proposed, int drafted)
    {
        SequenceDraft draft = new();
        draft.Begin(model.Of(new DraftingOptions { Strategy = DraftingStrategy.Auto }, "")!, new[] { 1, 2, 3 }, 3, 50, AcceptanceRule.Greedy, static _ => false);
        draft.Admit(8, 100);
        draft.Propose(new int[proposed]);
        draft.Choose(model.Candidates[0], proposed + drafted);
        for (int i = 0; i < drafted; i++)
        {
            draft.Add(7, 0.9f);
        }

        return draft;
    }

    private static DraftingSimulation Simulate(int seed, Func<int, int> token, string strategy = DraftingStrategy.Auto, int texts = 1)
    {
        ModelDrafting model = new(Layers, hasDraftWeights: false);
        DraftingSimulation simulation = new(model.Auto, seed);
        for (int i = 0; i < texts; i++)
        {
            simulation.Texts.Add(new SimulatedText(model.Of(new DraftingOptions { Strategy = strategy }, "")!, 40_000, place => token(place + 100 * i)));
        }

        return simulation;
    }

    // The same with a policy that knows where forms end and what pays: the best of some lengths, by its luck too.
    private static DraftingSimulation ByHand(int seed, int texts)
    {
        DraftingSimulation? best = null;
        ModelDrafting model = new(Layers, hasDraftWeights: false);
        foreach (int behind in (int[])[1, 2, 3, 4, 6, 8])
        {
            for (int alone = 2; alone <= 12; alone += 2)
            {
                FormPolicy policy = new(behind, alone);
                DraftingSimulation simulation = new(policy, seed) { Next = _ => (0.93f, 0.93) };
                for (int i = 0; i < texts; i++)
                {
                    simulation.Texts.Add(new SimulatedText(new SequenceDrafting(policy, model.Candidates, 16), 40_000, place => Forms(place + 100 * i)));
                }

                simulation.Write(500 * texts);
                simulation.Overhead();
                simulation.Write(2_000 * texts);
                best = best is null || Rate(simulation) > Rate(best) ? simulation : best;
            }
        }

        return best!;
    }

    private static (int Looked, int GoneOn, int Lengths) Count(DraftingSimulation simulation, int steps)
    {
        (int looked, int goneOn, int lengths) = (0, 0, 0);
        for (int i = 0; i < steps && simulation.Texts.All(text => text.Length < 39_000); i++)
        {
            simulation.Step();
            SequenceDraft draft = simulation.Texts[0].Draft;
            looked += draft.Proposed > 0 ? 1 : 0;
            goneOn += draft.Proposed > 0 && draft.RowsRun > 0 ? 1 : 0;
            lengths += draft.Proposed;
        }

        return (looked, goneOn, lengths);
    }

    private static double Rate(DraftingSimulation simulation) => simulation.Tokens / simulation.Seconds;

    private static double Rate(DraftingSimulation simulation, double chance)
    {
        simulation.Next = _ => ((float)chance, chance);
        simulation.Write(3_000 * simulation.Texts.Count);
        simulation.Overhead();
        return Rate(simulation.Write(4_000 * simulation.Texts.Count));
    }

    private static int Forms(int place) => place % (Form + Fresh) < Form ? 1_000 + place % (Form + Fresh) : Hash(place);

    private static int Hash(int place) => (int)(((uint)place * 2654435761u ^ (uint)place * 40503u >> 3) * 2246822519u >> 12);

    private static void Note(FormattableString message) => TestContext.Current.SendDiagnosticMessage(FormattableString.Invariant(message));

    private sealed class FormPolicy(int behind, int alone) : IDraftPolicy
    {
        public void Plan(DraftStep drafts)
        {
            foreach (SequenceDraft draft in drafts.Drafts)
            {
                // Two tokens of the form show that it begins.
                int form = draft.Tokens[^1] - 1_000;
                int proposed = form is >= 1 and < Form - 1 ? Form - 1 - form : 0;
                draft.Propose([.. Enumerable.Range(1_001 + form, proposed)]);
                draft.Choose(draft.Plans[0], Math.Min(draft.Limit, proposed > 0 ? proposed + behind : alone));
            }
        }

        public void AfterPass(DraftStep drafts, DraftPass pass)
        {
        }

        public void Observe(DraftStep drafts)
        {
        }
    }
}
