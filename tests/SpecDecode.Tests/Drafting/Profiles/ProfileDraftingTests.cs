using SpecDecode.Drafting;
using SpecDecode.Drafting.Profiles;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Tests.Drafting.Profiles;

/// <summary>What options with a profile mean for a model.</summary>
public class ProfileDraftingTests
{
    [Fact]
    public void Alone_a_profile_means_its_best_plan_with_its_length_and_threshold()
    {
        SequenceDrafting drafting = Model().Of(DraftingOptions.None.WithProfile(MadeProfile.Exits(3, 1)), "")!;
        DraftPlan plan = drafting.FixedPlan!;
        Assert.Equal((LayerPlan.EarlyExit(8, 3), 5, 0.25f, WeightSet.Verifier), (plan.Plan, plan.Length, plan.Threshold, plan.Weights));
        Assert.Equal(DraftingStrategy.EarlyExit, plan.Options.Strategy);
    }

    [Fact]
    public void A_plan_for_the_copy_of_the_weights_is_taken_where_there_is_one_and_else_passed_over_with_a_warning()
    {
        DraftingProfile profile = MadeProfile.Exits(-8, 2);
        DraftPlan with = Model(hasDraftWeights: true).Of(DraftingOptions.None.WithProfile(profile), "")!.FixedPlan!;
        Assert.Equal((WeightSet.Drafter, 16), (with.Weights, with.Plan.Blocks.Length));
        DraftPlan without = Model().Of(DraftingOptions.None.WithProfile(profile), "")!.FixedPlan!;
        Assert.Equal((WeightSet.Verifier, LayerPlan.EarlyExit(8, 2)), (without.Weights, without.Plan));
        Assert.Empty(Model(hasDraftWeights: true).Fit(profile).Warnings);
        Assert.Equal(
            "a profile: of its 2 plans 1 would draft on a copy of the weights in lower precision, which the model is loaded without: load it with DraftPrecision to have all.",
            Assert.Single(Model().Fit(profile).Warnings));

        OptionException none = Assert.Throws<OptionException>(() => Model().Of(DraftingOptions.None.WithProfile(MadeProfile.Exits(-8, -2)), ""));
        Assert.Equal("Drafting:Profile", none.Option);
        Assert.Equal(
            "--draft-profile is a profile, all of whose plans draft on a copy of the weights in lower precision, and the model is loaded without one: load it with --draft-precision, or name another profile.",
            none.Describe(key => key == "Drafting:Profile" ? "--draft-profile" : "--draft-precision"));
    }

    [Fact]
    public void A_profile_of_another_model_is_refused_and_says_in_what()
    {
        DraftingProfile profile = MadeProfile.Exits(1);
        Assert.Contains("of a model with 8 layers, and this one has 9", Refusal(MadeProfile.Model with { LayerCount = 9 }), StringComparison.Ordinal);
        Assert.Contains("of a model with 4096 token ids, and this one has 4", Refusal(MadeProfile.Model with { VocabularySize = 4 }), StringComparison.Ordinal);
        Assert.Contains("of a model of the family llama, and this one is qwen3", Refusal(MadeProfile.Model with { Family = "qwen3" }), StringComparison.Ordinal);
        string fingerprint = Refusal(MadeProfile.Model with { Fingerprint = new string('0', 32) });
        Assert.Contains("its weights or its config.json", fingerprint, StringComparison.Ordinal);
        Assert.Contains("or remove the fingerprint from the file", fingerprint, StringComparison.Ordinal);

        // As that says.
        ModelDrafting model = new(8, false, MadeProfile.Model with { Fingerprint = new string('0', 32) });
        Assert.NotNull(model.Of(DraftingOptions.None.WithProfile(profile with { Model = MadeProfile.Model with { Fingerprint = null } }), ""));

        string Refusal(ModelIdentity other) => Assert.Throws<OptionException>(
            () => new ModelDrafting(other.LayerCount, false, other).Of(DraftingOptions.None.WithProfile(profile), "")).Message;
    }

