using SpecDecode.Plans;
using SpecDecode.Tool.Calibrate;

namespace SpecDecode.Tests.Tool;

public class PlanWordsTests
{
    [Theory]
    [InlineData("A0 M0 A1 M1 A2 M2", "all layers")]
    [InlineData("A0 M0", "first 1 layer")]
    [InlineData("A0 M0 A1 M1", "first 2 layers")]
    [InlineData("A0 M0 M1 A2 M2", "without A 1")]
    [InlineData("A0 M0 A2 M2", "without A 1 M 1")]
    [InlineData("A0 M0 A2 M2 A1 M1", "runs A0 M0 A2 M2 A1 M1")]
    [InlineData("A0 M0 A0 M0 A2 M2", "runs A0 M0 A0 M0 A2 M2")]
    public void A_plan_is_named_so_that_no_other_has_its_name(string blocks, string words) => Assert.Equal(
        words,
        PlanWords.Of(LayerPlan.Of(3, blocks.Split(' ').Select(word => new Block(word[0] == 'A' ? BlockKind.Attention : BlockKind.Mlp, word[1] - '0'))), 3, false));
}
