using System.Numerics.Tensors;

namespace SpecDecode.Sampling;

/// <summary>
/// Top-k, top-p, min-p and top-n-sigma as one cut through a row of logits. Nothing is sorted: the cut is selected, so a vocabulary of
/// 150,000 takes a fraction of a millisecond. Keeps scratch memory of the row's size: not safe for concurrent use.
/// </summary>
internal sealed class Truncation
{
    private const int BlockTokens = RowScan.BlockTokens;

    // Of a long row this many are looked at first, to guess how high the k highest tokens are.
    private const int Sample = 1024;
    private const int WorthSampling = 8 * Sample;

    // How sure one may be of a sample: standard deviations of a rank, and a factor of a weight. Where it misleads all the same, it
    // only costs time.
    private const double Deviations = 4;
    private const double LikelyWithin = 1.25;

    // The weight at which top-p's mass is reached is narrowed down in the row until few tokens are left, and among them until they can
    // be sorted in part.
    private const int EasilyPacked = 1024;
    private const int EasilySelected = 256;

    private readonly float[] _sample = new float[Sample];
    private float[] _logits = [];
    private float[] _weights = [];
    private float[] _candidates = [];
    private float[] _candidateWeights = [];

    /// <summary>Finds the cut.</summary>
    /// <param name="row">A row that can be chosen from.</param>
    /// <param name="sampling">Temperature above 0, and the limits.</param>
    public LogitCut Find(LogitRow row, SamplingOptions sampling) => Find(row, sampling, default, 0);

    /// <summary>Finds the cut with the help of weights that are there already.</summary>
    /// <param name="row">A row that can be chosen from.</param>
    /// <param name="sampling">Temperature above 0, and the limits.</param>
    /// <param name="weights">exp((logit − highest) / temperature) of the whole row; empty where they are not there.</param>
    /// <param name="total">Their sum.</param>
    public LogitCut Find(LogitRow row, SamplingOptions sampling, ReadOnlySpan<float> weights, double total)
    {
        LogitCut cut = LogitCut.None;
        if (sampling.TopK > 0 && sampling.TopK < row.Logits.Length)
        {
            cut = TopK(row.Logits, sampling.TopK);
        }

        // What top-p leaves depends on what top-k has left; min-p only on the most probable token, top-n-sigma on the row as it is.
        if (sampling.TopP < 1)
        {
            cut = cut.And(cut == LogitCut.None && !weights.IsEmpty
                ? TopP(row, row.Logits, weights, total, sampling.TopP)
                : TopP(row, cut, sampling.TopP, sampling.Temperature));
        }

        cut = sampling.MinP > 0 ? cut.And(MinP(row.Highest, sampling.MinP, sampling.Temperature)) : cut;
        return sampling.TopNSigma > 0 ? cut.And(TopNSigma(row, sampling.TopNSigma)) : cut;
    }

    /// <summary>The lowest logit that min-p lets pass.</summary>
    private static LogitCut MinP(float highest, float minP, float temperature)
    {
        // At minP 1 exactly the highest pass.
        return From(highest + temperature * GumbelNoise.Log(minP));
    }

    /// <summary>The lowest logit that top-n-sigma lets pass. Logits and their deviation are divided by the temperature alike, so it has no part in this.</summary>
    private static LogitCut TopNSigma(LogitRow row, float n) => From(row.Highest - n * LogitDeviation.Of(row));

    // Rounded up where it is no float, so that nothing below passes.
    private static LogitCut From(double lowest)
    {
        float value = (float)lowest;
        return LogitCut.AtLeast(value < lowest ? MathF.BitIncrement(value) : value);
    }

