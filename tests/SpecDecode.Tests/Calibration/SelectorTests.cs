using SpecDecode.Calibration;
using SpecDecode.Calibration.Selectors;
using SpecDecode.Plans;
using SpecDecode.Stages;
using SpecDecode.Tests.Scheduling;

namespace SpecDecode.Tests.Calibration;

public class SelectorTests
{
    private const int Layers = 12;

    // Methods that need nothing but scores, or texts of the scripted model; bridges are there where they were fitted.
    public static TheoryData<string> Scoring => [.. LayerSelectors.All.Where(selector => selector is not (ClaspSelector or BridgeSelector)).Select(selector => selector.Name)];

    [Fact]
    public void Every_selector_is_listed_once_under_a_word()
    {
        IEnumerable<Type> there = typeof(ILayerSelector).Assembly.GetTypes().Where(type => type.IsAssignableTo(typeof(ILayerSelector)) && type.IsClass);
        Assert.Equal(there.OrderBy(type => type.Name), LayerSelectors.All.Select(selector => selector.GetType()).OrderBy(type => type.Name));
        Assert.All(LayerSelectors.All, selector => Assert.Matches("^[a-z][a-z-]*$", selector.Name));
        Assert.All(LayerSelectors.All, selector => Assert.Matches(@"\d{4}\.\d{5}", selector.Paper));
        Assert.All(LayerSelectors.All, selector => Assert.Same(selector, LayerSelectors.Find(selector.Name.ToUpperInvariant())));
        Assert.Null(LayerSelectors.Find("evn"));
    }

    [Theory]
    [MemberData(nameof(Scoring))]
    public void A_search_ends_with_the_budget_and_by_itself_and_repeats_for_a_seed(string name)
    {
        foreach (int budget in (int[])[0, 1, 9, int.MaxValue])
        {
            ScriptedSearch first = Run(name, new ScriptedSearch(Layers, Uneven, budget));
            ScriptedSearch second = Run(name, new ScriptedSearch(Layers, Uneven, budget));
            Assert.Equal(first.Tried, second.Tried);
            Assert.InRange(first.Tried.Count, Math.Min(1, budget), 700);

            // Nothing is asked for once the budget is used up.
            Assert.InRange(first.Tried.Count, 0, budget == int.MaxValue ? 700 : budget + 15);
            Assert.All(first.Batches, batch => Assert.InRange(batch, 1, 16));
        }
    }

    [Theory]
    [MemberData(nameof(Scoring))]
    public void Only_optional_blocks_are_left_out_and_only_exits_leave_out_the_last_layer(string name)
    {
        ScriptedSearch search = Run(name, new ScriptedSearch(Layers, Uneven, seed: 3));
        HashSet<Block> optional = [.. search.Optional];
        Assert.NotEmpty(search.Tried);
        Assert.All(search.Tried, plan =>
        {
            Assert.True(name is "exits" or "cascade" || LayerPlan.Full(Layers).Blocks.Except(plan.Plan.Blocks).All(optional.Contains));
            Assert.True(name == "reorder" || plan.Plan.Blocks.SequenceEqual(LayerPlan.Full(Layers).Blocks.Where(plan.Plan.Blocks.Contains)));
        });
    }

    [Theory]
    [MemberData(nameof(Scoring))]
    public void A_model_of_which_nothing_may_be_left_out_is_no_trouble(string name)
    {
        foreach (int layers in (int[])[1, 2, 3])
        {
            ScriptedSearch search = Run(name, new ScriptedSearch(layers, Uneven));
            Assert.True(name is "exits" or "cascade" || layers == 3 || search.Tried.All(plan => plan.Plan.Blocks.Length == 2 * layers));
        }
    }

