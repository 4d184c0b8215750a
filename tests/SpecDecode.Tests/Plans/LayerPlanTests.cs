using SpecDecode.Plans;

namespace SpecDecode.Tests.Plans;

public class LayerPlanTests
{
    [Theory]
    [InlineData(1, "A0 M0")]
    [InlineData(3, "A0 M0 A1 M1 A2 M2")]
    public void The_full_plan_is_every_block_in_order(int layerCount, string blocks) =>
        Assert.Equal(blocks, LayerPlan.Full(layerCount).ToString());

    [Fact]
    public void An_early_exit_is_the_beginning_of_the_full_plan_at_every_layer()
    {
        for (int layerCount = 1; layerCount <= 40; layerCount++)
        {
            for (int exit = 1; exit <= layerCount; exit++)
            {
                Assert.Equal(LayerPlan.Full(layerCount).Blocks.Take(2 * exit), LayerPlan.EarlyExit(layerCount, exit).Blocks);
            }
        }
    }

    [Theory]
    [InlineData(4, 0)]
    [InlineData(4, 5)]
    [InlineData(4, -1)]
    [InlineData(1, 2)]
    public void An_exit_outside_the_model_is_refused_with_the_exits_that_there_are(int layerCount, int exit)
    {
        ArgumentOutOfRangeException error = Assert.Throws<ArgumentOutOfRangeException>(() => LayerPlan.EarlyExit(layerCount, exit));
        Assert.Equal("exitLayer", error.ParamName);
        Assert.Equal(exit, error.ActualValue);
        Assert.StartsWith(
            $"The exit layer must lie between 1 and {layerCount}, the number of layers of the model.", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-3)]
    public void A_model_without_layers_has_no_plan(int layerCount)
    {
        Assert.Equal("layerCount", Assert.Throws<ArgumentOutOfRangeException>(() => LayerPlan.Full(layerCount)).ParamName);
        Assert.Equal("layerCount", Assert.Throws<ArgumentOutOfRangeException>(() => LayerPlan.EarlyExit(layerCount, 1)).ParamName);
        Assert.Equal("layerCount", Assert.Throws<ArgumentOutOfRangeException>(() => LayerPlan.LayerSkip(layerCount, [], [])).ParamName);
        Assert.Equal("attention", Assert.Throws<ArgumentNullException>(() => LayerPlan.LayerSkip(3, null!, [])).ParamName);
        Assert.Equal("mlp", Assert.Throws<ArgumentNullException>(() => LayerPlan.LayerSkip(3, [], null!)).ParamName);
    }

    [Theory]
    [InlineData(new int[0], new int[0], "A0 M0 A1 M1 A2 M2")]
    [InlineData(new[] { 1 }, new int[0], "A0 M0 M1 A2 M2")]
    [InlineData(new int[0], new[] { 0 }, "A0 A1 M1 A2 M2")]
    [InlineData(new[] { 2, 0 }, new[] { 2, 1 }, "M0 A1")]
    [InlineData(new[] { 1, 1, 1 }, new[] { 1, 1 }, "A0 M0 A2 M2")]
    [InlineData(new[] { 0, 1, 2 }, new[] { 0, 1, 2 }, "")]
    public void A_skip_set_leaves_out_its_blocks_and_keeps_the_order_of_the_rest(int[] attention, int[] mlp, string blocks) =>
        Assert.Equal(blocks, LayerPlan.LayerSkip(3, attention, mlp).ToString());

    [Fact]
    public void Skipping_all_layers_from_one_on_is_an_early_exit()
    {
        for (int exit = 1; exit <= 12; exit++)
        {
            IEnumerable<int> rest = Enumerable.Range(exit, 12 - exit);
            Assert.Equal(LayerPlan.EarlyExit(12, exit).Blocks, LayerPlan.LayerSkip(12, rest, rest).Blocks);
        }
    }

    [Theory]
    [InlineData(new[] { 0, 3 }, new int[0], "attention", 3)]
    [InlineData(new[] { -1 }, new int[0], "attention", -1)]
    [InlineData(new int[0], new[] { 1, int.MaxValue }, "mlp", int.MaxValue)]
    [InlineData(new int[0], new[] { int.MinValue }, "mlp", int.MinValue)]
    public void A_layer_to_skip_that_the_model_does_not_have_is_refused_with_those_it_has(
        int[] attention, int[] mlp, string parameter, int layer)
    {
        ArgumentOutOfRangeException error = Assert.Throws<ArgumentOutOfRangeException>(() => LayerPlan.LayerSkip(3, attention, mlp));
        Assert.Equal(parameter, error.ParamName);
        Assert.Equal(layer, error.ActualValue);
        Assert.StartsWith("Layers to skip must lie between 0 and 2, the last layer of the model.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_block_is_written_as_its_kind_and_layer()
    {
        Assert.Equal("A0", new Block(BlockKind.Attention, 0).ToString());
        Assert.Equal("M31", new Block(BlockKind.Mlp, 31).ToString());
    }
}
