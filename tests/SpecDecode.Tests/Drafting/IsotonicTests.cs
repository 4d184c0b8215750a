using SpecDecode.Drafting;

namespace SpecDecode.Tests.Drafting;

public class IsotonicTests
{
    [Fact]
    public void Values_that_fall_become_their_weighted_mean()
    {
        // 5 and 3 pool to 3.5, which 4 lies above; 7 and 2 pool to 3, which draws the others in but 1.
        double[] values = [1, 5, 3, 4, 7, 2, 9];
        Isotonic.Fit(values, [1, 1, 3, 1, 1, 4, 1]);
        Assert.Equal(1, values[0]);
        Assert.All(values[1..6], value => Assert.Equal((5 + 3 * 3 + 4 + 7 + 2 * 4) / 10.0, value, 1e-12));
        Assert.Equal(9, values[6]);
    }

    [Fact]
    public void The_fit_is_the_maximum_over_lower_ends_of_the_minimum_over_upper_ends_of_the_mean_between()
    {
        Random random = new(4);
        for (int turn = 0; turn < 500; turn++)
        {
            int count = random.Next(12);
            double[] given = [.. Enumerable.Range(0, count).Select(_ => (double)random.Next(10))];
            double[] weights = [.. Enumerable.Range(0, count).Select(_ => random.NextDouble() + 1e-6)];
            double[] fit = [.. given];
            Isotonic.Fit(fit, weights);
            for (int i = 0; i < count; i++)
            {
                double expected = Enumerable.Range(0, i + 1).Max(from => Enumerable.Range(i, count - i).Min(to => Mean(from, to)));
                Assert.Equal(expected, fit[i], 1e-9);
            }

            double Mean(int from, int to) =>
                Enumerable.Range(from, to - from + 1).Sum(k => given[k] * weights[k]) / weights[from..(to + 1)].Sum();
        }
    }

    [Fact]
    public void Values_that_rise_already_stay_and_the_most_that_are_taken_fit()
    {
        double[] rising = [.. Enumerable.Range(0, Isotonic.MostValues).Select(i => i * 0.1)];
        double[] fit = [.. rising];
        double[] weights = [.. Enumerable.Repeat(1.0, fit.Length)];
        Isotonic.Fit(fit, weights);
        Assert.Equal(rising, fit);

        Array.Reverse(fit);
        Isotonic.Fit(fit, weights);
        Assert.All(fit, value => Assert.Equal(rising.Average(), value, 1e-9));
        Isotonic.Fit([], []);
        Assert.Throws<ArgumentOutOfRangeException>(() => Isotonic.Fit(new double[Isotonic.MostValues + 1], new double[Isotonic.MostValues + 1]));
    }
}
