using SpecDecode.Drafting;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Tests.Drafting;

/// <summary>What options mean, for every strategy with everything that may stand beside it.</summary>
public class ModelDraftingTests
{
    private const int Layers = 8;

    [Fact]
    public void Every_combination_of_options_is_refused_with_a_mend_or_means_what_it_says()
    {
        int refused = 0;
        int taken = 0;
        foreach (bool hasDraftWeights in (bool[])[false, true])
        {
            ModelDrafting model = new(Layers, hasDraftWeights);
            foreach (string? strategy in (string?[])[null, "none", "early-exit", "layer-skip", "Auto", "LOOKUP", "Swift", "plan", "eager"])
            {
                foreach ((int? exit, int[] attention, int[] mlp) in (ValueTuple<int?, int[], int[]>[])
                    [(null, [], []), (3, [], []), (null, [2], []), (null, [], [5, 6]), (3, [2], [5])])
                {
                    foreach (float threshold in (float[])[0, 0.5f])
                    {
                        foreach (int? length in (int?[])[null, 1, 7, 64, 0, 65])
                        {
                            DraftingOptions options = new()
                            {
                                Strategy = strategy, ExitLayer = exit, SkipAttention = attention, SkipMlp = mlp, Threshold = threshold,
                            };
                            options = length is { } given ? options with { DraftLength = given } : options;
                            string[] errors = [.. options.Errors(hasDraftWeights)];
                            Assert.Equal(Named(strategy?.ToLowerInvariant() ?? "auto", exit, attention.Length + mlp.Length > 0, threshold, length, hasDraftWeights), errors.Select(First));
                            Assert.All(errors, error => Assert.Matches("(give|remove|use|name) ", error));
                            if (errors.Length > 0)
                            {
                                refused++;
                                continue;
                            }

                            taken++;
                            Check(options, model, hasDraftWeights, length);
                        }
                    }
                }
            }
        }

        Assert.True(refused > 400 && taken > 100, $"{refused} refused, {taken} taken");
    }

    [Fact]
    public void Nothing_that_is_said_means_auto_and_none_means_plain_decoding()
    {
        ModelDrafting model = new(Layers, hasDraftWeights: false);
        SequenceDrafting unsaid = model.Of(new DraftingOptions(), "")!;
        Assert.Same(model.Auto, unsaid.Policy);
        Assert.Same(model.Candidates, unsaid.Plans);
        Assert.Equal("auto: draft length at most 16", new DraftingOptions().ToString());
        Assert.Equal(new DraftingOptions { Strategy = "AUTO" }, new DraftingOptions());
        Assert.NotEqual(DraftingOptions.None, new DraftingOptions());
        Assert.Null(model.Of(DraftingOptions.None, ""));
    }

    [Fact]
    public void A_plan_of_ones_own_beside_options_that_name_another_is_refused()
    {
        DraftingOptions own = DraftingOptions.Of(LayerPlan.EarlyExit(Layers, 2));
        Assert.Empty(own.Errors(false));
        Assert.Contains("ExitLayer", Assert.Single((own with { ExitLayer = 3 }).Errors(false)), StringComparison.Ordinal);
        Assert.Contains("SkipMlp", Assert.Single((own with { SkipMlp = [1] }).Errors(false)), StringComparison.Ordinal);
    }

    [Fact]
    public void Layers_that_the_model_does_not_have_are_refused_with_those_that_it_has()
    {
        ModelDrafting model = new(Layers, hasDraftWeights: false);
        foreach (string strategy in (string[])["auto", "early-exit"])
        {
            SpecDecodeException error = Assert.Throws<SpecDecodeException>(() => model.Of(new() { Strategy = strategy, ExitLayer = 9 }, "Drafting."));
            Assert.Equal("Drafting.ExitLayer is 9, but the model has 8 layers: give 1 to 8.", error.Message);
        }

        foreach (string strategy in (string[])["auto", "layer-skip"])
        {
            SpecDecodeException error = Assert.Throws<SpecDecodeException>(() => model.Of(new() { Strategy = strategy, SkipMlp = [8] }, "Drafting."));
            Assert.Equal("Drafting.SkipMlp is 8, but the model has 8 layers: give layers from 0 to 7.", error.Message);
        }
    }

    [Theory]
    [InlineData("none", 0)]
    [InlineData("lookup", 0)]
    [InlineData("early-exit", 1)]
    [InlineData("auto", 4)]
    [InlineData(null, 4)]
    public void A_policy_of_ones_own_has_the_strategys_plans(string? strategy, int plans)
    {
        ModelDrafting model = new(Layers, hasDraftWeights: false);
        DraftingOptions options = new DraftingOptions { Strategy = strategy, ExitLayer = strategy == "early-exit" ? 3 : null }.WithPolicy(FixedDraftPolicy.Instance);
        SequenceDrafting drafting = model.Of(options, "")!;
        Assert.Same(FixedDraftPolicy.Instance, drafting.Policy);
        Assert.Equal(plans, drafting.Plans.Count);
        Assert.Equal(options.DraftLength, drafting.MaxLength);
    }

