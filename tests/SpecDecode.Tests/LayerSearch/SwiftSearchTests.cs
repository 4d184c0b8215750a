using SpecDecode.Drafting;
using SpecDecode.Evaluation;
using SpecDecode.LayerSearch;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;
using SpecDecode.Stages;
using SpecDecode.Tests.Scheduling;

namespace SpecDecode.Tests.LayerSearch;

/// <summary>The search on a scripted model, three of whose four tokens any plan drafts right, so that the best plan is the shortest.</summary>
public sealed class SwiftSearchTests
{
    private const int Layers = 8;

    private static readonly BlockCosts Costs = BlockCosts.Of(Layers, ends: 1, attention: 1, mlp: 1);

    [Fact]
    public void It_comes_to_the_plan_that_promises_most_and_rests()
    {
        using World world = new();
        SearchedPlan plan = new(Layers, WeightSet.Verifier);
        Assert.Equal("A0 M0 A2 M2 A4 M4 A6 M6 A7 M7", plan.Plans[0].Plan.ToString());
        using SwiftSearch search = new(world.Stages, plan, world.Texts, Costs);
        Assert.False(search.HasWork);
        world.Write(plan, 8);
        Assert.Equal(8, world.Texts.Count);
        int adopted = 0;
        int steps = 0;
        while (search.HasWork)
        {
            adopted += search.Step() ? 1 : 0;
            Assert.True(++steps < 1_000_000, "It never rests.");
        }

        LayerSearchState state = search.State(TimeSpan.Zero);
        TestContext.Current.SendDiagnosticMessage($"{state.Tried} tried, {adopted} adopted, {steps} steps: {plan.Plans[0].Plan}");
        Assert.Equal("A0 M0 A7 M7", plan.Plans[0].Plan.ToString());
        Assert.Equal(Enumerable.Range(1, Layers - 2), state.SkippedAttention);
        Assert.Equal(Enumerable.Range(1, Layers - 2), state.SkippedMlp);
        Assert.True(state.IsResting && state.Adopted == adopted && adopted > 2 && state.ExpectedSpeedup > 1.1, state.ToString());

        // Texts are given back, and none is kept.
        world.Write(plan, 3);
        world.AssertNothingIsHeld();
    }

    [Fact]
    public void What_does_better_on_its_own_texts_alone_is_not_adopted()
    {
        using World world = new();
        SearchedPlan plan = new(Layers, WeightSet.Verifier);
        using SwiftSearch search = new(world.Stages, plan, world.Texts, Costs);

        // One text, that is, none held out.
        world.Write(plan, 1);
        for (int i = 0; i < 2000 && search.HasWork; i++)
        {
            Assert.False(search.Step());
        }

        Assert.True(search.State(TimeSpan.Zero).Tried > 20);
    }

    [Fact]
    public void It_goes_on_when_acceptance_is_no_longer_what_it_was()
    {
        using World world = new();
        SearchedPlan plan = new(Layers, WeightSet.Verifier);
        using SwiftSearch search = new(world.Stages, plan, world.Texts, Costs);
        world.Write(plan, 8);
        while (search.HasWork)
        {
            search.Step();
        }

        for (int i = 0; i < 20; i++)
        {
            world.Ended(accepted: 50);
            Assert.False(search.HasWork);
        }

        for (int i = 0; i < 20; i++)
        {
            world.Ended(accepted: 10);
        }

        world.Write(plan, 2);
        Assert.True(search.HasWork);
    }

