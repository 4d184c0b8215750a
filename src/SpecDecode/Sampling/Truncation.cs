using System.Numerics.Tensors;

namespace SpecDecode.Sampling;

/// <summary>
/// Top-k, top-p and min-p as one cut through a row of logits. Nothing is sorted: the cut is selected, so a vocabulary of
/// 150,000 takes a fraction of a millisecond. Keeps scratch memory of the row's size: not safe for concurrent use.
/// </summary>
internal sealed class Truncation
{
    private const int BlockTokens = RowScan.BlockTokens;

    // The weight at which top-p's mass is reached is narrowed down until few tokens are left, which are then sorted in part.
    private const int EasilySelected = 500;
    private const int MostNarrowings = 32;

    private float[] _logits = [];
    private float[] _weights = [];
    private float[] _candidates = [];
    private float[] _candidateWeights = [];

    /// <summary>Finds the cut.</summary>
    /// <param name="logits">One row of logits, <c>[V]</c>; none is NaN, the highest is finite.</param>
    /// <param name="sampling">Temperature above 0, and the limits.</param>
    public LogitCut Find(ReadOnlySpan<float> logits, SamplingOptions sampling)
    {
        LogitCut cut = LogitCut.None;
        if (sampling.TopK > 0 && sampling.TopK < logits.Length)
        {
            cut = TopK(logits, sampling.TopK);
        }

        // What top-p leaves depends on what top-k has left; min-p only on the most probable token.
        if (sampling.TopP < 1)
        {
            cut = cut.And(TopP(logits, cut, sampling.TopP, sampling.Temperature));
        }

        return sampling.MinP > 0 ? cut.And(MinP(TensorPrimitives.Max(logits), sampling.MinP, sampling.Temperature)) : cut;
    }

    /// <summary>The lowest logit that min-p lets pass.</summary>
    private static LogitCut MinP(float highest, float minP, float temperature)
    {
        // Rounded up where it is no float, so that what passes has the share; at minP 1 exactly the highest pass.
        double lowest = highest + temperature * GumbelNoise.Log(minP);
        float value = (float)lowest;
        return new LogitCut(value < lowest ? MathF.BitIncrement(value) : value, int.MaxValue);
    }

    private LogitCut TopK(ReadOnlySpan<float> logits, int k)
    {
        // Candidates are collected until there are twice as many as needed, and then cut to the k highest.
        int room = (int)Math.Min(2L * k + BlockTokens, logits.Length);
        EnsureRoom(ref _logits, room);
        int count = 0;
        float floor = float.NegativeInfinity;
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

        Span<float> candidates = _logits.AsSpan(0, count);
        float lowest = CutToHighest(candidates, k);
        int above = 0;
        foreach (float logit in candidates[..k])
        {
            above += logit > lowest ? 1 : 0;
        }

        return lowest == float.NegativeInfinity ? LogitCut.None : new LogitCut(lowest, k - above);
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

    private LogitCut TopP(ReadOnlySpan<float> logits, LogitCut cut, float topP, float temperature)
    {
        int count = Collect(logits, cut);
        Span<float> kept = _logits.AsSpan(0, count);
        Span<float> weights = _weights.AsSpan(0, count);
        float highest = TensorPrimitives.Max<float>(kept);
        Softmax.Weights(kept, highest, temperature, weights);
        double total = RowScan.MassAtLeast(weights, 0, out _);
        double mass = topP * total;

        // Bounds of the weight at which the mass is reached. All tokens below the lower one together lie below what top-p leaves out.
        float low = (float)(0.999 * (1 - topP) * total / count);
        double massAtLow = RowScan.MassAtLeast(weights, low, out int countAtLow);
        if (massAtLow < mass)
        {
            (low, massAtLow, countAtLow) = (0, total, count);
        }

        // Well above 1, which the exponential of 0 rounds to, or a little more.
        float high = 2;
        double above = 0;
        int countAbove = 0;
        for (int narrowed = 0; narrowed < MostNarrowings && countAtLow - countAbove > EasilySelected; narrowed++)
        {
            // In turn where the mass would be if it rose evenly, and in the middle, for rows in which it does not.
            double share = narrowed % 2 == 0 ? Math.Clamp((mass - above) / (massAtLow - above), 0.02, 0.98) : 0.5;
            float middle = (float)(high * Math.Pow(low / high, share));
            if (!(middle > low && middle < high))
            {
                break;
            }

            double massAtMiddle = RowScan.MassAtLeast(weights, middle, out int countAtMiddle);
            if (massAtMiddle >= mass)
            {
                (low, massAtLow, countAtLow) = (middle, massAtMiddle, countAtMiddle);
            }
            else
            {
                (high, above, countAbove) = (middle, massAtMiddle, countAtMiddle);
            }
        }

        int candidates = Gather(kept, weights, low, high);
        Span<float> values = _candidates.AsSpan(0, candidates);
        return SelectMass(values, _candidateWeights.AsSpan(0, candidates), above, mass)
            ?? new LogitCut(TensorPrimitives.Min<float>(values), int.MaxValue);
    }

    // Those from one weight to below another, in _candidates and _candidateWeights.
    private int Gather(ReadOnlySpan<float> logits, ReadOnlySpan<float> weights, float low, float high)
    {
        EnsureRoom(ref _candidates, logits.Length);
        EnsureRoom(ref _candidateWeights, logits.Length);
        int count = 0;
        Span<int> places = stackalloc int[BlockTokens];
        for (int start = 0; start < weights.Length; start += BlockTokens)
        {
            ReadOnlySpan<float> block = weights[start..Math.Min(start + BlockTokens, weights.Length)];
            foreach (int place in places[..RowScan.AtLeast(block, low, places)])
            {
                if (block[place] < high)
                {
                    (_candidates[count], _candidateWeights[count]) = (logits[start + place], block[place]);
                    count++;
                }
            }
        }

        return count;
    }

    // The logits that the cut leaves, in _logits, with as much room in _weights.
    private int Collect(ReadOnlySpan<float> logits, LogitCut cut)
    {
        EnsureRoom(ref _logits, logits.Length);
        EnsureRoom(ref _weights, logits.Length);
        if (cut == LogitCut.None)
        {
            logits.CopyTo(_logits);
            return logits.Length;
        }

        int count = 0;
        int ties = cut.Ties;
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
                if (block[place] > cut.Value || --ties >= 0)
                {
                    _logits[count++] = block[place];
                }
            }
        }

        return count;
    }

    // The value at which the weights, on top of those above, reach a mass; null where rounding lets them never reach it. Selection as in
    // quicksort, but in three parts (above, equal, below the pivot), going on in the one in which the mass is reached.
    private static LogitCut? SelectMass(Span<float> values, Span<float> weights, double above, double mass)
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
                return new LogitCut(pivot, ties == equal ? int.MaxValue : ties);
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
        (float a, float b, float c) = (Any(values, ref hash), Any(values, ref hash), Any(values, ref hash));
        return Math.Max(Math.Min(a, b), Math.Min(Math.Max(a, b), c));
    }

    private static float Any(ReadOnlySpan<float> values, ref uint hash)
    {
        hash = (hash ^ (hash >> 16)) * 0x85EBCA6B + 0x9E3779B9;
        return values[(int)(((ulong)hash * (uint)values.Length) >> 32)];
    }

    private static void EnsureRoom(ref float[] array, int room)
    {
        if (array.Length < room)
        {
            array = new float[room];
        }
    }
}