    private LogitCut TopK(ReadOnlySpan<float> logits, int k)
    {
        float floor = LikelyFloor(logits, k);
        int count = CollectHighest(logits, k, ref floor);
        if (count < k)
        {
            floor = float.NegativeInfinity;
            count = CollectHighest(logits, k, ref floor);
        }

        Span<float> candidates = _logits.AsSpan(0, count);
        float lowest = CutToHighest(candidates, k);
        int above = 0;
        int equal = 0;
        foreach (float logit in candidates)
        {
            above += logit > lowest ? 1 : 0;
            equal += logit == lowest ? 1 : 0;
        }

        // Only tokens that equal the floor may have been left behind.
        return lowest == float.NegativeInfinity ? LogitCut.None
            : lowest > floor && above + equal == k ? LogitCut.AtLeast(lowest)
            : CutAt(logits, lowest, k - above);
    }

    // A logit that most likely k tokens reach, but not many more.
    private float LikelyFloor(ReadOnlySpan<float> logits, int k)
    {
        double expected = (double)k * Sample / logits.Length;
        int rank = (int)(expected + Deviations * (Math.Sqrt(expected) + 1));
        if (logits.Length < WorthSampling || k < Sample / 4 || rank >= Sample)
        {
            return float.NegativeInfinity;
        }

        TakeSample(logits);
        return CutToHighest(_sample, rank + 1);
    }

    // From all over a row; always the same places of a length, so that a row has always the same cut.
    private void TakeSample(ReadOnlySpan<float> row)
    {
        int stride = row.Length / Sample;
        uint hash = 0;
        for (int i = 0; i < Sample; i++)
        {
            _sample[i] = row[i * stride + Any(stride, ref hash)];
        }
    }

    // At least the k highest tokens from a floor up, into _logits: candidates are collected until there are twice as many as needed, and
    // then cut to the k highest, the lowest of which is the new floor.
    private int CollectHighest(ReadOnlySpan<float> logits, int k, ref float floor)
    {
        int room = (int)Math.Min(2L * k + BlockTokens, logits.Length);
        EnsureRoom(ref _logits, room);
        int count = 0;
        Span<int> places = stackalloc int[BlockTokens];
        for (int start = 0; start < logits.Length; start += BlockTokens)
        {
            ReadOnlySpan<float> block = logits[start..Math.Min(start + BlockTokens, logits.Length)];
            if (TensorPrimitives.Max(block) < floor)
            {
                continue;
            }

            if (count + block.Length > room)
            {
                floor = CutToHighest(_logits.AsSpan(0, count), k);
                count = k;
            }

            foreach (int place in places[..RowScan.AtLeast(block, floor, places)])
            {
                _logits[count++] = block[place];
            }
        }

        return count;
    }

    // So many tokens stay that equal a logit.
    private static LogitCut CutAt(ReadOnlySpan<float> logits, float value, int ties)
    {
        Span<int> places = stackalloc int[BlockTokens];
        for (int start = 0; start < logits.Length; start += BlockTokens)
        {
            ReadOnlySpan<float> block = logits[start..Math.Min(start + BlockTokens, logits.Length)];
            int count = RowScan.Between(block, value, float.BitIncrement(value), places);
            if (count >= ties)
            {
                return new LogitCut(value, start + places[ties - 1]);
            }

            ties -= count;
        }

        return LogitCut.AtLeast(value);
    }

    // Moves the k highest to the front and tells the lowest of them (Hoare's selection).
    private static float CutToHighest(Span<float> values, int k)
    {
        int low = 0;
        int high = values.Length - 1;
        while (low < high)
        {
            float pivot = Pivot(values[low..(high + 1)]);
            int i = low;
            int j = high;
            while (i <= j)
            {
                while (values[i] > pivot)
                {
                    i++;
                }

                while (values[j] < pivot)
                {
                    j--;
                }

                if (i <= j)
                {
                    (values[i], values[j]) = (values[j], values[i]);
                    i++;
                    j--;
                }
            }

            if (k - 1 <= j)
            {
                high = j;
            }
            else if (k - 1 >= i)
            {
                low = i;
            }
            else
            {
                break;
            }
        }

        return values[k - 1];
    }