    [Fact]
    public void A_text_that_goes_in_the_middle_of_a_trial_leaves_it_to_the_others()
    {
        using World world = new();
        SearchedPlan plan = new(Layers, WeightSet.Verifier);
        using SwiftSearch search = new(world.Stages, plan, world.Texts, Costs);
        Random random = new(1);
        for (int turn = 0; turn < 60; turn++)
        {
            world.Write(plan, random.Next(1, 5));
            search.Interrupt();
            for (int i = random.Next(60); i > 0 && search.HasWork; i--)
            {
                search.Step();
            }

            if (random.Next(2) == 0)
            {
                Assert.Equal(world.Texts.Count > 0, world.Texts.GiveBack());
                Assert.Equal(0, world.Scheduler.Budget.Reserved);
            }
        }

        Assert.True(search.State(TimeSpan.Zero).Tried > 15, search.State(TimeSpan.Zero).ToString());
        search.Dispose();
        world.AssertNothingIsHeld();
    }

    [Fact]
    public void Costs_are_measured_where_they_are_not_given()
    {
        using World world = new();
        SearchedPlan plan = new(Layers, WeightSet.Verifier);
        using SwiftSearch search = new(world.Stages, plan, world.Texts);
        world.Write(plan, 8);
        for (int i = 0; i < 5000 && search.HasWork; i++)
        {
            int passes = world.Stages.Passes;
            search.Step();
            Assert.InRange(world.Stages.Passes - passes, 0, 1);
        }

        Assert.True(search.State(TimeSpan.Zero).Tried > 0);
        search.Dispose();
        world.AssertNothingIsHeld();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Texts_are_those_of_plain_decoding_whatever_is_searched_between_steps_and_whoever_needs_the_memory(int seed)
    {
        Random random = new(seed);
        ScriptedModel model = new(Layers, 50, (ulong)seed);
        ScriptedStages inner = new(model, maxRows: 24);
        FaultyStages stages = new(inner);
        // Room for three or four texts, and for what the search measures costs on.
        Scheduler scheduler = new(stages, new SchedulerLimits(4, stages.Pages.BytesOf(500), 16));
        SearchedPlan plan = new(Layers, WeightSet.Verifier);
        plan.Ask();
        AutoDraftPolicy policy = new(Layers);
        SpareWork spare = new(stages, scheduler, plan, 0.5);
        List<(Sequence Sequence, int[] Prompt, int MaxTokens)> all = [];
        int slices = 0;
        for (int turn = 0; turn < 3000; turn++)
        {
            if (all.Count < 60 && random.Next(12) == 0)
            {
                int[] prompt = [.. Enumerable.Range(0, random.Next(1, 20)).Select(_ => random.Next(50))];
                int maxTokens = random.Next(1, 60);
                SequenceDrafting? drafting = random.Next(4) == 0 ? null : new SequenceDrafting(policy, plan.Plans, 8) { IsSearched = true };
                all.Add((new Sequence(prompt, maxTokens, new HashSet<int>(), null, drafting), prompt, maxTokens));
                scheduler.Add(all[^1].Sequence);
            }

            if (!scheduler.IsIdle)
            {
                scheduler.Step();
                spare.RunAfter(TimeSpan.FromMilliseconds(1));
            }
            else if (spare.RunIdle())
            {
                slices++;
            }
        }

        while (!scheduler.IsIdle)
        {
            scheduler.Step();
        }

        foreach ((Sequence sequence, int[] prompt, int maxTokens) in all)
        {
            Assert.Null(sequence.Error);
            Assert.Equal(model.Continue(prompt, maxTokens, new HashSet<int>()), sequence.NewTokens.ToArray());
        }

        Assert.Null(spare.Error);
        Assert.True(all.Count > 40 && slices > 500 && spare.State!.Tried > 5, $"{all.Count} texts, {slices} slices, {spare.State}");
        spare.Dispose();
        Assert.Equal(0, scheduler.Budget.Reserved);
        Assert.Equal(0, stages.Pages.Used);
    }

    [Fact]
    public void A_search_that_fails_ends_alone()
    {
        ScriptedModel model = new(Layers, 50, 1);
        ScriptedStages inner = new(model, maxRows: 24);
        FaultyStages stages = new(inner);
        Scheduler scheduler = new(stages, new SchedulerLimits(4, long.MaxValue, 16));
        SearchedPlan plan = new(Layers, WeightSet.Verifier);
        plan.Ask();
        SpareWork spare = new(stages, scheduler, plan, 0);
        void Write(int seed)
        {
            int[] prompt = [seed, 2];
            Sequence sequence = new(prompt, 40, new HashSet<int>(), null, new SequenceDrafting(new AutoDraftPolicy(Layers), plan.Plans, 8) { IsSearched = true });
            scheduler.Add(sequence);
            while (!scheduler.IsIdle)
            {
                scheduler.Step();
                spare.RunAfter(TimeSpan.FromSeconds(1));
            }

            Assert.Equal(model.Continue(prompt, 40, new HashSet<int>()), sequence.NewTokens.ToArray());
        }

        Write(1);
        Write(2);
        Assert.Null(spare.Error);
        Assert.True(spare.RunIdle());
        stages.OnCall = () => throw new ScriptedFailureException();
        while (spare.RunIdle())
        {
        }

        stages.OnCall = null;
        Assert.IsType<ScriptedFailureException>(spare.Error);
        Assert.Equal(0, scheduler.Budget.Reserved);
        Write(3);
        Assert.False(spare.RunIdle());
        Assert.Equal(0, stages.Pages.Used);
    }

    [Fact]
    public void Nothing_is_searched_before_anybody_asks()
    {
        ScriptedStages stages = new(new ScriptedModel(Layers, 50, 1), maxRows: 24);
        Scheduler scheduler = new(stages, SchedulerLimits.None);
        using SpareWork spare = new(stages, scheduler, new SearchedPlan(Layers, WeightSet.Verifier), 0.5);
        Assert.False(spare.RunIdle());
        Assert.Null(scheduler.Keeper);
        Assert.Null(spare.State);
    }

    /// <summary>Stages, a scheduler, and the texts that it leaves.</summary>
    private sealed class World : IDisposable
    {
        private int _seed;

        public World()
        {
            Stages = new ScriptedStages(new ScriptedModel(Layers, 50, 7), maxRows: 32);
            Scheduler = new Scheduler(Stages, new SchedulerLimits(8, long.MaxValue, 16));
            Texts = new KeptTexts(Scheduler.Budget);
            Scheduler.Keeper = Texts;
        }

        public ScriptedStages Stages { get; }

        public Scheduler Scheduler { get; }

        public KeptTexts Texts { get; }

        public void Write(SearchedPlan plan, int count)
        {
            for (int i = 0; i < count; i++)
            {
                int[] prompt = [++_seed % 50, _seed / 50, 5];
                Scheduler.Add(new Sequence(prompt, 90, new HashSet<int>(), null, new SequenceDrafting(new AutoDraftPolicy(Layers), plan.Plans, 8) { IsSearched = true }));

                // One after the other: beside each other the clock would say which ends first, and so which are held out.
                while (!Scheduler.IsIdle)
                {
                    Scheduler.Step();
                }
            }
        }

        // A text of which nothing is known but how its drafts fared.
        public void Ended(int accepted)
        {
            Sequence sequence = new([1], 1, new HashSet<int>(), null, new SequenceDrafting(new AutoDraftPolicy(Layers), [], 8) { IsSearched = true });
            sequence.Statistics.Add(new RoundRecord
            {
                Drafted = 60, Evaluated = 60, Accepted = accepted, Appended = 1, DraftRows = 60, DraftTime = default, VerifierToken = null, VerifyRows = 1,
                VerifyTime = default,
            });
            Assert.False(Texts.TryKeep(sequence));
        }

        public void AssertNothingIsHeld()
        {
            Assert.Equal(0, Texts.Count);
            Assert.Equal(0, Scheduler.Budget.Reserved);
            Assert.Equal(0, Stages.Pages.Used);
        }

        public void Dispose() => Texts.GiveBack();
    }
}
