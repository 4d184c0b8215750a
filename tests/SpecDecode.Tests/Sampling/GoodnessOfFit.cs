namespace SpecDecode.Tests.Sampling;

/// <summary>Pearson's χ² test of counts against probabilities.</summary>
internal static class GoodnessOfFit
{
    // One sample of 30,000 that fits is rejected; seeds are fixed, so a test that passes always does.
    public const double CriticalDeviation = 4;

    /// <summary>Counts are what so many draws from the distribution give.</summary>
    public static void AssertFits(IReadOnlyList<int> counts, IReadOnlyList<double> probabilities)
    {
        double deviation = Deviation(counts, probabilities);
        Assert.True(deviation < CriticalDeviation, $"χ² lies {deviation:f1} standard deviations above its mean.");
    }

    /// <summary>
    /// Where χ² lies in its distribution, as a deviation of the standard normal one (Wilson and Hilferty 1931); infinite where
    /// something came that cannot come. Bins in which fewer than 5 are expected are taken together.
    /// </summary>
    public static double Deviation(IReadOnlyList<int> counts, IReadOnlyList<double> probabilities)
    {
        Assert.Equal(1, probabilities.Sum(), 1e-9);
        int total = counts.Sum();
        double sum = 0;
        int bins = 0;
        double smallExpected = 0;
        int smallCount = 0;
        for (int i = 0; i < counts.Count; i++)
        {
            double expected = total * probabilities[i];
            if (expected == 0 && counts[i] > 0)
            {
                return double.PositiveInfinity;
            }

            if (expected >= 5)
            {
                sum += (counts[i] - expected) * (counts[i] - expected) / expected;
                bins++;
            }
            else
            {
                smallExpected += expected;
                smallCount += counts[i];
            }
        }

        if (smallExpected > 0)
        {
            // Where all of them together are few, the square is taken over what is usual for one bin.
            sum += (smallCount - smallExpected) * (smallCount - smallExpected) / Math.Max(smallExpected, 1);
            bins++;
        }

        double freedom = bins - 1;
        Assert.True(freedom >= 1, "Everything lies in one bin.");
        double spread = 2 / (9 * freedom);
        return (Math.Cbrt(sum / freedom) - (1 - spread)) / Math.Sqrt(spread);
    }
}
