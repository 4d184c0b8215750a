using SpecDecode.Calibration;
using SpecDecode.Plans;

namespace SpecDecode.Tests.Calibration;

public class CalibrationPartsTests
{
    [Fact]
    public void The_front_is_what_nothing_else_beats()
    {
        Random random = new(2);
        for (int seed = 0; seed < 200; seed++)
        {
            (double Cost, double Agreement)[] points = [.. Enumerable.Range(0, random.Next(1, 30)).Select(_ => ((double)random.Next(6), (double)random.Next(6)))];
            bool[] front = ParetoFront.Find(points);
            for (int i = 0; i < points.Length; i++)
            {
                bool isBeaten = points.Index().Any(other => other.Item.Cost <= points[i].Cost && other.Item.Agreement >= points[i].Agreement
                    && (other.Item != points[i] || other.Index < i));
                Assert.Equal(!isBeaten, front[i]);
            }
        }
    }

    [Fact]
    public void Plans_are_read_as_they_are_written()
    {
        LayerPlan[] plans = [LayerPlan.Full(30), LayerPlan.EarlyExit(30, 7), LayerPlan.LayerSkip(30, [3, 29], [0]), LayerPlan.Of(30, []), LayerPlan.Of(30, [new(BlockKind.Mlp, 5), new(BlockKind.Attention, 5)])];
        Assert.All(plans, plan => Assert.Equal(plan, PlanText.TryParse(plan.ToString(), 30)));
        Assert.All(
            (string[])["A30", "B30", "C1", "A", "A-1", "A+1", "A1 M", "1", "A1,M1", "a1", "A99999999999", string.Join(' ', Enumerable.Repeat("A0", 241))],
            text => Assert.Null(PlanText.TryParse(text, 30)));
    }

    [Theory]
    [InlineData(-8, 0, 1e-9)]
    [InlineData(-1.959964, 0.025, 1e-6)]
    [InlineData(0, 0.5, 1e-6)]
    [InlineData(1, 0.8413447, 1e-6)]
    [InlineData(8, 1, 1e-9)]
    public void The_normal_distribution_is_the_tables(double place, double share, double tolerance) =>
        Assert.Equal(share, NormalDistribution.Below(place), tolerance);
}
