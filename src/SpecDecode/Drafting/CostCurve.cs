using System.Diagnostics.CodeAnalysis;

namespace SpecDecode.Drafting;

/// <summary>
/// Seconds that a pass takes by its number of rows, from passes measured on a machine that is at times busy with something else and
/// may become slower or faster for good. For one thread; nothing is allocated but by <see cref="Snapshot"/>.
/// </summary>
/// <remarks>
/// A row count's value is the median of its last samples. The medians are made non-decreasing over the rows, each with its number of
/// samples as weight, which shrinks with their age, and interpolated. A count that has not been measured for long follows the others: its
/// samples are scaled by what the medians of those that were measured have changed since.
/// </remarks>
internal sealed class CostCurve
{
    /// <summary>The most rows that a curve may be made for.</summary>
    public const int MostRows = Isotonic.MostValues;

    /// <summary>
    /// So many samples of a count are kept. Their median stays where fewer than half of them are disturbed, and goes along with a lasting
    /// change once it has 8 samples of it.
    /// </summary>
    public const int KeptSamples = 15;

    /// <summary>A count is known from so many samples on: the fewest whose median one slow sample does not move.</summary>
    public const int KnownSamples = 3;

    // What a row more costs in parts of the first, as long as one count only is known: most of a pass's time goes into reading weights.
    private const double PriorSlope = 0.08;

    // What a row more costs at least where no such count is known, in parts of the fewest rows': noise may make the last medians equal, and rows
    // that cost nothing would be taken without end.
    private const double LeastSlope = 0.02;

    // After so many samples of other counts, one counts half: as many as a median needs to go along with a change. A shorter time makes
    // shares scatter, a longer one counts what is not measured any more.
    private const double HalfLife = 8;

    // A count goes by its own samples alone as long as fewer samples of others than this have come since, which is so for each of the
    // handful of counts that a text's rounds use; from the second number on it follows the others wholly.
    private const double RecentAge = 6;
    private const double OldAge = 18;

    // No pass is shorter or longer; what a clock says beyond is a fault. Both are singles, as the samples are.
    private const double LeastSeconds = 1e-9f;
    private const double MostSeconds = 86_400;

    // So that also what was measured long ago has a weight.
    private const double LeastWeight = 1e-9;

    // The bound of the logarithm of two times' ratio.
    private static readonly double MostDrift = Math.Log(MostSeconds / LeastSeconds);

    // Of samples that all are of one count.
    private static readonly double MostWeight = 1 / (1 - Recency(1));

    private readonly Measured[] _measured;
    private readonly float[] _samples;
    private long _adds;
    private int _knownCounts;

    // The most rows that were measured, mostly a few of MaxRows.
    private int _most;

    // Seconds for 1 to _end rows, and what a row more costs; once something was added, they are made anew when they are asked for.
    private readonly double[] _curve;
    private int _end;
    private double _slope;
    private bool _isCurrent;