    private LogitCut TopP(LogitRow row, LogitCut cut, float topP, float temperature)
    {
        ReadOnlySpan<float> values = cut == LogitCut.None ? row.Logits : Collect(row.Logits, cut);
        EnsureRoom(ref _weights, values.Length);
        Span<float> weights = _weights.AsSpan(0, values.Length);
        double total = Softmax.Weights(values, row.Highest, temperature, weights);
        return TopP(row, values, weights, total, topP);
    }

    // Among the values of some tokens and their weights.
    private LogitCut TopP(LogitRow row, ReadOnlySpan<float> values, ReadOnlySpan<float> weights, double total, float topP)
    {
        double mass = topP * total;

        // All tokens below the lower bound together lie below what top-p leaves out; the upper one is above every weight.
        WeightRange range = new(Low: (float)(0.999 * (total - mass) / values.Length), High: 2, Above: 0);
        range = Narrow(weights, range, mass, EasilyPacked, LikelyWeight(weights, range, total - mass));

        EnsureRoom(ref _candidates, values.Length);
        EnsureRoom(ref _candidateWeights, values.Length);
        int count = RowScan.Pack(weights, values, range.Low, range.High, _candidateWeights, _candidates);
        range = Narrow(_candidateWeights.AsSpan(0, count), range, mass, EasilySelected, likely: 0);
        count = RowScan.Pack(
            _candidateWeights.AsSpan(0, count), _candidates.AsSpan(0, count), range.Low, range.High, _candidateWeights, _candidates);
        if (SelectMass(_candidates.AsSpan(0, count), _candidateWeights.AsSpan(0, count), range.Above, mass) is (float value, int ties))
        {
            return ties == int.MaxValue ? LogitCut.AtLeast(value) : CutAt(row.Logits, value, ties);
        }

        // Rounding lets the weights fall short of the mass just where it is reached: all of the range stay, or where none lie in it, all
        // above it, of which the highest always is one.
        count = count > 0 ? count : RowScan.Pack(weights, values, range.High, float.PositiveInfinity, _candidateWeights, _candidates);
        return LogitCut.AtLeast(TensorPrimitives.Min<float>(_candidates.AsSpan(0, count)));
    }

    // A weight near which most likely all lower ones together have a mass; 0 where there is none such.
    private float LikelyWeight(ReadOnlySpan<float> weights, WeightRange range, double below)
    {
        if (weights.Length < WorthSampling)
        {
            return 0;
        }

        TakeSample(weights);
        double mass = TensorPrimitives.Sum<float>(_sample) - below * Sample / weights.Length;
        return mass > 0 ? Narrow(_sample, range, mass, few: 4, likely: 0).Low : 0;
    }

    // Narrows a range in which the weights, the highest first, reach a mass, until it has few of them.
    private static WeightRange Narrow(ReadOnlySpan<float> weights, WeightRange range, double mass, int few, float likely)
    {
        Span<float> bounds = stackalloc float[RowScan.Bounds];
        Span<double> masses = stackalloc double[RowScan.Bounds];
        Span<int> counts = stackalloc int[RowScan.Bounds];
        double above = range.Above;
        int countAbove = 0;
        int countFromLow = weights.Length;
        while (countFromLow - countAbove > few)
        {
            // Around the likely weight once, then in parts of equal ratios.
            double ratio = likely > 0 ? LikelyWithin : Math.Pow((double)range.High / range.Low, 1.0 / (RowScan.Bounds + 1));
            double bound = likely > 0 ? likely / LikelyWithin / LikelyWithin : range.Low;
            likely = 0;
            for (int i = 0; i < bounds.Length; i++)
            {
                bound *= ratio;
                bounds[i] = (float)Math.Clamp(bound, range.Low, range.High);
            }

            RowScan.MassesFrom(weights, bounds, masses, counts);
            int reached = bounds.Length - 1;
            while (reached >= 0 && above + masses[reached] < mass)
            {
                reached--;
            }

            WeightRange narrower = range;
            if (reached >= 0)
            {
                narrower = narrower with { Low = bounds[reached] };
                countFromLow = counts[reached];
            }

            if (reached < bounds.Length - 1)
            {
                narrower = narrower with { High = bounds[reached + 1], Above = above + masses[reached + 1] };
                countAbove = counts[reached + 1];
            }

            // No floats are left between, or none of the weights, which only rounding can bring about.
            if (narrower == range || countFromLow <= countAbove)
            {
                break;
            }

            range = narrower;
        }

        return range;
    }

