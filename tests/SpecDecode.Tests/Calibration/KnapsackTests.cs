using SpecDecode.Calibration;

namespace SpecDecode.Tests.Calibration;

public class KnapsackTests
{
    [Fact]
    public void No_choice_that_fits_is_worth_more()
    {
        Random random = new(7);
        for (int round = 0; round < 20; round++)
        {
            int[] weights = [.. Enumerable.Range(0, 9).Select(_ => random.Next(1, 12))];
            double[] values = [.. weights.Select(_ => Math.Round(random.NextDouble(), 2))];
            int[] capacities = [0, 1, 7, 30, 200];
            IReadOnlyList<bool[]> chosen = Knapsack.Solve(weights, values, capacities);
            for (int i = 0; i < capacities.Length; i++)
            {
                double most = Enumerable.Range(0, 1 << weights.Length).Where(set => Sum(set, weights.Select(weight => (double)weight)) <= capacities[i]).Max(set => Sum(set, values));
                Assert.InRange(weights.Where((_, item) => chosen[i][item]).Sum(), 0, capacities[i]);
                Assert.Equal(most, values.Where((_, item) => chosen[i][item]).Sum(), 9);
            }
        }
    }

    [Fact]
    public void What_is_worth_nothing_is_not_taken() => Assert.Equal([[false, true]], Knapsack.Solve([1, 1], [0, 1], [2]));

    private static double Sum(int set, IEnumerable<double> numbers) => numbers.Where((_, item) => (set >> item & 1) == 1).Sum();
}
