namespace SpecDecode.Drafting;

/// <summary>The non-decreasing sequence nearest to given values in weighted squares: pool adjacent violators.</summary>
internal static class Isotonic
{
    /// <summary>The most values that are taken; what is needed for them lies on the stack.</summary>
    public const int MostValues = 256;

    /// <summary>Puts the fit in the values' place: where they fall, each becomes the weighted mean of those it is pooled with.</summary>
    /// <param name="values">Finite; at most <see cref="MostValues"/>.</param>
    /// <param name="weights">One above 0 for each.</param>
    public static void Fit(Span<double> values, ReadOnlySpan<double> weights)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(values.Length, MostValues);
        Span<double> poolWeights = stackalloc double[values.Length];
        Span<int> poolEnds = stackalloc int[values.Length];
        int pools = 0;
        for (int i = 0; i < values.Length; i++)
        {
            // A pool's mean is put where the pool's number is, which has been read already.
            double mean = values[i];
            double weight = weights[i];
            while (pools > 0 && values[pools - 1] >= mean)
            {
                pools--;
                double sum = weight + poolWeights[pools];
                mean += (values[pools] - mean) * (poolWeights[pools] / sum);
                weight = sum;
            }

            values[pools] = mean;
            poolWeights[pools] = weight;
            poolEnds[pools++] = i + 1;
        }

        // From the end, so that no mean is overwritten before it is read.
        for (int pool = pools - 1; pool >= 0; pool--)
        {
            values[(pool == 0 ? 0 : poolEnds[pool - 1])..poolEnds[pool]].Fill(values[pool]);
        }
    }
}
