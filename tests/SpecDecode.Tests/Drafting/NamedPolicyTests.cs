using SpecDecode.Drafting;
using SpecDecode.Plans;
using SpecDecode.Sampling;

namespace SpecDecode.Tests.Drafting;

/// <summary>The policies of papers that are there by name, as arithmetic on scripted confidences and outcomes.</summary>
public class NamedPolicyTests
{
    private const int Capacity = 10_000;

    private static readonly DraftPlan Exit = new() { Plan = LayerPlan.EarlyExit(16, 4), Length = 64 };

    [Theory]
    [InlineData(AcceptanceRule.Greedy, 0.8)]
    [InlineData(AcceptanceRule.SharedNoise, 0.5)]
    [InlineData(AcceptanceRule.Rejection, 0.5)]
    public void The_adaptive_threshold_begins_where_the_paper_says_and_ends_a_draft_behind_the_first_below_it(AcceptanceRule rule, float start)
    {
        Rounds rounds = new(new AdaptiveThresholdPolicy(), rule);
        Assert.Equal(3, rounds.Run([1, start, start - 0.01f, 1, 1], 0));
        Assert.Equal(8, new Rounds(new AdaptiveThresholdPolicy(), rule).Run([.. Enumerable.Repeat(1f, 20)], 0));
        Assert.Equal(1, new Rounds(new AdaptiveThresholdPolicy(), rule).Run([float.NaN, 1], 0));
    }

    [Fact]
    public void A_threshold_falls_where_all_is_accepted_before_the_most_stays_where_the_most_is_drafted_and_rises_where_much_is_wrong()
    {
        Rounds rounds = new(new AdaptiveThresholdPolicy(), AcceptanceRule.Greedy);
        rounds.Run([0.9f, 0.3f], accepted: 2);
        Assert.Equal(0.799, rounds.Threshold, 1e-9);
        rounds.Run([.. Enumerable.Repeat(1f, 8)], accepted: 8);
        Assert.Equal(0.799, rounds.Threshold, 1e-9);

        // 0.5 · 1 + 0.5 · 0.5 is below 0.9, and so is what comes of two right rounds behind it: 0.875; the next is above.
        rounds.Run([0.9f, 0.3f], accepted: 1);
        Assert.Equal(0.8, rounds.Threshold, 1e-9);
        rounds.Run([0.9f, 0.3f], accepted: 2);
        Assert.Equal(0.801, rounds.Threshold, 1e-9);
        rounds.Run([0.9f, 0.3f], accepted: 2);
        Assert.Equal(0.8, rounds.Threshold, 1e-9);
    }

    [Fact]
    public void Over_many_rounds_it_is_the_papers_recurrence()
    {
        Random random = new(4);
        Rounds rounds = new(new AdaptiveThresholdPolicy(), AcceptanceRule.Greedy);
        double threshold = 0.8;
        double? rate = null;
        for (int i = 0; i < 2_000; i++)
        {
            float[] confidences = [.. Enumerable.Range(0, 8).Select(_ => 0.5f + random.NextSingle() / 2)];
            int below = Array.FindIndex(confidences, confidence => confidence < threshold);
            int drafted = below < 0 ? 8 : below + 1;
            int accepted = random.Next(3) > 0 ? drafted : random.Next(drafted + 1);
            Assert.Equal(drafted, rounds.Run(confidences, accepted));
            double now = (double)accepted / drafted;
            rate = 0.5 * (rate ?? now) + 0.5 * now;
            threshold = 0.9 * threshold + 0.1 * (rate < 0.9 ? threshold + 0.01 : drafted == 8 ? threshold : threshold - 0.01);
            Assert.Equal(threshold, rounds.Threshold, 1e-9);
        }
    }