    [Fact]
    public void Equal_plans_share_what_was_learnt_and_too_many_learn_alone()
    {
        ModelDrafting model = new(Layers, hasDraftWeights: false);
        SequenceDrafting Of(params int[] skips) => model.Of(new() { Strategy = "auto", SkipMlp = skips }, "")!;
        Assert.Same(model.Candidates[0], model.Of(new() { Strategy = "auto", ExitLayer = 1 }, "")!.Plans[0]);
        Assert.Same(Of(1, 2).Plans[0], Of(2, 1).Plans[0]);
        SequenceDrafting[] many = [.. Enumerable.Range(1, 40).Select(set => Of([.. Enumerable.Range(0, 7).Where(bit => (set >> bit & 1) != 0)]))];
        Assert.Same(model.Auto, many[0].Policy);
        Assert.NotSame(model.Auto, many[^1].Policy);
        Assert.All(many, drafting => Assert.Single(drafting.Plans));
    }

    [Fact]
    public void A_model_without_layers_to_leave_out_is_not_searched_and_others_draft_by_what_was_found_last()
    {
        DraftingOptions swift = new() { Strategy = DraftingStrategy.Swift };
        Assert.Contains("but the model has 2", Assert.Throws<SpecDecodeException>(() => new ModelDrafting(2, false).Of(swift, "")).Message, StringComparison.Ordinal);
        ModelDrafting model = new(Layers, false);
        Assert.False(model.Swift.IsAsked);
        SequenceDrafting before = model.Of(swift, "")!;
        Assert.True(model.Swift.IsAsked && before.IsSearched);
        model.Swift.Adopt([2], [2, 4]);
        Assert.Equal(LayerPlan.LayerSkip(Layers, [2], [2, 4]), Assert.Single(model.Of(swift, "")!.Plans).Plan);
        Assert.Equal(LayerPlan.LayerSkip(Layers, [1, 3, 5], [1, 3, 5]), Assert.Single(before.Plans).Plan);
    }

    private static void Check(DraftingOptions options, ModelDrafting model, bool hasDraftWeights, int? length)
    {
        SequenceDrafting? drafting = model.Of(options, "");
        string strategy = options.Strategy?.ToLowerInvariant() ?? "auto";
        if (strategy == "none")
        {
            Assert.Null(drafting);
            return;
        }

        bool finds = strategy is "auto" or "lookup" or "swift";
        Assert.Equal(length ?? (finds ? 16 : 4), drafting!.MaxLength);
        Assert.Equal(finds, drafting.Policy is AutoDraftPolicy);
        Assert.Equal(strategy, finds ? drafting.Strategy : drafting.FixedPlan!.Options.Strategy);
        LayerPlan? plan = strategy switch
        {
            "lookup" => null,
            "swift" => LayerPlan.LayerSkip(Layers, [1, 3, 5], [1, 3, 5]),
            "auto" when options is { ExitLayer: null, SkipAttention.Count: 0, SkipMlp.Count: 0 } => null,
            _ when options.ExitLayer is { } exit => LayerPlan.EarlyExit(Layers, exit),
            "early-exit" => LayerPlan.Full(Layers),
            _ => LayerPlan.LayerSkip(Layers, options.SkipAttention, options.SkipMlp),
        };
        if (plan is not null)
        {
            DraftPlan only = Assert.Single(drafting.Plans);
            Assert.Equal(plan, only.Plan);
            Assert.Equal(hasDraftWeights ? WeightSet.Drafter : WeightSet.Verifier, only.Weights);
            Assert.Equal(options.Threshold, only.Threshold);
            Assert.True(finds || only.Length == drafting.MaxLength);
        }
        else
        {
            Assert.Equal(strategy == "lookup" ? 0 : hasDraftWeights ? 7 : 4, drafting.Plans.Count);
        }
    }

    private static string First(string error) => error[..error.IndexOf(' ')];

    // The options that errors are about, in their order.
    private static IEnumerable<string> Named(string strategy, int? exit, bool skips, float threshold, int? length, bool hasDraftWeights)
    {
        if (length is 0 or 65)
        {
            yield return "DraftLength";
        }

        bool isWrong = strategy switch
        {
            "none" => false,
            "early-exit" => skips || (exit is null && !hasDraftWeights),
            "layer-skip" => !skips || exit is not null,
            "auto" => threshold > 0 || (skips && exit is not null),
            "lookup" or "swift" => threshold > 0 || skips || exit is not null,
            _ => true,
        };
        if (isWrong)
        {
            yield return "Strategy";
        }
    }
}
