namespace SpecDecode.Sampling;

/// <summary>
/// The log probabilities of one text's tokens and of the most probable ones at their places, as they are written. Entries are written before their tokens are
/// passed on and do not change after that, so another thread may read those of tokens that it has.
/// </summary>
internal sealed class LogProbabilityLog
{
    private readonly int _top;
    private readonly float _temperature;
    private readonly float[] _chosen;
    private readonly int[] _topTokens;
    private readonly float[] _topValues;

    /// <summary>Makes a log.</summary>
    /// <param name="capacity">Most tokens.</param>
    /// <param name="top">How many of the most probable tokens are noted at each place.</param>
    /// <param name="isProcessed">Whether they are of the logits that tokens are chosen from, and not of the model's own.</param>
    /// <param name="temperature">The request's; matters where they are processed.</param>
    public LogProbabilityLog(int capacity, int top, bool isProcessed, float temperature)
    {
        IsProcessed = isProcessed;
        _top = top;
        _temperature = isProcessed && temperature > 0 ? temperature : 1;
        _chosen = new float[capacity];
        _topTokens = new int[capacity * top];
        _topValues = new float[capacity * top];
    }

    /// <summary>Whether bias, penalties, constraints and temperature count.</summary>
    public bool IsProcessed { get; }

    /// <summary>Notes a token.</summary>
    /// <param name="place">Its number in the text, from 0.</param>
    /// <param name="logits">The logits that it was chosen from, <c>[V]</c>.</param>
    /// <param name="token">The token.</param>
    public void Record(int place, ReadOnlySpan<float> logits, int token)
    {
        LogitRow row = new(logits);
        double total = Math.Log(Softmax.Total(logits, row.Highest, _temperature));
        _chosen[place] = Of(logits[token], row.Highest, total);
        Span<int> tokens = _topTokens.AsSpan(place * _top, _top);
        TakeHighest(logits, tokens);
        for (int i = 0; i < tokens.Length; i++)
        {
            _topValues[place * _top + i] = tokens[i] < 0 ? float.NegativeInfinity : Of(logits[tokens[i]], row.Highest, total);
        }
    }

    /// <summary>What was noted of a token.</summary>
    /// <param name="place">Its number in the text, from 0.</param>
    /// <param name="token">The token.</param>
    public TokenLogProbability Of(int place, int token)
    {
        TokenProbability[] top = new TokenProbability[_top];
        int count = 0;
        for (int i = place * _top; i < (place + 1) * _top && _topTokens[i] >= 0; i++)
        {
            top[count++] = new TokenProbability(_topTokens[i], _topValues[i]);
        }

        return new TokenLogProbability { Token = token, LogProbability = _chosen[place], Top = count == _top ? top : top[..count] };
    }

    /// <summary>The mean of what was noted of the first tokens; 0 of none.</summary>
    public double Mean(int tokens)
    {
        double sum = 0;
        for (int i = 0; i < tokens; i++)
        {
            sum += _chosen[i];
        }

        return tokens == 0 ? 0 : sum / tokens;
    }

    private float Of(float logit, float highest, double total) => (float)(((double)logit - highest) / _temperature - total);

    // The tokens of the highest logits, the highest first, of equal ones the lower id; -1 where there are no more.
    private static void TakeHighest(ReadOnlySpan<float> logits, Span<int> tokens)
    {
        tokens.Fill(-1);
        if (tokens.IsEmpty)
        {
            return;
        }

        Span<int> places = stackalloc int[RowScan.BlockTokens];
        float least = float.MinValue;
        for (int start = 0; start < logits.Length; start += RowScan.BlockTokens)
        {
            ReadOnlySpan<float> block = logits[start..Math.Min(start + RowScan.BlockTokens, logits.Length)];
            foreach (int place in places[..RowScan.AtLeast(block, least, places)])
            {
                int token = start + place;
                int rank = tokens.Length;
                while (rank > 0 && (tokens[rank - 1] < 0 || logits[tokens[rank - 1]] < logits[token]))
                {
                    rank--;
                }

                if (rank < tokens.Length)
                {
                    tokens[rank..^1].CopyTo(tokens[(rank + 1)..]);
                    tokens[rank] = token;
                    least = tokens[^1] < 0 ? least : logits[tokens[^1]];
                }
            }
        }
    }
}
