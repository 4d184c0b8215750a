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
    /// outside, into it, or to the winner's score where that is farther. To cross top-p's boundary, a token has to change places with its neighbours as far
    /// as one at which the mass above lies on the other side of P, or nearly: the way is the gap to that neighbour or what is
    /// missing there in mass, whichever is longer.
    /// </summary>
    /// <param name="logits">One row of logits, <c>[V]</c>.</param>
    /// <param name="sampling">Temperature above 0, and the limits.</param>
    /// <param name="noise">The noise at the position.</param>
    public static double SharedNoise(ReadOnlySpan<float> logits, SamplingOptions sampling, GumbelNoise noise)
    {
        Ranking ranking = new(logits, sampling);
        double[] scores = [.. ranking.Tokens.Select((token, rank) => ranking.Values[rank] + noise.Of(token))];
        int winner = 0;
        double second = double.NegativeInfinity;
        for (int rank = 1; rank < ranking.Inside; rank++)
        {
            second = Math.Max(second, Math.Min(scores[winner], scores[rank]));
            winner = scores[rank] > scores[winner] ? rank : winner;
        }

        double margin = Math.Min(scores[winner] - second, ranking.WayOut(winner));
        for (int rank = ranking.Inside; rank < scores.Length; rank++)
        {
            double gap = scores[winner] - scores[rank];
            margin = gap < margin ? Math.Min(margin, Math.Max(gap, ranking.WayIn(rank))) : margin;
        }

        return margin;
    }

    // Plainly: everything sorted, in doubles, apart from the code that it judges.
    private sealed class Ranking
    {
        private readonly SamplingOptions _sampling;
        private readonly int _k;
        private readonly double _minValue;
        private readonly double _sigmaValue;

        // Where all logits move by up to one, the gap between two of them changes by up to two, and that to top-n-sigma's boundary by up to n more.
        private readonly double _sigmaPart;

        // By rank, of the top k: what lies above a token of the mass that top-k leaves.
        private readonly double[] _above;

        public Ranking(ReadOnlySpan<float> logits, SamplingOptions sampling)
        {
            double[] values = new double[logits.Length];
            for (int token = 0; token < logits.Length; token++)
            {
                values[token] = (double)logits[token] / sampling.Temperature;
            }

            Tokens = [.. Enumerable.Range(0, logits.Length)];
            Array.Sort(Tokens, (a, b) => values[a] != values[b] ? values[b].CompareTo(values[a]) : a.CompareTo(b));
            double highest = values[Tokens[0]];
            Values = [.. Tokens.Select(token => values[token] - highest)];

            _sampling = sampling;
            _k = sampling.TopK > 0 ? Math.Min(sampling.TopK, logits.Length) : logits.Length;
            _minValue = sampling.MinP > 0 ? Math.Log(sampling.MinP) : double.NegativeInfinity;
            _sigmaValue = sampling.TopNSigma > 0 ? -sampling.TopNSigma * Deviation(values) : double.NegativeInfinity;
            _sigmaPart = 2 / (2.0 + sampling.TopNSigma);
            _above = new double[_k];
            double total = Values.Take(_k).Sum(Math.Exp);
            for (int rank = 1; rank < _k; rank++)
            {
                _above[rank] = _above[rank - 1] + Math.Exp(Values[rank - 1]) / total;
            }

            Inside = Enumerable.Range(0, _k).Count(rank => Values[rank] >= Math.Max(_minValue, _sigmaValue) && (_above[rank] < sampling.TopP || sampling.TopP == 1));
        }

        /// <summary>Token ids from the most probable on.</summary>
        public int[] Tokens { get; }

        /// <summary>By rank: log probability, counted from the highest.</summary>
        public double[] Values { get; }

        /// <summary>So many of the first are in the support.</summary>
        public int Inside { get; }

        /// <summary>How far a token of the support is from leaving it.</summary>
        public double WayOut(int rank)
        {
            // The first falls below min-p's boundary, and top-n-sigma's, only when another rises above it.
            double overtaken = rank == 0 && Values.Length > 1 ? Values[1] : 0;
            double way = Math.Min(Values[rank] - _minValue, (Values[rank] - _sigmaValue) * _sigmaPart) - overtaken;
            if (_k < Values.Length)
            {
                way = Math.Min(way, Values[rank] - Values[_k]);
            }

            double past = double.PositiveInfinity;
            for (int other = Math.Max(rank, 1); _sampling.TopP < 1 && other < _k && Values[rank] - Values[other] < past; other++)
            {
                past = Math.Min(past, Math.Max(Values[rank] - Values[other], _sampling.TopP - _above[other]));
            }

            return Math.Min(way, past);
        }

        /// <summary>How far a token outside the support is from coming in: past the farthest of its boundaries.</summary>
        public double WayIn(int rank)
        {
            double way = Math.Max(0, Math.Max(_minValue - Values[rank], (_sigmaValue - Values[rank]) * _sigmaPart));
            if (rank >= _k)
            {
                way = Math.Max(way, Values[_k - 1] - Values[rank]);
            }

            double past = double.PositiveInfinity;
            for (int other = Math.Min(rank, _k - 1); _sampling.TopP < 1 && other >= 0 && Values[other] - Values[rank] < past; other--)
            {
                past = Math.Min(past, Math.Max(Values[other] - Values[rank], _above[other] - _sampling.TopP));
            }

            return double.IsInfinity(past) ? way : Math.Max(way, past);
        }

        private static double Deviation(double[] values)
        {
            double[] finite = [.. values.Where(double.IsFinite)];
            double mean = finite.Average();
            return Math.Sqrt(finite.Average(value => (value - mean) * (value - mean)));
        }
    }
}