    // The logits that the cut leaves, in _logits.
    private ReadOnlySpan<float> Collect(ReadOnlySpan<float> logits, LogitCut cut)
    {
        EnsureRoom(ref _logits, logits.Length);
        int count = 0;
        Span<int> places = stackalloc int[BlockTokens];
        for (int start = 0; start < logits.Length; start += BlockTokens)
        {
            ReadOnlySpan<float> block = logits[start..Math.Min(start + BlockTokens, logits.Length)];
            if (TensorPrimitives.Max(block) < cut.Value)
            {
                continue;
            }

            foreach (int place in places[..RowScan.AtLeast(block, cut.Value, places)])
            {
                if (cut.Keeps(block[place], start + place))
                {
                    _logits[count++] = block[place];
                }
            }
        }

        return _logits.AsSpan(0, count);
    }

    // The value at which the weights, on top of those above, reach a mass; null where rounding lets them never reach it. Selection as in
    // quicksort, but in three parts (above, equal, below the pivot), going on in the one in which the mass is reached.
    private static (float Value, int Ties)? SelectMass(Span<float> values, Span<float> weights, double above, double mass)
    {
        while (values.Length > 0)
        {
            float pivot = Pivot(values);
            (int firstEqual, int firstBelow) = Partition(values, weights, pivot);
            double higher = above + Sum(weights[..firstEqual]);
            if (higher >= mass)
            {
                values = values[..firstEqual];
                weights = weights[..firstEqual];
                continue;
            }

            int equal = firstBelow - firstEqual;
            double weight = weights[firstEqual];
            if (higher + equal * weight >= mass)
            {
                int ties = Math.Clamp((int)Math.Ceiling((mass - higher) / weight), 1, equal);
                return (pivot, ties == equal ? int.MaxValue : ties);
            }

            above = higher + equal * weight;
            values = values[firstBelow..];
            weights = weights[firstBelow..];
        }

        return null;
    }

    private static (int FirstEqual, int FirstBelow) Partition(Span<float> values, Span<float> weights, float pivot)
    {
        int above = 0;
        int below = values.Length;
        for (int i = 0; i < below;)
        {
            int target = values[i] > pivot ? above++ : values[i] < pivot ? --below : i;
            (values[i], values[target]) = (values[target], values[i]);
            (weights[i], weights[target]) = (weights[target], weights[i]);
            i += target == below ? 0 : 1;
        }

        return (above, below);
    }

    private static double Sum(ReadOnlySpan<float> weights)
    {
        // In pieces, so that a long sum does not lose what its small terms add up to.
        double sum = 0;
        for (int start = 0; start < weights.Length; start += BlockTokens)
        {
            sum += TensorPrimitives.Sum(weights[start..Math.Min(start + BlockTokens, weights.Length)]);
        }

        return sum;
    }

    // The median of three from anywhere: from fixed places, rows of some shapes would take quadratic time.
    private static float Pivot(ReadOnlySpan<float> values)
    {
        uint hash = (uint)values.Length;
        (float a, float b, float c) = (values[Any(values.Length, ref hash)], values[Any(values.Length, ref hash)], values[Any(values.Length, ref hash)]);
        return Math.Max(Math.Min(a, b), Math.Min(Math.Max(a, b), c));
    }

    private static int Any(int length, ref uint hash)
    {
        hash = (hash ^ (hash >> 16)) * 0x85EBCA6B + 0x9E3779B9;
        return (int)(((ulong)hash * (uint)length) >> 32);
    }

    private static void EnsureRoom(ref float[] array, int room)
    {
        if (array.Length < room)
        {
            array = new float[room];
        }
    }

    // Weights from one up to below another, and the mass of those above.
    private readonly record struct WeightRange(float Low, float High, double Above);
}
