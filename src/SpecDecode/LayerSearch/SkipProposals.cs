using SpecDecode.Calibration;

namespace SpecDecode.LayerSearch;

/// <summary>
/// Which skip sets to try next: random changes of the best one, and in turn with them what a Gaussian process over bits expects the most of
/// (Bayesian optimisation; SWIFT, 2410.06916, does so in every 25th try with a library's process over numbers). The process is exact and of few
/// observations, the last ones: to choose takes less time than a pass.
/// </summary>
/// <param name="bits">Blocks that may be left out.</param>
/// <param name="random">Where chance comes from.</param>
internal sealed class SkipProposals(int bits, Random random)
{
    private const int MostObservations = 64;
    private const double Noise = 0.05;
    private const double LengthShare = 0.5;

    // What the process chooses from.
    private const int Pool = 64;

    // A random change is of at most so many bits.
    private const int MostFlips = 3;

    private readonly Queue<(bool[] Skipped, double Score)> _observed = [];
    private readonly HashSet<string> _known = [];
    private bool _isModelsTurn;

    /// <summary>Sets that were tried.</summary>
    public int Tried => _known.Count;

    /// <summary>Notes what a set came to.</summary>
    /// <param name="skipped">The set.</param>
    /// <param name="score">The more, the better.</param>
    public void Note(bool[] skipped, double score)
    {
        _known.Add(Key(skipped));
        _observed.Enqueue((skipped, score));
        if (_observed.Count > MostObservations)
        {
            _observed.Dequeue();
        }
    }

    /// <summary>Whether a set was not tried.</summary>
    public bool IsNew(bool[] skipped) => !_known.Contains(Key(skipped));

    /// <summary>Forgets which sets were tried: texts have changed.</summary>
    public void Forget()
    {
        _known.Clear();
        _observed.Clear();
    }

    /// <summary>Sets that were not tried, the best guesses first.</summary>
    /// <param name="best">The best so far.</param>
    /// <param name="count">How many; fewer come where there are no more.</param>
    public List<bool[]> Next(bool[] best, int count)
    {
        HashSet<string> taken = [.. _known, Key(best)];
        List<bool[]> pool = [];
        int wanted = _isModelsTurn && _observed.Count > 1 ? Pool : count;
        for (int i = 0; i < 4 * wanted && pool.Count < wanted; i++)
        {
            bool[] changed = Changed(best);
            if (taken.Add(Key(changed)))
            {
                pool.Add(changed);
            }
        }

        _isModelsTurn = !_isModelsTurn;
        return pool.Count <= count ? pool : Expected(pool, count);
    }

    private static string Key(bool[] skipped) => string.Concat(skipped.Select(bit => bit ? '1' : '0'));

    private bool[] Changed(bool[] best)
    {
        bool[] changed = [.. best];
        for (int flips = random.Next(MostFlips) + 1; flips > 0; flips--)
        {
            int bit = random.Next(bits);
            changed[bit] = !changed[bit];
        }

        return changed;
    }

    // The most expected improvement, one after the other, each believed to turn out as expected.
    private List<bool[]> Expected(List<bool[]> pool, int count)
    {
        GaussianProcess process = new(Math.Max(1, bits * LengthShare), Noise);
        double best = double.NegativeInfinity;
        foreach ((bool[] skipped, double score) in _observed)
        {
            process.Add(skipped, score);
            best = Math.Max(best, score);
        }

        List<bool[]> chosen = [];
        while (chosen.Count < count && pool.Count > 0)
        {
            bool[] next = pool.MaxBy(skipped => process.ExpectedImprovement(skipped, best))!;
            pool.Remove(next);
            chosen.Add(next);
            process.Add(next, process.Predict(next).Mean);
        }

        return chosen;
    }
}
