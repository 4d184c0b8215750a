using System.Numerics.Tensors;
using System.Runtime.Intrinsics;

namespace SpecDecode.Sampling;

/// <summary>
/// A distribution over the tokens that a cut has left, by ascending id. Made once and refilled, so that it allocates only
/// when it meets a larger support than before.
/// </summary>
internal sealed class TokenDistribution
{
    private const int BlockTokens = RowScan.BlockTokens;

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

    /// <summary>Becomes the softmax of logits / temperature over the tokens that the cut leaves.</summary>
    /// <param name="logits">One row of logits, <c>[V]</c>; none is NaN, the highest is finite.</param>
    /// <param name="cut">Which of them stay.</param>
    /// <param name="temperature">Above 0.</param>
    public void Fill(ReadOnlySpan<float> logits, LogitCut cut, float temperature)
    {
        float highest = TensorPrimitives.Max(logits);
        if (cut == LogitCut.None)
        {
            TakeAll(logits.Length);
            Softmax.Weights(logits, highest, temperature, _weights);
        }
        else
        {
            Take(logits, cut);
            Softmax.Weights(_weights.AsSpan(0, Count), highest, temperature, _weights);
        }

        AddUp();
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
        EnsureRoom(p.Count);
        p.Tokens.CopyTo(_tokens);
        _counted = 0;
        Count = p.Count;
        ReadOnlySpan<int> tokens = p.Tokens;
        ReadOnlySpan<float> left = p.Weights;
        ReadOnlySpan<int> otherTokens = q.Tokens;
        ReadOnlySpan<float> otherWeights = q.Weights;
        double byTotal = 1 / p.Total;
        double byOtherTotal = 1 / q.Total;
        int place = 0;
        int i = 0;
        if (tokens.Length == otherTokens.Length && p._counted >= tokens.Length && q._counted >= tokens.Length)
        {
            // Both have all tokens, so that places are the same.
            for (; i + Vector256<float>.Count <= tokens.Length; i += Vector256<float>.Count)
            {
                (Vector256<double> lower, Vector256<double> upper) = Vector256.Widen(Vector256.Create(left[i..]));
                (Vector256<double> otherLower, Vector256<double> otherUpper) = Vector256.Widen(Vector256.Create(otherWeights[i..]));
                lower = Vector256.Max(Vector256<double>.Zero, lower * byTotal - otherLower * byOtherTotal);
                upper = Vector256.Max(Vector256<double>.Zero, upper * byTotal - otherUpper * byOtherTotal);
                Vector256.Narrow(lower, upper).CopyTo(_weights, i);
            }

            place = i;
        }

        for (; i < tokens.Length; i++)
        {
            while (place < otherTokens.Length && otherTokens[place] < tokens[i])
            {
                place++;
            }

            double other = place < otherTokens.Length && otherTokens[place] == tokens[i] ? otherWeights[place] * byOtherTotal : 0;
            _weights[i] = (float)Math.Max(0, left[i] * byTotal - other);
        }

        AddUp();
    }

    /// <summary>The probability of a token; 0 outside the support.</summary>
    public double Probability(int token)
    {
        int place = Tokens.BinarySearch(token);
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
        int ties = cut.Ties;
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
                if (block[place] > cut.Value || --ties >= 0)
                {
                    _tokens[count] = start + place;
                    _weights[count++] = block[place];
                }
            }

            Count = count;
        }
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
