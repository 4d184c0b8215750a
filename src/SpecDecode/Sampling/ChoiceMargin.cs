namespace SpecDecode.Sampling;

/// <summary>
/// How near a choice was to another one. Rows that are computed with others round in another order, so two ways to compute one
/// row may choose differently where the margin is about as small as that rounding; where it is not, they may not.
/// </summary>
internal static class ChoiceMargin
{
    /// <summary>The margin of the arg max: how far the second highest logit lies below.</summary>
    /// <param name="logits">One row of logits, <c>[V]</c>.</param>
    public static double Greedy(ReadOnlySpan<float> logits)
    {
        int best = Sampling.Greedy.Pick(logits);
        double second = double.NegativeInfinity;
        for (int token = 0; token < logits.Length; token++)
        {
            second = token == best ? second : Math.Max(second, logits[token]);
        }

        return logits[best] - second;
    }

    /// <summary>
    /// The margin of a choice with noise, in units of log probability: the smaller of the gap between the two highest scores of the
    /// support, and of the way to a boundary that could change the winner: for the winner, out of the support; for a token
    /// outside whose score is higher, into it. The way to top-p's boundary is that of the mass above a token to P, or that of the
    /// token to its neighbour across the boundary, where that is shorter.
    /// </summary>
    /// <param name="logits">One row of logits, <c>[V]</c>.</param>
    /// <param name="sampling">Temperature above 0, and the limits.</param>
    /// <param name="noise">The noise at the position.</param>
    public static double SharedNoise(ReadOnlySpan<float> logits, SamplingOptions sampling, GumbelNoise noise)
    {
        // Plainly: everything sorted, in doubles, apart from the code that it judges.
        int[] order = [.. Enumerable.Range(0, logits.Length)];
        double[] scaled = new double[logits.Length];
        for (int token = 0; token < logits.Length; token++)
        {
            scaled[token] = (double)logits[token] / sampling.Temperature;
        }

        Array.Sort(order, (a, b) => scaled[a] != scaled[b] ? scaled[b].CompareTo(scaled[a]) : a.CompareTo(b));
        double[] distances = Distances(order, scaled, sampling);

        int winner = -1;
        double best = double.NegativeInfinity;
        double second = double.NegativeInfinity;
        for (int rank = 0; rank < order.Length; rank++)
        {
            double score = scaled[order[rank]] + noise.Of(order[rank]);
            if (distances[rank] >= 0)
            {
                second = Math.Max(second, Math.Min(best, score));
                (best, winner) = score > best ? (score, rank) : (best, winner);
            }
        }

        double margin = Math.Min(best - second, distances[winner]);
        for (int rank = 0; rank < order.Length; rank++)
        {
            if (distances[rank] < 0 && scaled[order[rank]] + noise.Of(order[rank]) > best)
            {
                margin = Math.Min(margin, -distances[rank]);
            }
        }

        return margin;
    }

    // By rank: how far a token is from leaving the support (0 or more), or from coming into it (below 0).
    private static double[] Distances(int[] order, double[] scaled, SamplingOptions sampling)
    {
        int count = order.Length;
        int k = sampling.TopK > 0 ? Math.Min(sampling.TopK, count) : count;
        double[] weights = [.. order.Select(token => Math.Exp(scaled[token] - scaled[order[0]]))];
        double total = weights.Take(k).Sum();
        double minP = sampling.MinP > 0 ? scaled[order[0]] + Math.Log(sampling.MinP) : double.NegativeInfinity;

        // Tokens before whom less than P lies; the first always.
        double[] above = new double[count];
        for (int rank = 1; rank < count; rank++)
        {
            above[rank] = above[rank - 1] + weights[rank - 1] / total;
        }

        int p = sampling.TopP < 1 ? Enumerable.Range(0, k).Count(rank => above[rank] < sampling.TopP) : count;
        double[] distances = new double[count];
        for (int rank = 0; rank < count; rank++)
        {
            double value = scaled[order[rank]];
            double byK = k == count ? double.PositiveInfinity : rank < k ? value - scaled[order[k]] : value - scaled[order[k - 1]];
            double byMinP = value - minP;
            double byP = double.PositiveInfinity;
            if (sampling.TopP < 1 && rank > 0)
            {
                double mass = Math.Abs(sampling.TopP - above[rank]);
                byP = rank < p ? Math.Min(mass, p < count ? value - scaled[order[p]] : mass) : -Math.Min(mass, scaled[order[p - 1]] - value);
            }

            // Inside by all, or outside by one at least: then so far as the farthest of those.
            bool inside = rank < k && rank < p && byMinP >= 0;
            double outside = Math.Min(Math.Min(rank < k ? 0 : byK, byMinP < 0 ? byMinP : 0), rank < p ? 0 : byP);
            distances[rank] = inside ? Math.Min(Math.Min(byK, byMinP), byP) : Math.Min(outside, -double.Epsilon);
        }

        return distances;
    }
}