    // What was drafted behind the first mistake was never judged; with rejection sampling it must decide nothing.
    [Fact]
    public void With_rejection_sampling_what_was_not_judged_changes_no_threshold()
    {
        Rounds rounds = new(new AdaptiveThresholdPolicy(), AcceptanceRule.Rejection);
        Rounds others = new(new AdaptiveThresholdPolicy(), AcceptanceRule.Rejection);
        Random random = new(5);
        for (int i = 0; i < 500; i++)
        {
            int accepted = random.Next(3);
            float[] judged = [.. Enumerable.Repeat(0.99f, accepted + 1)];
            rounds.Run([.. judged, .. Enumerable.Range(0, 8).Select(_ => random.NextSingle())], accepted);
            others.Run([.. judged, .. Enumerable.Range(0, 8).Select(_ => random.NextSingle())], accepted);
            Assert.Equal(rounds.Threshold, others.Threshold);
        }

        Assert.NotEqual(0.5, rounds.Threshold, 1e-3);
    }

    [Fact]
    public void Each_sequence_has_a_threshold_of_its_own()
    {
        AdaptiveThresholdPolicy policy = new();
        Rounds first = new(policy, AcceptanceRule.Greedy);
        Rounds second = new(policy, AcceptanceRule.Greedy);
        for (int i = 0; i < 50; i++)
        {
            first.Run([1, 1, 0.1f], accepted: 0);
        }

        second.Run([1, 0.1f], accepted: 2);
        Assert.Equal(0.85, first.Threshold, 1e-9);
        Assert.Equal(0.799, second.Threshold, 1e-9);
    }

    [Fact]
    public void A_confidence_stop_ends_a_draft_behind_the_first_that_is_not_sure_and_with_the_sixth()
    {
        Rounds rounds = new(new ConfidenceStopPolicy(), AcceptanceRule.Greedy);
        Assert.Equal(2, rounds.Run([0.6f, 0.5999f, 1], 0));
        Assert.Equal(6, rounds.Run([.. Enumerable.Repeat(0.6f, 20)], 6));
        Assert.Equal(1, rounds.Run([float.NaN, 1], 0));
        Assert.Equal(3, new Rounds(new ConfidenceStopPolicy(0.2f, 3), AcceptanceRule.Greedy).Run([.. Enumerable.Repeat(0.3f, 20)], 0));

        // That of the options goes before its own.
        Assert.Equal(2, new Rounds(new ConfidenceStopPolicy(), AcceptanceRule.Greedy, Exit with { Threshold = 0.9f }).Run([0.95f, 0.85f, 1], 0));
    }

