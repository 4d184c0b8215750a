using SpecDecode.Sampling;

namespace SpecDecode.Tests.Sampling;

/// <summary>What sampling options make of a row of logits, plainly: everything sorted, in doubles. The tests' reference.</summary>
internal static class PlainDistribution
{
    /// <summary>The probability of every token: softmax over the temperature, top-k, top-p of what that leaves, min-p, top-n-sigma, normalised.</summary>
    public static double[] Of(ReadOnlySpan<float> logits, SamplingOptions sampling)
    {
        double[] values = new double[logits.Length];
        double highest = double.NegativeInfinity;
        foreach (float logit in logits)
        {
            highest = Math.Max(highest, logit);
        }

        for (int token = 0; token < values.Length; token++)
        {
            values[token] = (logits[token] - highest) / sampling.Temperature;
        }

        int[] order = [.. Enumerable.Range(0, values.Length).OrderByDescending(token => values[token]).ThenBy(token => token)];
        int k = sampling.TopK == 0 ? order.Length : Math.Min(sampling.TopK, order.Length);
        double total = order.Take(k).Sum(token => Math.Exp(values[token]));
        double[] probabilities = new double[values.Length];
        double above = 0;
        foreach (int token in order.Take(k))
        {
            double weight = Math.Exp(values[token]);
            bool byP = sampling.TopP == 1 || above < sampling.TopP * total;
            probabilities[token] = byP && values[token] >= Math.Log(sampling.MinP) ? weight : 0;
            above += weight;
        }

        if (sampling.TopNSigma > 0)
        {
            double lowest = highest - sampling.TopNSigma * Deviation(logits);
            for (int token = 0; token < values.Length; token++)
            {
                probabilities[token] = logits[token] >= lowest ? probabilities[token] : 0;
            }
        }

        double kept = probabilities.Sum();
        return [.. probabilities.Select(weight => weight / kept)];
    }

    /// <summary>The standard deviation of the logits that are not masked, from all pairs of them where they are few, else from their mean.</summary>
    public static double Deviation(ReadOnlySpan<float> logits)
    {
        double[] there = [.. logits.ToArray().Where(logit => !float.IsNegativeInfinity(logit)).Select(logit => (double)logit)];
        if (there.Length <= 40)
        {
            return Math.Sqrt(there.Sum(a => there.Sum(b => (a - b) * (a - b))) / 2) / there.Length;
        }

        double mean = there.Average();
        return Math.Sqrt(there.Average(logit => (logit - mean) * (logit - mean)));
    }

    /// <summary>How near the mass above some token is to top-p's limit, as a share of all: where it is tiny, floats may fall on the other side.</summary>
    public static double DistanceToTopP(ReadOnlySpan<float> logits, SamplingOptions sampling)
    {
        double[] sorted = [.. Of(logits, sampling with { TopP = 1, MinP = 0, TopNSigma = 0 }).OrderDescending()];
        double above = 0;
        double nearest = 1;
        foreach (double probability in sorted)
        {
            above += probability;
            nearest = probability == 0 ? nearest : Math.Min(nearest, Math.Abs(above - sampling.TopP));
        }

        return nearest;
    }
}