    [Fact]
    public void Auto_chooses_from_the_profiles_plans_in_place_of_its_own_for_the_weights_that_they_run_on()
    {
        ModelDrafting model = Model();
        DraftingOptions auto = new DraftingOptions { Strategy = "auto", DraftLength = 9 }.WithProfile(MadeProfile.Exits(5, 7));
        SequenceDrafting drafting = model.Of(auto, "")!;
        Assert.Same(model.Auto, drafting.Policy);
        Assert.Equal(9, drafting.MaxLength);
        Assert.Equal([LayerPlan.EarlyExit(8, 5), LayerPlan.EarlyExit(8, 7)], drafting.Plans.Select(plan => plan.Plan));

        // It finds lengths and ends by itself, and what one request has learnt another has.
        Assert.All(drafting.Plans, plan => Assert.Equal((DraftingOptions.MaxDraftLength, 0f), (plan.Length, plan.Threshold)));
        Assert.Same(drafting.Plans, model.Of(auto, "")!.Plans);
        Assert.Same(drafting.Plans[0], model.Of(DraftingOptions.None with { Strategy = "auto", ExitLayer = 5 }, "")!.Plans[0]);

        // The profile says nothing about the copy, whose plans stay.
        Assert.Equal(
            [(5, WeightSet.Verifier, false), (7, WeightSet.Verifier, false), (8, WeightSet.Drafter, false), (8, WeightSet.Drafter, true), (4, WeightSet.Drafter, false)],
            Model(hasDraftWeights: true).Of(auto, "")!.Plans.Select(plan => (plan.Plan.Blocks.Length / 2, plan.Weights, plan.Cascade is not null)));

        // The best six of many.
        Assert.Equal(
            [8, 7, 6, 5, 4, 3],
            Model().Of(new DraftingOptions { Strategy = "auto" }.WithProfile(MadeProfile.Exits(8, 7, 6, 5, 4, 3, 2, 1)), "")!.Plans.Select(plan => plan.Plan.Blocks.Length / 2));
    }

    [Fact]
    public void Profiles_that_come_and_go_do_not_make_the_shared_policy_grow_without_end()
    {
        ModelDrafting model = Model();
        DraftingProfile[] profiles =
        [
            .. Enumerable.Range(0, 40).Select(set => MadeProfile.Exits(1) with
            {
                Plans = [new ProfilePlan { Plan = LayerPlan.LayerSkip(8, Enumerable.Range(0, 8).Where(bit => (set >> bit & 1) != 0), [7]) }],
            }),
        ];
        SequenceDrafting[] many = [.. profiles.Select(profile => model.Of(new DraftingOptions { Strategy = "auto" }.WithProfile(profile), "")!)];
        Assert.Same(model.Auto, many[0].Policy);
        Assert.NotSame(model.Auto, many[^1].Policy);
    }

    [Fact]
    public void A_profile_that_was_found_gives_auto_its_plans_and_changes_nothing_else()
    {
        ModelDrafting model = new(8, false, MadeProfile.Model, MadeProfile.Exits(-8, 5, 7));
        Assert.Null(model.Of(DraftingOptions.None, ""));
        Assert.Equal([5, 7], Exits(new DraftingOptions { Strategy = "auto" }));
        Assert.Equal([2], Exits(new DraftingOptions { Strategy = "auto", ExitLayer = 2 }));
        Assert.Equal([3], Exits(DraftingOptions.EarlyExit(3)));
        Assert.Empty(Exits(new DraftingOptions { Strategy = "lookup" }));

        // A profile without a plan that can be run says nothing.
        Assert.Equal(Model().Candidates.Count, new ModelDrafting(8, false, MadeProfile.Model, MadeProfile.Exits(-8)).Candidates.Count);

        // One that is named holds in its place.
        Assert.Equal([6], Exits(new DraftingOptions { Strategy = "auto" }.WithProfile(MadeProfile.Exits(6))));

        IEnumerable<int> Exits(DraftingOptions options) => model.Of(options, "")!.Plans.Select(plan => plan.Plan.Blocks.Length / 2);
    }