    /// <summary>A curve without samples.</summary>
    /// <param name="maxRows">The most rows whose passes are measured; 1 to <see cref="MostRows"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">They are none of these.</exception>
    public CostCurve(int maxRows)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxRows, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxRows, MostRows);
        _measured = new Measured[maxRows];
        _samples = new float[maxRows * KeptSamples];
        _curve = new double[maxRows];
    }

    /// <summary>The most rows whose passes are measured.</summary>
    public int MaxRows => _measured.Length;

    /// <summary>Whether there is no sample, and so no answer.</summary>
    public bool IsEmpty => _adds == 0;

    /// <summary>Takes what a snapshot has.</summary>
    /// <param name="state">A snapshot, from wherever.</param>
    /// <param name="maxRows">The most rows whose passes are measured; 1 to <see cref="MostRows"/>.</param>
    /// <param name="curve">
    /// One that answers as the one that the snapshot is of; null where the state is none that could have come about, or has more rows.
    /// </param>
    public static bool TryRestore(CostState? state, int maxRows, [NotNullWhen(true)] out CostCurve? curve)
    {
        curve = null;
        if (state?.Costs is not { } costs)
        {
            return false;
        }

        CostCurve restored = new(maxRows);
        int last = 0;
        foreach (RowCost? cost in costs)
        {
            if (cost is null || cost.Rows <= last || cost.Rows > maxRows || !IsSound(cost))
            {
                return false;
            }

            restored._adds = Math.Max(restored._adds, cost.Age + 1);
            last = cost.Rows;
        }

        foreach (RowCost cost in costs)
        {
            restored.Take(cost);
        }

        curve = restored;
        return true;
    }

    /// <summary>A copy of what was measured.</summary>
    public CostState Snapshot()
    {
        List<RowCost> costs = [];
        for (int i = 0; i < MaxRows; i++)
        {
            Measured measured = _measured[i];
            if (measured.Count > 0)
            {
                // Before the ring is full its oldest is the first.
                int oldest = measured.Count == KeptSamples ? measured.Next : 0;
                costs.Add(new RowCost
                {
                    Rows = i + 1, Weight = measured.Weight, Age = _adds - measured.LastAdd, Drift = measured.Drift,
                    Seconds = [.. Enumerable.Range(0, measured.Count).Select(k => (double)_samples[i * KeptSamples + (oldest + k) % KeptSamples])],
                });
            }
        }

        return new CostState { Costs = [.. costs] };
    }

    /// <summary>Whether passes of so many rows were measured often enough for a value of their own.</summary>
    /// <param name="rows">Number of rows.</param>
    public bool IsKnown(int rows) => rows >= 1 && rows <= MaxRows && _measured[rows - 1].Count >= KnownSamples;

    /// <summary>
    /// Learns what a pass took. What is no time of a pass (not finite, 0 or less, beyond a day) is ignored, and so are more rows than
    /// <see cref="MaxRows"/>.
    /// </summary>
    /// <param name="rows">Its number of rows; at least 1.</param>
    /// <param name="seconds">Its time.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer rows than one.</exception>
    public void Add(int rows, double seconds)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        if (rows > MaxRows || !(seconds is >= LeastSeconds and <= MostSeconds))
        {
            return;
        }

        _adds++;
        _most = Math.Max(_most, rows);
        ref Measured measured = ref _measured[rows - 1];
        Span<float> samples = _samples.AsSpan((rows - 1) * KeptSamples, KeptSamples);
        double factor = Followed(measured);
        foreach (ref float sample in samples[..measured.Count])
        {
            sample = Scaled(sample, factor);
        }

        float before = Scaled(measured.Median, factor);
        bool wasKnown = IsKnown(rows);
        samples[measured.Next] = (float)seconds;
        measured.Next = (measured.Next + 1) % KeptSamples;
        measured.Count = Math.Min(measured.Count + 1, KeptSamples);
        measured.Median = Median(samples[..measured.Count]);
        measured.Weight = measured.Weight * Recency(_adds - measured.LastAdd) + 1;
        measured.LastAdd = _adds;
        measured.Drift = 0;
        if (wasKnown && measured.Median != before)
        {
            LetFollow(rows, Math.Log(measured.Median / before));
        }

        _knownCounts += IsKnown(rows) && !wasKnown ? 1 : 0;
        _isCurrent = false;
    }

    /// <summary>
    /// What a pass takes: between known counts interpolated; beyond them along the line from the one at half their rows or fewer, or the first; where one only is known,
    /// with a row more at 8 % of the first. As long as no count is known, all that were measured count as known. Never less than for
    /// fewer rows.
    /// </summary>
    /// <param name="rows">Its number of rows; at least 1.</param>
    /// <returns>Seconds, above 0.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer rows than one.</exception>
    /// <exception cref="InvalidOperationException">There is no sample.</exception>
    public double At(int rows)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        if (IsEmpty)
        {
            throw new InvalidOperationException("No pass was measured, so there is no cost: ask IsEmpty before, and add a pass first.");
        }

        if (!_isCurrent)
        {
            MakeCurve();
        }

        return rows <= _end ? _curve[rows - 1] : _curve[_end - 1] + _slope * ((double)rows - _end);
    }

    // The weight of a sample that so many others came after.
    private static double Recency(long adds) => Math.Pow(2, -adds / HalfLife);

    private static float Scaled(float sample, double factor) => (float)Math.Clamp(sample * factor, LeastSeconds, MostSeconds);

    // Of an even number the lower one of the middle: what disturbs a pass makes it slower.
    private static float Median(ReadOnlySpan<float> samples)
    {
        Span<float> sorted = stackalloc float[KeptSamples];
        for (int count = 0; count < samples.Length; count++)
        {
            int place = count;
            for (; place > 0 && sorted[place - 1] > samples[count]; place--)
            {
                sorted[place] = sorted[place - 1];
            }

            sorted[place] = samples[count];
        }

        return sorted[(samples.Length - 1) / 2];
    }

    private static bool IsSound(RowCost cost) =>
        cost.Seconds is { Length: >= 1 and <= KeptSamples } && Array.TrueForAll(cost.Seconds, sample => sample is >= LeastSeconds and <= MostSeconds)
        && cost.Weight >= 1 && cost.Weight <= MostWeight * (1 + 1e-9) && cost.Age is >= 0 and <= 1L << 60 && Math.Abs(cost.Drift) <= MostDrift;

    // What a count's samples are to be scaled by. One that is measured as often as others has what changed in its own samples already.
    private double Followed(in Measured measured) => measured.Drift == 0
        ? 1
        : Math.Exp(measured.Drift * Math.Clamp((_adds - measured.LastAdd - RecentAge) / (OldAge - RecentAge), 0, 1));

    // The change of a count's median counts for each other count by its share of the recent samples, so that where the counts that are
    // measured change alike it comes to the same. The shares are those among the counts that were measured long after the one that
    // follows, or just now: what is old itself has no part. Half a sample less, for the last one is always of this count.
    private void LetFollow(int rows, double change)
    {
        Span<double> weights = stackalloc double[_most];
        for (int i = 0; i < _most; i++)
        {
            weights[i] = _measured[i].Count > 0 ? _measured[i].Weight * Recency(_adds - _measured[i].LastAdd) : 0;
        }

        for (int i = 0; i < _most; i++)
        {
            ref Measured follower = ref _measured[i];
            if (follower.Count == 0 || i == rows - 1)
            {
                continue;
            }

            long age = _adds - follower.LastAdd;
            double sum = 0;
            for (int k = 0; k < _most; k++)
            {
                long others = _adds - _measured[k].LastAdd;
                sum += k != i && (2 * others <= age || others <= RecentAge) ? weights[k] : 0;
            }

            follower.Drift = Math.Clamp(follower.Drift + change * ((weights[rows - 1] - 0.5) / (sum - 0.5)), -MostDrift, MostDrift);
        }
    }

    private void Take(RowCost cost)
    {
        Span<float> samples = _samples.AsSpan((cost.Rows - 1) * KeptSamples, KeptSamples);
        for (int i = 0; i < cost.Seconds.Length; i++)
        {
            samples[i] = Scaled((float)cost.Seconds[i], 1);
        }

        _measured[cost.Rows - 1] = new Measured
        {
            Count = cost.Seconds.Length, Next = cost.Seconds.Length % KeptSamples, Median = Median(samples[..cost.Seconds.Length]),
            Weight = cost.Weight, LastAdd = _adds - cost.Age, Drift = cost.Drift,
        };
        _most = Math.Max(_most, cost.Rows);
        _knownCounts += IsKnown(cost.Rows) ? 1 : 0;
    }

    private void MakeCurve()
    {
        Span<int> counts = stackalloc int[_most];
        Span<double> values = stackalloc double[_most];
        Span<double> weights = stackalloc double[_most];
        int points = 0;
        int needed = _knownCounts > 0 ? KnownSamples : 1;
        for (int i = 0; i < _most; i++)
        {
            ref readonly Measured measured = ref _measured[i];
            if (measured.Count >= needed)
            {
                counts[points] = i + 1;
                values[points] = Scaled(measured.Median, Followed(measured));
                weights[points++] = Math.Max(measured.Count * Recency(_adds - measured.LastAdd), LeastWeight);
            }
        }

        Isotonic.Fit(values[..points], weights[..points]);
        Spread(counts[..points], values[..points]);
        _isCurrent = true;
    }

    private void Spread(ReadOnlySpan<int> counts, ReadOnlySpan<double> values)
    {
        int first = counts[0];
        double lowest = values[0];
        double slope = counts.Length > 1 ? (values[1] - lowest) / (counts[1] - first) : PriorSlope * lowest / (1 + PriorSlope * (first - 1));
        for (int rows = 1; rows < first; rows++)
        {
            // However steep, a pass of a part of the rows takes that part of the time at least.
            _curve[rows - 1] = Math.Max(lowest - slope * (first - rows), lowest * rows / first);
        }

        _curve[first - 1] = lowest;
        for (int i = 1; i < counts.Length; i++)
        {
            slope = (values[i] - values[i - 1]) / (counts[i] - counts[i - 1]);
            for (int rows = counts[i - 1] + 1; rows < counts[i]; rows++)
            {
                _curve[rows - 1] = Math.Min(values[i - 1] + slope * (rows - counts[i - 1]), values[i]);
            }

            _curve[counts[i] - 1] = values[i];
        }

        // Of two counts next to each other the difference is mostly noise, and beyond them it would count many times.
        int from = counts.Length - 1;
        while (from > 0 && 2 * counts[from] > counts[^1])
        {
            from--;
        }

        slope = from < counts.Length - 1 ? (values[^1] - values[from]) / (counts[^1] - counts[from]) : slope;
        slope = Math.Max(slope, LeastSlope * lowest);
        _slope = slope;
        _end = counts[^1];
    }

    private struct Measured
    {
        public int Count;

        // The place of the next sample in the ring.
        public int Next;

        public float Median;

        // Decayed number of samples, and the number of all counts' samples, when the last one came.
        public double Weight;
        public long LastAdd;

        // The logarithm of what others have changed by since.
        public double Drift;
    }
}
