namespace SpecDecode.Benchmarks;

/// <summary>How far a median can be believed.</summary>
internal static class Bootstrap
{
    private const int Resamples = 4000;

    /// <summary>The median of ratios, and the interval that has those of 95 % of resamples of them.</summary>
    public static (double Median, double Low, double High) Median(double[] ratios)
    {
        Random random = new(1);
        double[] medians = new double[Resamples];
        double[] sample = new double[ratios.Length];
        for (int i = 0; i < Resamples; i++)
        {
            for (int j = 0; j < sample.Length; j++)
            {
                sample[j] = ratios[random.Next(ratios.Length)];
            }

            medians[i] = MedianOf(sample);
        }

        Array.Sort(medians);
        return (MedianOf([.. ratios]), medians[(int)(.025 * Resamples)], medians[(int)(.975 * Resamples)]);
    }

    private static double MedianOf(double[] values)
    {
        Array.Sort(values);
        return values.Length % 2 == 1 ? values[values.Length / 2] : (values[values.Length / 2 - 1] + values[values.Length / 2]) / 2;
    }
}