    [Theory]
    [InlineData("greedy")]
    [InlineData("bayesian")]
    [InlineData("knapsack")]
    public void What_costs_nothing_is_found_among_what_costs_much(string name)
    {
        // Seven of twenty blocks can go; the best of 2^20 sets is these.
        Block[] idle = [new(BlockKind.Attention, 2), new(BlockKind.Attention, 5), new(BlockKind.Mlp, 5), new(BlockKind.Attention, 6), new(BlockKind.Mlp, 8), new(BlockKind.Attention, 9), new(BlockKind.Attention, 10)];
        ScriptedSearch search = Run(name, new ScriptedSearch(Layers, block => idle.Contains(block) ? 0.005 : 0.3));
        Assert.Equal(idle.Order(Comparer<Block>.Create((left, right) => (left.Layer, left.Kind).CompareTo((right.Layer, right.Kind)))),
            LayerPlan.Full(Layers).Blocks.Except(search.Best.Plan.Blocks));
    }

    [Fact]
    public void Bayesian_search_finds_more_than_random_sets_in_as_many_tries()
    {
        double sum = 0;
        for (int seed = 0; seed < 6; seed++)
        {
            double random = Run("random", new ScriptedSearch(Layers, Uneven, 160, seed)).BestSpeedup;
            double bayesian = Run("bayesian", new ScriptedSearch(Layers, Uneven, 160, seed)).BestSpeedup;
            Assert.True(bayesian >= random, $"{bayesian} of {random}");
            sum += bayesian / random;
        }

        Assert.True(sum / 6 > 1.01, $"{sum / 6}");
    }

    [Fact]
    public void Even_finds_idle_layers_that_lie_evenly()
    {
        // Kept evenly of 1 to 10 are four: 2, 4, 7, 9.
        int[] busy = [0, 2, 4, 7, 9, 11];
        ScriptedSearch search = Run("even", new ScriptedSearch(Layers, block => busy.Contains(block.Layer) ? 0.4 : 0.001));
        Assert.Equal(busy, search.Best.Plan.Blocks.Select(block => block.Layer).Distinct());
        Assert.Equal(10, search.Tried.Count);
    }

    [Fact]
    public void Exits_are_tried_on_all_weights_and_the_whole_model_on_the_copy()
    {
        ScriptedSearch search = Run("exits", new ScriptedSearch(4, Uneven, int.MaxValue, 1, WeightSet.Drafter, WeightSet.Verifier));
        Assert.Equal(
            [(2, WeightSet.Drafter), (4, WeightSet.Drafter), (6, WeightSet.Drafter), (8, WeightSet.Drafter), (2, WeightSet.Verifier), (4, WeightSet.Verifier), (6, WeightSet.Verifier)],
            search.Tried.Select(plan => (plan.Plan.Blocks.Length, plan.Weights)));
    }

    [Theory]
    [InlineData("influence", 20)]
    [InlineData("cosine", 10)]
    public void Blocks_are_left_out_by_their_influence_on_new_tokens(string name, int count)
    {
        IEnumerable<Block> ranked = LayerPlan.Full(Layers).Blocks.Where(block => block.Layer is > 0 and < Layers - 1 && (name == "influence" || block.Kind == BlockKind.Attention))
            .Reverse().OrderBy(Influence().GetValueOrDefault);
        ScriptedSearch search = Run(name, new ScriptedSearch(Layers, Uneven));
        Assert.Equal(
            Enumerable.Range(1, count).Select(length => LayerPlan.Of(Layers, LayerPlan.Full(Layers).Blocks.Except(ranked.Take(length)))), search.Tried.Select(plan => plan.Plan));
    }

    [Fact]
    public void A_knapsack_leaves_out_what_is_dear_for_what_it_is_worth()
    {
        // Two blocks cost as much agreement as any, but take ten times as long.
        Block[] dear = [new(BlockKind.Attention, 4), new(BlockKind.Mlp, 7)];
        ScriptedSearch search = Run("knapsack", new ScriptedSearch(Layers, _ => 0.1) { Cost = block => dear.Contains(block) ? 10 : 1 });
        Assert.Equal(dear, LayerPlan.Full(Layers).Blocks.Except(search.Best.Plan.Blocks));
        Assert.True(search.BestSpeedup > Run("greedy", new ScriptedSearch(Layers, _ => 0.1)).BestSpeedup);
    }

