using System.Numerics.Tensors;

namespace SpecDecode.Sampling;

/// <summary>
/// A distribution over the tokens that a cut has left, by ascending id. Made once and refilled, so that it allocates only
/// when it meets a larger support than before.
/// </summary>
internal sealed class TokenDistribution
{
    private const int BlockTokens = 128;

    private int[] _tokens = [];
    private float[] _weights = [];

    /// <summary>Number of tokens in the support.</summary>
    public int Count { get; private set; }

    /// <summary>Their ids, ascending.</summary>
    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, Count);

    /// <summary>Their weights: probability times <see cref="Total"/>.</summary>
    public ReadOnlySpan<float> Weights => _weights.AsSpan(0, Count);

    /// <summary>Sum of the weights.</summary>
    public double Total { get; private set; }

    /// <summary>Becomes the softmax of logits / temperature over the tokens that the cut leaves.</summary>
    /// <param name="logits">One row of logits, <c>[V]</c>; none is NaN, the highest is finite.</param>
    /// <param name="cut">Which of them stay.</param>
    /// <param name="temperature">Above 0.</param>
    public void Fill(ReadOnlySpan<float> logits, LogitCut cut, float temperature)
    {
        Count = 0;
        int ties = cut.Ties;
        for (int start = 0; start < logits.Length; start += BlockTokens)
        {
            ReadOnlySpan<float> block = logits[start..Math.Min(start + BlockTokens, logits.Length)];
            if (TensorPrimitives.Max(block) < cut.Value)
            {
                continue;
            }

            EnsureRoom(Count + block.Length);
            for (int i = 0; i < block.Length; i++)
            {
                if (block[i] > cut.Value || (block[i] == cut.Value && --ties >= 0))
                {
                    _tokens[Count] = start + i;
                    _weights[Count++] = block[i];
                }
            }
        }

        Span<float> weights = _weights.AsSpan(0, Count);
        TensorPrimitives.Subtract(weights, TensorPrimitives.Max<float>(weights), weights);
        TensorPrimitives.Divide(weights, temperature, weights);
        TensorPrimitives.Exp<float>(weights, weights);
        Total = 0;
        foreach (float weight in weights)
        {
            Total += weight;
        }
    }

    /// <summary>Becomes given tokens with given weights.</summary>
    /// <param name="tokens">Ids, ascending.</param>
    /// <param name="weights">A weight for each, not negative, one of them above 0.</param>
    public void Fill(ReadOnlySpan<int> tokens, ReadOnlySpan<float> weights)
    {
        Count = 0;
        EnsureRoom(tokens.Length);
        tokens.CopyTo(_tokens);
        weights.CopyTo(_weights);
        Count = tokens.Length;
        Total = 0;
        foreach (float weight in weights)
        {
            Total += weight;
        }
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
        double target = uniform * Total;
        double passed = 0;
        int last = 0;
        for (int i = 0; i < Count; i++)
        {
            if (_weights[i] > 0)
            {
                passed += _weights[i];
                last = i;
                if (passed > target)
                {
                    break;
                }
            }
        }

        // Behind the last by rounding alone.
        return _tokens[last];
    }

    private void EnsureRoom(int room)
    {
        if (_tokens.Length < room)
        {
            int size = Math.Max(room, 2 * _tokens.Length);
            Array.Resize(ref _tokens, size);
            Array.Resize(ref _weights, size);
        }
    }
}
