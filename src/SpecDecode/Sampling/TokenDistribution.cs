using System.Numerics.Tensors;
using System.Runtime.Intrinsics;

namespace SpecDecode.Sampling;

/// <summary>
/// A distribution over the tokens that a cut has left, by ascending id; where it has left many, over all, the others with a
/// weight of 0. Made once and refilled, so that it allocates only when it meets a larger support than before.
/// </summary>
internal sealed class TokenDistribution
{
    private const int BlockTokens = RowScan.BlockTokens;

    // From this share of the vocabulary on, packing the tokens that stay costs more than giving the others a weight of 0.
    private const int ManyOf = 32;

    // Every so many blocks one is looked at, to tell how many stay.
    private const int SampledBlocks = 16;

    private int[] _tokens = [];
    private float[] _weights = [];

    // Sum of the weights up to the end of each block.
    private double[] _sums = [];

    // So many of the tokens are 0, 1, 2 and so on.
    private int _counted;

    /// <summary>Number of tokens.</summary>
    public int Count { get; private set; }

    /// <summary>Their ids, ascending.</summary>
    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, Count);

    /// <summary>Their weights: probability times <see cref="Total"/>. Some may be 0; those tokens are never drawn.</summary>
    public ReadOnlySpan<float> Weights => _weights.AsSpan(0, Count);

    /// <summary>Sum of the weights.</summary>
    public double Total { get; private set; }

    // Whether token i is at place i.
    private bool HasAll => _counted >= Count;

    /// <summary>Becomes the softmax of logits / temperature over the tokens that the cut leaves.</summary>
    /// <param name="row">A row that can be chosen from.</param>
    /// <param name="cut">Which of its tokens stay.</param>
    /// <param name="temperature">Above 0.</param>
    public void Fill(LogitRow row, LogitCut cut, float temperature)
    {
        if (cut == LogitCut.None || LeavesMany(row.Logits, cut))
        {
            TakeAll(row.Logits.Length);
            Weigh(row.Logits, cut, row.Highest, temperature);
        }
        else
        {
            Take(row.Logits, cut);
            Weigh(_weights.AsSpan(0, Count), LogitCut.None, row.Highest, temperature);
        }
    }

    /// <summary>Becomes the softmax of logits / temperature over the tokens that a request's limits leave.</summary>
    /// <param name="row">A row that can be chosen from.</param>
    /// <param name="truncation">Finds the cut.</param>
    /// <param name="sampling">Temperature above 0, and the limits.</param>
    public void Fill(LogitRow row, Truncation truncation, SamplingOptions sampling)
    {
        ReadOnlySpan<float> logits = row.Logits;
        if (sampling.TopP == 1 || (sampling.TopK > 0 && sampling.TopK < logits.Length))
        {
            Fill(row, truncation.Find(row, sampling), sampling.Temperature);
            return;
        }

        // Top-p has to weigh all tokens: the weights are kept.
        EnsureRoom(logits.Length);
        Count = logits.Length;
        Weigh(logits, LogitCut.None, row.Highest, sampling.Temperature);
        LogitCut cut = truncation.Find(row, sampling, Weights, Total);
        if (LeavesMany(logits, cut))
        {
            TakeAll(logits.Length);
            LeaveOut(logits, cut);
        }
        else
        {
            Pack(logits, cut);
            AddUp();
        }
    }

    /// <summary>Becomes given tokens with given weights.</summary>
    /// <param name="tokens">Ids, ascending.</param>
    /// <param name="weights">A weight for each, not negative.</param>
    public void Fill(ReadOnlySpan<int> tokens, ReadOnlySpan<float> weights)
    {
        EnsureRoom(tokens.Length);
        tokens.CopyTo(_tokens);
        weights.CopyTo(_weights);
        _counted = 0;
        Count = tokens.Length;
        AddUp();
    }

    /// <summary>
    /// Becomes max(0, p − q) over the tokens of p, not normalised: <see cref="Total"/> is the probability of a rejection, and 0
    /// where nothing is left.
    /// </summary>
    public void FillResidual(TokenDistribution p, TokenDistribution q)
    {
        if (p.HasAll && q.HasAll && p.Count == q.Count)
        {
            TakeAll(p.Count);
            float byTotal = (float)(1 / p.Total);
            float byOtherTotal = (float)(1 / q.Total);
            double sum = 0;
            for (int start = 0; start < Count; start += BlockTokens)
            {
                int end = Math.Min(start + BlockTokens, Count);
                sum += Subtract(p._weights.AsSpan(start..end), byTotal, q._weights.AsSpan(start..end), byOtherTotal, _weights.AsSpan(start..end));
                _sums[start / BlockTokens] = sum;
            }

            Total = sum;
            return;
        }

        EnsureRoom(p.Count);
        p.Tokens.CopyTo(_tokens);
        _counted = 0;
        Count = p.Count;
        ReadOnlySpan<int> otherTokens = q.Tokens;
        int place = 0;
        for (int i = 0; i < Count; i++)
        {
            while (place < otherTokens.Length && otherTokens[place] < _tokens[i])
            {
                place++;
            }

            double other = place < otherTokens.Length && otherTokens[place] == _tokens[i] ? q._weights[place] / q.Total : 0;
            _weights[i] = (float)Math.Max(0, p._weights[i] / p.Total - other);
        }

        AddUp();
    }

    /// <summary>The probability of a token; 0 outside the support.</summary>
    public double Probability(int token)
    {
        int place = HasAll && token < Count ? token : Tokens.BinarySearch(token);
        return place < 0 ? 0 : _weights[place] / Total;
    }

    /// <summary>The token at which the distribution function passes a number.</summary>
    /// <param name="uniform">A number in [0, 1).</param>
    public int Draw(double uniform)
    {
        // Rounded, the product may be the total itself; the last sum that is passed is then the last that rises.
        double target = Math.Min(uniform * Total, Math.BitDecrement(Total));
        int blocks = (Count + BlockTokens - 1) / BlockTokens;
        int block = 0;
        while (block < blocks - 1 && _sums[block] <= target)
        {
            block++;
        }

        double passed = block == 0 ? 0 : _sums[block - 1];
        int last = block * BlockTokens;
        for (int i = last; i < Math.Min((block + 1) * BlockTokens, Count) && passed <= target; i++)
        {
            if (_weights[i] > 0)
            {
                passed += _weights[i];
                last = i;
            }
        }

        // Where these sums round below that of the block, it is its last token with a weight.
        return _tokens[last];
    }

    private void TakeAll(int count)
    {
        EnsureRoom(count);
        for (; _counted < count; _counted++)
        {
            _tokens[_counted] = _counted;
        }

        Count = count;
    }

    private void Take(ReadOnlySpan<float> logits, LogitCut cut)
    {
        Count = 0;
        _counted = 0;
        Span<int> places = stackalloc int[BlockTokens];
        for (int start = 0; start < logits.Length; start += BlockTokens)
        {
            ReadOnlySpan<float> block = logits[start..Math.Min(start + BlockTokens, logits.Length)];
            if (TensorPrimitives.Max(block) < cut.Value)
            {
                continue;
            }

            EnsureRoom(Count + block.Length);
            int count = Count;
            foreach (int place in places[..RowScan.AtLeast(block, cut.Value, places)])
            {
                if (cut.Keeps(block[place], start + place))
                {
                    _tokens[count] = start + place;
                    _weights[count++] = block[place];
                }
            }

            Count = count;
        }
    }

    private static bool LeavesMany(ReadOnlySpan<float> logits, LogitCut cut)
    {
        int looked = 0;
        int stay = 0;
        Span<int> places = stackalloc int[BlockTokens];
        for (int start = 0; start < logits.Length; start += SampledBlocks * BlockTokens)
        {
            ReadOnlySpan<float> block = logits[start..Math.Min(start + BlockTokens, logits.Length)];
            looked += block.Length;
            stay += RowScan.AtLeast(block, cut.Value, places);
        }

        return stay > looked / ManyOf;
    }

    // A weight of 0 for what a cut leaves out.
    private void LeaveOut(ReadOnlySpan<float> logits, LogitCut cut)
    {
        float above = float.BitIncrement(cut.Value);
        double sum = 0;
        for (int start = 0; start < Count; start += BlockTokens)
        {
            int end = Math.Min(start + BlockTokens, Count);
            int tiesEnd = cut.LastTie >= end ? end : Math.Max(start, cut.LastTie + 1);
            sum += tiesEnd == start ? 0 : ClearBelow(cut.Value, logits[start..tiesEnd], _weights.AsSpan(start..tiesEnd));
            sum += tiesEnd == end ? 0 : ClearBelow(above, logits[tiesEnd..end], _weights.AsSpan(tiesEnd..end));
            _sums[start / BlockTokens] = sum;
        }

        Total = sum;
    }

    // The sum of what is left of some weights where those of logits below one become 0.
    private static double ClearBelow(float lowest, ReadOnlySpan<float> logits, Span<float> weights)
    {
        Vector256<float> sums = default;
        int i = 0;
        for (; i + Vector256<float>.Count <= logits.Length; i += Vector256<float>.Count)
        {
            Vector256<float> left = Vector256.Create<float>(weights[i..]) & Vector256.GreaterThanOrEqual(Vector256.Create(logits[i..]), Vector256.Create(lowest));
            left.CopyTo(weights[i..]);
            sums += left;
        }

        double sum = Vector256.Sum(sums);
        for (; i < logits.Length; i++)
        {
            weights[i] = logits[i] >= lowest ? weights[i] : 0;
            sum += weights[i];
        }

        return sum;
    }

    // Of the weights of all tokens, those that the cut leaves, and their tokens.
    private void Pack(ReadOnlySpan<float> logits, LogitCut cut)
    {
        Count = 0;
        _counted = 0;
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
                    _tokens[Count] = start + place;
                    _weights[Count++] = _weights[start + place];
                }
            }
        }
    }

    // Weights of the logits of all tokens there are, 0 for what a cut leaves out, and their sums.
    private void Weigh(ReadOnlySpan<float> logits, LogitCut cut, float highest, float temperature)
    {
        float above = float.BitIncrement(cut.Value);
        double sum = 0;
        for (int start = 0; start < Count; start += BlockTokens)
        {
            int end = Math.Min(start + BlockTokens, Count);
            int tiesEnd = cut.LastTie >= end ? end : Math.Max(start, cut.LastTie + 1);
            sum += tiesEnd == start ? 0
                : Softmax.Block(logits[start..tiesEnd], highest, temperature, cut.Value, _weights.AsSpan(start..tiesEnd));
            sum += tiesEnd == end ? 0 : Softmax.Block(logits[tiesEnd..end], highest, temperature, above, _weights.AsSpan(tiesEnd..end));
            _sums[start / BlockTokens] = sum;
        }

        Total = sum;
    }

    private static double Subtract(ReadOnlySpan<float> left, float byLeft, ReadOnlySpan<float> right, float byRight, Span<float> result)
    {
        Vector256<float> sums = default;
        int i = 0;
        for (; i + Vector256<float>.Count <= left.Length; i += Vector256<float>.Count)
        {
            Vector256<float> more = Vector256.Max(Vector256<float>.Zero, Vector256.Create(left[i..]) * byLeft - Vector256.Create(right[i..]) * byRight);
            more.CopyTo(result[i..]);
            sums += more;
        }

        double sum = Vector256.Sum(sums);
        for (; i < left.Length; i++)
        {
            result[i] = Math.Max(0, left[i] * byLeft - right[i] * byRight);
            sum += result[i];
        }

        return sum;
    }

    private void AddUp()
    {
        double sum = 0;
        int block = 0;
        for (int start = 0; start < Count; start += BlockTokens)
        {
            sum += Sum(_weights.AsSpan(start, Math.Min(BlockTokens, Count - start)));
            _sums[block++] = sum;
        }

        Total = sum;
    }

    private static double Sum(ReadOnlySpan<float> weights)
    {
        Vector256<double> sums = default;
        int i = 0;
        for (; i + Vector256<float>.Count <= weights.Length; i += Vector256<float>.Count)
        {
            (Vector256<double> lower, Vector256<double> upper) = Vector256.Widen(Vector256.Create(weights[i..]));
            sums += lower + upper;
        }

        double sum = Vector256.Sum(sums);
        for (; i < weights.Length; i++)
        {
            sum += weights[i];
        }

        return sum;
    }

    private void EnsureRoom(int room)
    {
        if (_tokens.Length < room)
        {
            int size = Math.Max(room, 2 * _tokens.Length);
            Array.Resize(ref _tokens, size);
            Array.Resize(ref _weights, size);
            Array.Resize(ref _sums, size / BlockTokens + 1);
        }
    }
}
