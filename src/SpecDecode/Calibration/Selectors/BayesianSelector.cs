namespace SpecDecode.Calibration.Selectors;

/// <summary>
/// Bayesian optimisation over sets of attention and MLP blocks (Draft &amp; Verify, 2309.08168). The paper measures whole texts' time; here the
/// objective is the expected speed-up, and the surrogate a <see cref="GaussianProcess"/> on bits.
/// </summary>
internal sealed class BayesianSelector : ILayerSelector
{
    private const int MostTries = 400;

    // So many tries without a better one end the search.
    private const int MostStale = 120;

    // Random sets to begin with, of all sizes up to this share.
    private const int Beginnings = 16;
    private const double MostShare = 0.6;

    // Plans are scored so many at a time: fewer than elsewhere, since each is chosen by what is known.
    private const int Batch = 4;

    // What is looked through for the next plan: random sets, and the neighbours of the best few.
    private const int Fresh = 100;
    private const int Parents = 3;
    private const int Steps = 60;

    // Agreement on a stretch of text scatters.
    private const double Noise = 0.03;

    // ℓ is one of these shares of the number of bits, the one that fits best, looked at again after so many observations.
    private static readonly double[] LengthShares = [0.1, 0.25, 0.5, 1, 2];
    private const int RefitInterval = 16;

    /// <inheritdoc/>
    public string Name => "bayesian";

    /// <inheritdoc/>
    public string Paper => "Draft & Verify, 2309.08168";

    /// <inheritdoc/>
    public void Search(IPlanSearch search)
    {
        if (search.Optional.Count == 0)
        {
            return;
        }

        Run run = new(search);
        run.Begin();
        while (run.Tried < MostTries && run.Stale < MostStale && run.Next() is { Count: > 0 } batch && run.Score(batch))
        {
        }
    }

    private sealed class Run(IPlanSearch search)
    {
        private readonly Random _random = new(search.Seed);
        private readonly List<(bool[] Skipped, double Speedup)> _tried = [];
        private readonly HashSet<string> _known = [];
        private GaussianProcess _process = new(search.Optional.Count * LengthShares[2], Noise);
        private double _best = double.NegativeInfinity;

        public int Tried => _tried.Count;

        public int Stale { get; private set; }

        public void Begin()
        {
            List<bool[]> batch = [];
            for (int i = 0; i < Beginnings; i++)
            {
                batch.Add(SkipSets.Draw(_random, search.Optional.Count, MostShare * (i + 1) / Beginnings));
            }

            Score([.. batch.Where(skipped => !_known.Contains(Key(skipped))).DistinctBy(Key)]);
        }

        public bool Score(List<bool[]> batch)
        {
            if (!search.TryScore([.. batch.Select(skipped => SkipSets.Candidate(search, skipped))], out IReadOnlyList<PlanScore>? scores))
            {
                return false;
            }

            for (int i = 0; i < batch.Count; i++)
            {
                _tried.Add((batch[i], scores[i].Speedup));
                _known.Add(Key(batch[i]));
                _process.Add(batch[i], scores[i].Speedup);
                Stale = scores[i].Speedup > _best ? 0 : Stale + 1;
                _best = Math.Max(_best, scores[i].Speedup);
                if (_tried.Count % RefitInterval == 0)
                {
                    Refit();
                }
            }

            return true;
        }

        // The sets of the most expected improvement, one after the other: each is believed to turn out as expected before the next is looked for.
        // None where all sets were tried.
        public List<bool[]> Next()
        {
            List<bool[]> pool = [.. Pool().Where(skipped => !_known.Contains(Key(skipped))).DistinctBy(Key)];
            List<bool[]> batch = [];
            int observed = _process.Count;
            while (batch.Count < Batch && pool.Count > 0)
            {
                bool[] next = pool.MaxBy(skipped => _process.ExpectedImprovement(skipped, _best))!;
                pool.Remove(next);
                batch.Add(next);
                _process.Add(next, _process.Predict(next).Mean);
            }

            _process.Truncate(observed);
            return batch;
        }

        private IEnumerable<bool[]> Pool()
        {
            int bits = search.Optional.Count;
            for (int i = 0; i < Fresh; i++)
            {
                yield return SkipSets.Draw(_random, bits, MostShare * _random.NextDouble());
            }

            foreach ((bool[] parent, _) in _tried.OrderByDescending(tried => tried.Speedup).Take(Parents))
            {
                for (int bit = 0; bit < bits; bit++)
                {
                    yield return Flipped(parent, bit);
                }

                for (int i = 0; i < Steps; i++)
                {
                    yield return Flipped(Flipped(parent, _random.Next(bits)), _random.Next(bits));
                }
            }
        }

        private void Refit()
        {
            _process = LengthShares.Select(share =>
            {
                GaussianProcess process = new(search.Optional.Count * share, Noise);
                _tried.ForEach(tried => process.Add(tried.Skipped, tried.Speedup));
                return process;
            }).MaxBy(process => process.LogLikelihood())!;
        }

        private static bool[] Flipped(bool[] skipped, int bit)
        {
            bool[] flipped = [.. skipped];
            flipped[bit] = !flipped[bit];
            return flipped;
        }

        private static string Key(bool[] skipped) => string.Concat(skipped.Select(bit => bit ? '1' : '0'));
    }
}
