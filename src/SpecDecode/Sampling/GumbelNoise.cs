using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

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
    // A token's 52 bits, the most that keep 1 − u exact: half a word of one block of Philox, which eight tokens share, and 36 bits
    // of another, its own, which is hardly ever needed.
    private const int Bits = 52;
    private const int LowerBits = 36;
    private const uint UpperPurpose = 0;
    private const uint LowerPurpose = 2;
    private const int BlockTokens = 2 * Philox.GroupWords;

    // -log(-log(u)) at the largest u, 1 - 2^-53.
    private const double Most = 36.75;

    /// <summary>The noise of a token.</summary>
    public double Of(int token) => FromBits(BitsOf(token, Upper(token)));

    /// <summary>
    /// The token with the highest logit / temperature + noise among those at or above the cut; the lowest id on a tie. Only
    /// tokens whose noise could lift them above the best so far have it computed beyond the first bits, which changes the
    /// time and not the result.
    /// </summary>
    /// <param name="logits">One row of logits, <c>[V]</c>; none is NaN, the highest is finite.</param>
    /// <param name="cut">Which of them may win.</param>
    /// <param name="temperature">Above 0.</param>
    public int ArgMax(ReadOnlySpan<float> logits, LogitCut cut, float temperature)
    {
        // Scores count from the highest logit: at a small temperature logit / temperature is so large that noise drowns in it.
        int best = RowScan.IndexOfHighest(logits);
        double top = logits[best];
        double bestScore = Of(best);
        int ties = cut.Ties;
        Span<uint> words = stackalloc uint[Philox.GroupWords];
        for (int start = 0; start < logits.Length; start += BlockTokens)
        {
            ReadOnlySpan<float> block = logits[start..Math.Min(start + BlockTokens, logits.Length)];
            float highest = TensorPrimitives.Max(block);
            if (highest < cut.Value)
            {
                continue;
            }

            double blockTop = (highest - top) / temperature;
            ulong needed = BitsAbove(bestScore - blockTop);
            if (cut.KeepsNoTiesOrAll && needed == ulong.MaxValue)
            {
                continue;
            }

            Philox.Group(words, seed, GroupCounter(start));
            if (cut.KeepsNoTiesOrAll && TensorPrimitives.Max<ushort>(MemoryMarshal.Cast<uint, ushort>(words)) < needed >> LowerBits)
            {
                continue;
            }

            for (int i = 0; i < block.Length; i++)
            {
                float logit = block[i];
                uint upper = Half(words[i % Philox.GroupWords], i);
                if (!(logit > cut.Value || (logit == cut.Value && --ties >= 0)) || upper < needed >> LowerBits)
                {
                    continue;
                }

                double score = (logit - top) / temperature + FromBits(BitsOf(start + i, upper));
                if (score > bestScore || (score == bestScore && start + i < best))
                {
                    (best, bestScore) = (start + i, score);
                    needed = BitsAbove(bestScore - blockTop);
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

    // The least bits whose noise can exceed a number, with some to spare for the rounding of these exponentials; the largest
    // number where no noise can.
    private static ulong BitsAbove(double noise)
    {
        if (noise > Most)
        {
            return ulong.MaxValue;
        }

        double u = Math.Exp(-Math.Exp(-noise));
        return (ulong)Math.Max(0, u * (1.0 - 1e-9) * (1UL << Bits) - 2);
    }

    // The first 64 of 128 tokens take the lower halves of a group's words, the others the upper halves.
    private static uint Half(uint word, int token) => token % BlockTokens < Philox.GroupWords ? word & 0xFFFF : word >> 16;

    private uint Upper(int token) => Half(
        Philox.Block(seed, GroupCounter(token) + Vector128.CreateScalar((uint)token % Philox.GroupBlocks))[token / Philox.GroupBlocks % 4], token);

    private ulong BitsOf(int token, uint upper)
    {
        Vector128<uint> lower = Philox.Block(seed, Vector128.Create((uint)token, position, choice, LowerPurpose));
        return ((ulong)upper << LowerBits) | ((ulong)lower[0] << (LowerBits - 32)) | (lower[1] >> (64 - LowerBits));
    }

    private Vector128<uint> GroupCounter(int token) =>
        Vector128.Create((uint)(token / BlockTokens * Philox.GroupBlocks), position, choice, UpperPurpose);
}