    [Fact]
    public void Numbers_that_there_are_not_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new AdaptiveThresholdPolicy(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new AdaptiveThresholdPolicy(65));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ConfidenceStopPolicy(float.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ConfidenceStopPolicy(1.01f));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ConfidenceStopPolicy(0.5f, 0));
    }

    [Theory]
    [InlineData("fixed", 4, 0)]
    [InlineData("Adaptive-Threshold", 8, 0)]
    [InlineData("CONFIDENCE-STOP", 6, 0.6f)]
    public void By_name_a_policy_has_its_own_length_and_threshold_unless_others_are_given(string name, int length, float threshold)
    {
        ModelDrafting model = new(16, hasDraftWeights: false);
        DraftingOptions options = DraftingOptions.EarlyExit(4) with { Policy = name };
        Assert.Empty(options.Errors(false));
        SequenceDrafting drafting = model.Of(options, "")!;
        Assert.Equal((length, length), (drafting.MaxLength, drafting.FixedPlan!.Length));
        Assert.Equal(threshold, drafting.FixedPlan.Threshold);
        Assert.Equal(name.ToLowerInvariant(), DraftingPolicy.NameOf(drafting.Policy));
        Assert.Equal(11, model.Of(options with { DraftLength = 11 }, "")!.MaxLength);
        Assert.NotEqual(DraftingOptions.EarlyExit(4) with { Policy = "else" }, options);

        Rounds rounds = new(drafting, AcceptanceRule.Greedy);
        Assert.Equal(length, rounds.Run([.. Enumerable.Repeat(0.99f, 20)], 0));
        Assert.Equal(11, new Rounds(model.Of(options with { DraftLength = 11 }, "")!, AcceptanceRule.Greedy).Run([.. Enumerable.Repeat(0.99f, 20)], 0));
    }

    [Theory]
    [InlineData("auto", "adaptive-threshold", 0, "Policy is adaptive-threshold, but the strategy auto decides by itself: remove Policy, or use early-exit or layer-skip.")]
    [InlineData("lookup", "confidence-stop", 0, "Policy is confidence-stop, but the strategy lookup decides by itself: remove Policy, or use early-exit or layer-skip.")]
    [InlineData("early-exit", "adaptive-threshold", 0.5f, "Policy is adaptive-threshold, which finds its threshold: remove Threshold, or use fixed or confidence-stop.")]
    [InlineData("early-exit", "eager", 0, "Policy is 'eager': give one of fixed, adaptive-threshold, confidence-stop.")]
    [InlineData("early-exit", null, 0, "Policy is '': give one of fixed, adaptive-threshold, confidence-stop.")]
    public void One_that_decides_nothing_or_against_what_is_given_is_refused(string strategy, string? policy, float threshold, string error)
    {
        DraftingOptions options = new() { Strategy = strategy, ExitLayer = strategy == "early-exit" ? 2 : null, Policy = policy!, Threshold = threshold };
        Assert.Equal([error], options.Errors(false));
    }

    [Fact]
    public void One_by_name_beside_one_of_ones_own_is_refused()
    {
        DraftingOptions options = (DraftingOptions.EarlyExit(2) with { Policy = "confidence-stop" }).WithPolicy(FixedDraftPolicy.Instance);
        Assert.Equal("Policy is confidence-stop beside a policy of one's own: remove Policy, or leave WithPolicy out.", Assert.Single(options.Errors(false)));
    }

    [Fact]
    public void One_by_name_beside_a_profile_is_refused() => Assert.Contains(
        "Policy is confidence-stop, and Profile says how far is drafted: remove Policy, or Profile.",
        new DraftingOptions { Profile = "profile.json", Policy = "confidence-stop" }.Errors(false));

    [Fact]
    public void Without_a_plan_there_is_nothing_to_decide()
    {
        ModelDrafting model = new(16, hasDraftWeights: false);
        Assert.Null(model.Of(DraftingOptions.None with { Policy = "confidence-stop" }, ""));
    }

    /// <summary>Rounds of one sequence, whose drafter is as sure as the test says.</summary>
    private sealed class Rounds(SequenceDrafting drafting, AcceptanceRule rule)
    {
        private readonly DraftStep _step = (DraftStep)Activator.CreateInstance(typeof(DraftStep), nonPublic: true)!;
        private readonly SequenceDraft _draft = new();

        public Rounds(IDraftPolicy policy, AcceptanceRule rule, DraftPlan? plan = null)
            : this(new SequenceDrafting(policy, [plan ?? Exit], 64), rule)
        {
        }

        public double Threshold => AdaptiveThresholdPolicy.ThresholdOf(_draft);

        // How long the draft became.
        public int Run(float[] confidences, int accepted)
        {
            _step.Begin(drafting.Policy, 1, 1, 0);
            _draft.Begin(drafting, new int[10], 10, Capacity, rule, static _ => false);
            _draft.Admit(drafting.MaxLength, 100);
            _step.Add(_draft);
            drafting.Policy.Plan(_step);
            while (_draft.WantsToken)
            {
                _draft.Add(7, confidences[_draft.Length]);
                drafting.Policy.AfterPass(_step, new DraftPass(_draft.Plan!, 1, TimeSpan.FromMilliseconds(1)));
            }

            int right = Math.Min(accepted, _draft.Length);
            _draft.Judge(Math.Min(right + 1, _draft.Length), right, right + 1);
            _step.End(default, default, _draft.Length + 1);
            drafting.Policy.Observe(_step);
            return _draft.Length;
        }
    }
}
