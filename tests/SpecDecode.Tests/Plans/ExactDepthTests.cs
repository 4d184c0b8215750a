using SpecDecode.Plans;

namespace SpecDecode.Tests.Plans;

public class ExactDepthTests
{
    [Theory]
    [InlineData("", 0, "")]
    [InlineData("A0 M0 A1 M1 A2 M2", 6, "")]
    [InlineData("A0 M0", 2, "")]
    [InlineData("A0", 1, "")]
    [InlineData("M0 A0", 0, "M0 A0")]
    [InlineData("A0 A1 M1", 1, "A1 M1")]
    [InlineData("A0 M0 M1 A2 M2", 2, "M1 A2 M2")]
    [InlineData("A0 M0 A1 M1 A1 M1", 2, "A1 M1 A1 M1")]
    [InlineData("A0 M0 A0", 0, "A0 M0 A0")]
    [InlineData("A0 M0 A1 M1 A0", 0, "A0 M0 A1 M1 A0")]
    [InlineData("A0 M0 A1 M1 A2 A1", 2, "A1 M1 A2 A1")]
    [InlineData("A0 M0 M0", 2, "M0")]
    [InlineData("A0 M0 A1 M1 M1", 4, "M1")]
    [InlineData("A0 M0 A2 M2 A1 M1", 2, "A2 M2 A1 M1")]
    public void The_exact_depth_ends_where_the_plan_leaves_the_full_one_or_will_overwrite_a_layers_entry(string plan, int depth, string tail)
    {
        LayerPlan parsed = LayerPlan.Of(3, Parse(plan));

        Assert.Equal(plan, parsed.ToString());
        Assert.Equal(depth, parsed.ExactDepth);
        Assert.Equal(Parse(tail), parsed.Tail.ToArray());
    }

    [Fact]
    public void Every_early_exit_is_exact_to_its_end()
    {
        for (int exit = 1; exit <= 12; exit++)
        {
            Assert.Equal(2 * exit, LayerPlan.EarlyExit(12, exit).ExactDepth);
            Assert.True(LayerPlan.EarlyExit(12, exit).Tail.IsEmpty);
        }
    }

    [Fact]
    public void Plans_of_the_same_blocks_are_equal_however_they_were_made()
    {
        Assert.Equal(LayerPlan.EarlyExit(3, 2), LayerPlan.LayerSkip(3, [2], [2]));
        Assert.Equal(LayerPlan.EarlyExit(3, 2).GetHashCode(), LayerPlan.LayerSkip(3, [2], [2]).GetHashCode());
        Assert.NotEqual(LayerPlan.EarlyExit(3, 2), LayerPlan.EarlyExit(3, 1));
    }

    [Fact]
    public void A_block_of_a_layer_that_the_model_does_not_have_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => LayerPlan.Of(3, [new Block(BlockKind.Mlp, 3)]));

    private static Block[] Parse(string plan) =>
        [.. plan.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(name =>
            new Block(name[0] == 'A' ? BlockKind.Attention : BlockKind.Mlp, int.Parse(name[1..], System.Globalization.CultureInfo.InvariantCulture)))];
}