    [Fact]
    public void A_knapsack_on_a_copy_counts_what_the_copy_itself_loses_to_no_block()
    {
        Block[] idle = [new(BlockKind.Attention, 3), new(BlockKind.Mlp, 3), new(BlockKind.Mlp, 9)];
        ScriptedSearch search = Run(
            "knapsack", new ScriptedSearch(Layers, block => idle.Contains(block) ? 0 : 0.3, int.MaxValue, 1, WeightSet.Drafter, WeightSet.Verifier) { Factor = _ => 0.9 });
        Assert.Equal(LayerPlan.Full(Layers), search.Tried[0].Plan);
        Assert.All(search.Tried, plan => Assert.Equal(WeightSet.Drafter, plan.Weights));

        // Idle blocks add no value, so that no capacity takes them.
        Assert.All(search.Tried.Skip(21), plan => Assert.Empty(plan.Plan.Blocks.Intersect(idle)));
    }

    [Fact]
    public void Reordering_finds_layers_that_should_change_places_and_one_that_should_run_twice()
    {
        // Kept evenly are 0, 2, 4, 7, 9 and 11.
        int[] busy = [0, 2, 4, 7, 9, 11];
        ScriptedSearch search = Run("reorder", new ScriptedSearch(Layers, block => busy.Contains(block.Layer) ? 0.4 : 0.001)
        {
            Factor = plan =>
            {
                List<int> layers = [.. plan.Blocks.Select(block => block.Layer)];
                return (layers.IndexOf(7) < layers.IndexOf(4) ? 1 : 0.8) * (layers.Count(layer => layer == 9) == 4 ? 1 : 0.7);
            },
        });
        Assert.Equal([0, 2, 7, 4, 9, 9, 11], search.Best.Plan.Blocks.Where(block => block.Kind == BlockKind.Mlp).Select(block => block.Layer));
    }

    // 1 − mean cosine of what goes into a block and what comes out of it, over the new tokens that have one behind them.
    private static Dictionary<Block, double> Influence()
    {
        ScriptedModel model = ScriptedSearch.Model(Layers);
        Block[] blocks = [.. LayerPlan.Full(Layers).Blocks];
        Dictionary<Block, double> sums = blocks.ToDictionary(block => block, _ => 0.0);
        int rows = 0;
        foreach (int[] text in ScriptedSearch.Texts(model))
        {
            rows += text.Length - 1 - ScriptedSearch.PromptLength;
            ulong[] before = model.Residuals([], text);
            for (int i = 0; i < blocks.Length; i++)
            {
                ulong[] behind = model.Residuals(blocks[..(i + 1)], text);
                sums[blocks[i]] += Enumerable.Range(ScriptedSearch.PromptLength, text.Length - 1 - ScriptedSearch.PromptLength).Sum(position =>
                    ulong.PopCount(before[position] & behind[position]) / Math.Sqrt((double)ulong.PopCount(before[position]) * ulong.PopCount(behind[position])));
                before = behind;
            }
        }

        return sums.ToDictionary(sum => sum.Key, sum => 1 - sum.Value / rows);
    }

    private static ScriptedSearch Run(string name, ScriptedSearch search)
    {
        LayerSelectors.Find(name)!.Search(search);
        return search;
    }

    // Middle layers matter least, attention less than MLP, and no two blocks alike.
    private static double Uneven(Block block) =>
        0.005 + 0.012 * Math.Abs(block.Layer - 6.3) + (block.Kind == BlockKind.Mlp ? 0.02 : 0) + (block.Layer * 37 % 11) * 0.002;
}
