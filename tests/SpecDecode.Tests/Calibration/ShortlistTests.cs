using SpecDecode.Calibration;

namespace SpecDecode.Tests.Calibration;

/// <summary>Choices behind bridges: the first of many tokens, and whether one map is better than another.</summary>
public class ShortlistTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(50)]
    public void The_largest_are_found_in_their_order(int count)
    {
        Random random = new(count);
        float[] values = [.. Enumerable.Range(0, 50).Select(_ => random.NextSingle())];
        int[] places = new int[count];
        Shortlists.FindLargest(values, places);
        Assert.Equal(Enumerable.Range(0, 50).OrderByDescending(i => values[i]).Take(count), places);
    }

    [Theory]
    [InlineData(10, 0, true)]
    [InlineData(1, 0, false)]
    [InlineData(0, 0, false)]
    [InlineData(60, 40, true)]
    [InlineData(55, 45, false)]
    [InlineData(40, 60, false)]
    public void A_map_is_better_where_it_wins_by_more_than_a_standard_error(int won, int lost, bool isBetter)
    {
        bool[] without = [.. Enumerable.Repeat(false, won), .. Enumerable.Repeat(true, lost), .. Enumerable.Repeat(true, 500)];
        bool[] with = [.. Enumerable.Repeat(true, won), .. Enumerable.Repeat(false, lost), .. Enumerable.Repeat(true, 500)];
        Assert.Equal(isBetter, new BridgeJudgement(1, with).IsBetterThan(new BridgeJudgement(2, without)));
    }
}
