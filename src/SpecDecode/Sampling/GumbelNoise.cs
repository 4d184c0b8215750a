using System.Numerics.Tensors;

namespace SpecDecode.Sampling;

/// <summary>
/// Standard Gumbel noise by seed, choice, output position and token (the Gumbel-max trick: the arg max of log probability plus
/// noise is a draw from the distribution). The same numbers on every machine: integers from <see cref="Philox"/>, and a
/// logarithm of additions, multiplications and divisions alone.
/// </summary>
/// <param name="seed">The request's seed.</param>
/// <param name="choice">Which of several answers.</param>
/// <param name="position">Number of the output token, from 0.</param>
internal readonly struct GumbelNoise(ulong seed, uint choice, uint position)
{
    // Two tokens share a block of 128 bits; of its half each takes 52 bits, the most that keep 1 − u exact.
    private const int Bits = 52;
    private const int BlockTokens = 128;

    // -log(-log(u)) at the largest u, 1 - 2^-53.
    private const double Most = 36.75;

    /// <summary>The noise of a token.</summary>
    public double Of(int token) => FromBits(BitsOf(token));

    /// <summary>
    /// The token with the highest logit / temperature + noise among those at or above the cut; the lowest id on a tie. Only
    /// tokens whose noise could lift them above the best so far have their noise computed beyond its bits, which changes
    /// the time and not the result.
    /// </summary>
    /// <param name="logits">One row of logits, <c>[V]</c>; the highest is finite.</param>
    /// <param name="cut">Which of them may win.</param>
    /// <param name="temperature">Above 0.</param>
    public int ArgMax(ReadOnlySpan<float> logits, LogitCut cut, float temperature)
    {
        int best = TensorPrimitives.IndexOfMax(logits);
        double bestScore = Score(logits[best], temperature, best);
        int ties = cut.Ties;
        for (int start = 0; start < logits.Length; start += BlockTokens)
        {
            ReadOnlySpan<float> block = logits[start..Math.Min(start + BlockTokens, logits.Length)];
            float highest = TensorPrimitives.Max(block);
            if (highest < cut.Value)
            {
                continue;
            }

            ulong needed = BitsAbove(bestScore - (double)highest / temperature);
            if (needed == ulong.MaxValue && highest > cut.Value && cut.KeepsNoTiesOrAll)
            {
                continue;
            }

            (ulong First, ulong Second) pair = default;
            for (int i = 0; i < block.Length; i++)
            {
                // The tokens of a block of Philox lie side by side: one computation for both.
                if ((i & 1) == 0)
                {
                    pair = Pair(start + i);
                }

                if (block[i] < cut.Value || (block[i] == cut.Value && --ties < 0))
                {
                    continue;
                }

                ulong bits = ((i & 1) == 0 ? pair.First : pair.Second) >> (64 - Bits);
                if (bits >= needed && Score(block[i], temperature, bits) is var score && (score > bestScore || (score == bestScore && start + i < best)))
                {
                    (best, bestScore) = (start + i, score);
                    needed = BitsAbove(bestScore - (double)highest / temperature);
                }
            }
        }

        return best;
    }

    /// <summary>Natural logarithm of a positive normal number, to about 2 units in the last place, the same everywhere.</summary>
    internal static double Log(double x)
    {
        const double Ln2 = 0.693147180559945309417232121458;
        long bits = BitConverter.DoubleToInt64Bits(x);
        int exponent = (int)(bits >> 52) - 1023;
        double mantissa = BitConverter.Int64BitsToDouble((bits & 0xFFFFFFFFFFFFF) | (1023L << 52));
        if (mantissa > 1.4142135623730951)
        {
            mantissa *= 0.5;
            exponent++;
        }

        // log m = 2 artanh t with t = (m - 1) / (m + 1), |t| < 0.172.
        double t = (mantissa - 1) / (mantissa + 1);
        double t2 = t * t;
        double sum = 0;
        for (int term = 23; term >= 1; term -= 2)
        {
            sum = sum * t2 + 1.0 / term;
        }

        return exponent * Ln2 + 2 * t * sum;
    }

    private static double FromBits(ulong bits) => -Log(-Log((bits + 0.5) * (1.0 / (1UL << Bits))));

    // The least bits whose noise can exceed a number, with some to spare for the rounding of these exponentials.
    private static ulong BitsAbove(double noise)
    {
        if (noise > Most)
        {
            return ulong.MaxValue;
        }

        double u = Math.Exp(-Math.Exp(-noise));
        return (ulong)Math.Max(0, u * (1.0 - 1e-9) * (1UL << Bits) - 2);
    }

    private double Score(float logit, float temperature, int token) => Score(logit, temperature, BitsOf(token));

    private static double Score(float logit, float temperature, ulong bits) => (double)logit / temperature + FromBits(bits);

    private ulong BitsOf(int token) => ((token & 1) == 0 ? Pair(token).First : Pair(token).Second) >> (64 - Bits);

    private (ulong First, ulong Second) Pair(int token) => Philox.Block(seed, (uint)token >> 1, position, choice, 0);
}