    [Fact]
    public void A_policy_of_ones_own_has_the_profiles_plans()
    {
        DraftingOptions own = new DraftingOptions().WithProfile(MadeProfile.Exits(3, 1)).WithPolicy(FixedDraftPolicy.Instance);
        SequenceDrafting best = Model().Of(own, "")!;
        Assert.Equal((1, 5), (best.Plans.Count, best.MaxLength));
        Assert.Same(FixedDraftPolicy.Instance, best.Policy);
        Assert.Equal(2, Model().Of(own with { Strategy = "auto" }, "")!.Plans.Count);

    }

    [Fact]
    public void None_switches_a_profile_off_without_reading_it()
    {
        DraftingOptions profile = new DraftingOptions().WithProfile(MadeProfile.Exits(3, 1));
        Assert.Equal(profile, DraftingOptions.None.WithProfile(MadeProfile.Exits(3, 1)));
        Assert.NotNull(Model().Of(profile, "")!.FixedPlan);
        Assert.Null(Model().Of(profile with { Strategy = "none" }, ""));
        Assert.Null(Model().Of(new DraftingOptions { Strategy = "None", Profile = "missing.json" }, ""));
    }

    [Theory]
    [InlineData(null, null, null, 0, null)]
    [InlineData("None", 2, 3, 0.5, null)]
    [InlineData(null, 2, null, 0, "Profile says which blocks the drafter runs: remove ExitLayer, or Profile.")]
    [InlineData(null, null, 3, 0, "Profile says how long drafts are: remove DraftLength, or give Strategy auto, which takes it as a bound.")]
    [InlineData(null, null, null, 0.5, "Profile says where drafts stop: remove Threshold, or Profile.")]
    [InlineData("auto", null, 3, 0, null)]
    [InlineData("auto", 2, null, 0, "Strategy is auto with both Profile and ExitLayer: give one of them to choose from.")]
    [InlineData("auto", null, null, 0.5, "Strategy is auto, which finds where to stop by itself: remove Threshold, or use early-exit or layer-skip.")]
    [InlineData("early-exit", 2, null, 0, "Strategy is early-exit, and Profile says how to draft, too: remove Profile, or leave Strategy out; with Strategy auto the profile's plans are chosen from.")]
    [InlineData("lookup", null, null, 0, "Strategy is lookup, and Profile says how to draft, too: remove Profile, or leave Strategy out; with Strategy auto the profile's plans are chosen from.")]
    public void Beside_a_profile_nothing_may_stand_that_it_says_itself(string? strategy, int? exit, int? length, double threshold, string? sentence)
    {
        DraftingOptions options = new() { Strategy = strategy, ExitLayer = exit, Threshold = (float)threshold, Profile = "some.json" };
        options = length is { } given ? options with { DraftLength = given } : options;
        Assert.Equal(sentence is null ? [] : [sentence], options.Errors(hasDraftWeights: false));
    }

    [Fact]
    public void Options_are_other_ones_when_the_profile_is_another_or_its_file_has_changed()
    {
        using TemporaryFolder folder = new();
        string path = folder.File("profile.json");
        MadeProfile.Exits(1).Save(path);
        DraftingOptions named = new() { Profile = path };
        Assert.NotEqual(DraftingOptions.None, named);
        Assert.NotEqual(named, named with { Profile = "other" });
        DraftingOptions before = named.WithFile(path);
        Assert.Equal(before, named.WithFile(path));
        MadeProfile.Exits(2).Save(path);
        Assert.NotEqual(before, named.WithFile(path));
        Assert.Equal(MadeProfile.Exits(1), before.FindProfile());
        Assert.Equal($"profile {path}", before.ToString());
        Assert.Equal($"auto: profile {path}, draft length at most 16", (before with { Strategy = "auto" }).ToString());
    }

    private static ModelDrafting Model(bool hasDraftWeights = false) => new(8, hasDraftWeights, MadeProfile.Model);
}
