using System.Runtime.Intrinsics;

namespace SpecDecode.Sampling;

/// <summary>How far the logits of a row lie apart.</summary>
internal static class LogitDeviation
{
    /// <summary>
    /// The standard deviation of the logits that are not −∞ (of all of them, so by their number and not one less). The sums are in doubles and in one order
    /// everywhere, so that a row has always the same; the mean comes first, so that a few logits far below all others leave it its digits.
    /// </summary>
    /// <param name="row">A row that can be chosen from.</param>
    public static double Of(LogitRow row)
    {
        double sum = Sum(row.Logits, about: 0, isSquared: false, out int count);
        return Math.Sqrt(Sum(row.Logits, sum / count, isSquared: true, out _) / count);
    }

    // The sum of what lies between the logits and a number, or of its squares.
    private static double Sum(ReadOnlySpan<float> logits, double about, bool isSquared, out int count)
    {
        Vector512<float> masked = Vector512.Create(float.NegativeInfinity);
        Vector512<double> origin = Vector512.Create(about);
        Vector512<double> lowerSums = default, upperSums = default;
        Vector512<int> counts = default;
        while (logits.Length >= Vector512<float>.Count)
        {
            Vector512<float> some = Vector512.Create(logits);
            Vector512<int> isThere = Vector512.GreaterThan(some, masked).AsInt32();
            (Vector512<double> lower, Vector512<double> upper) = Vector512.Widen(some);
            (Vector512<long> lowerIsThere, Vector512<long> upperIsThere) = Vector512.Widen(isThere);
            lower = (lower - origin) & lowerIsThere.AsDouble();
            upper = (upper - origin) & upperIsThere.AsDouble();
            lowerSums += isSquared ? lower * lower : lower;
            upperSums += isSquared ? upper * upper : upper;
            counts -= isThere;
            logits = logits[Vector512<float>.Count..];
        }

        double sum = 0;
        count = Vector512.Sum(counts);
        for (int i = 0; i < Vector512<double>.Count; i++)
        {
            sum += lowerSums[i] + upperSums[i];
        }

        foreach (float logit in logits)
        {
            if (logit > float.NegativeInfinity)
            {
                double way = logit - about;
                sum += isSquared ? way * way : way;
                count++;
            }
        }

        return sum;
    }
}
