using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SpecDecode.Sampling;

/// <summary>Softmax arithmetic.</summary>
internal static class Softmax
{
    /// <summary>The probability of a token.</summary>
    /// <param name="row">A row that can be chosen from.</param>
    /// <param name="token">The token.</param>
    public static double Probability(LogitRow row, int token)
    {
        return Math.Exp(row.Logits[token] - row.Highest) / Total(row.Logits, row.Highest, temperature: 1);
    }

    /// <summary>exp((logit − highest) / temperature): 1 for the highest, 0 where it is less than e^−87.</summary>
    /// <param name="logits">Logits; not NaN.</param>
    /// <param name="highest">The highest of them, finite.</param>
    /// <param name="temperature">Above 0.</param>
    /// <param name="weights">Gets them, equal ones for equal logits; may be where the logits are.</param>
    /// <returns>Their sum.</returns>
    public static double Weights(ReadOnlySpan<float> logits, float highest, float temperature, Span<float> weights)
    {
        double total = 0;
        for (int start = 0; start < logits.Length; start += RowScan.BlockTokens)
        {
            int end = Math.Min(start + RowScan.BlockTokens, logits.Length);
            total += Block(logits[start..end], highest, temperature, float.NegativeInfinity, weights[start..end]);
        }

        return total;
    }

    /// <summary>The sum of what <see cref="Weights"/> makes.</summary>
    /// <inheritdoc cref="Weights" path="/param"/>
    public static double Total(ReadOnlySpan<float> logits, float highest, float temperature)
    {
        double total = 0;
        for (int start = 0; start < logits.Length; start += RowScan.BlockTokens)
        {
            total += Block(logits[start..Math.Min(start + RowScan.BlockTokens, logits.Length)], highest, temperature, float.NegativeInfinity, default);
        }

        return total;
    }

    /// <summary>What <see cref="Weights"/> does, for a part of a row, with a weight of 0 for what lies below a logit.</summary>
    /// <param name="logits">Logits; not NaN.</param>
    /// <param name="highest">The highest of the row, finite.</param>
    /// <param name="temperature">Above 0.</param>
    /// <param name="lowest">The logit.</param>
    /// <param name="weights">Gets the weights; empty if only their sum is wanted.</param>
    /// <returns>Their sum.</returns>
    public static double Block(ReadOnlySpan<float> logits, float highest, float temperature, float lowest, Span<float> weights)
    {
        // The smallest temperatures have a reciprocal only when multiplied, as are the logits then.
        float stretch = temperature < 1e-30f ? 1L << 60 : 1;
        Vector512<float> top = Vector512.Create(highest);
        Vector512<float> factor = Vector512.Create(stretch);
        Vector512<float> scale = Vector512.Create(1 / (temperature * stretch));
        Vector512<float> from = Vector512.Create(lowest);
        Vector512<float> sums = default;
        bool isWanted = !weights.IsEmpty;
        while (logits.Length >= Vector512<float>.Count)
        {
            Vector512<float> row = Vector512.Create(logits);
            Vector512<float> some = Exp((row - top) * factor * scale) & Vector512.GreaterThanOrEqual(row, from);
            sums += some;
            logits = logits[Vector512<float>.Count..];
            if (isWanted)
            {
                some.CopyTo(weights);
                weights = weights[Vector512<float>.Count..];
            }
        }

        if (!logits.IsEmpty)
        {
            // The rest with the same instructions: equal logits have equal weights.
            Span<float> rest = stackalloc float[Vector512<float>.Count];
            rest.Fill(float.NegativeInfinity);
            logits.CopyTo(rest);
            Vector512<float> row = Vector512.Create<float>(rest);
            Vector512<float> some = Exp((row - top) * factor * scale) & Vector512.GreaterThanOrEqual(row, from);
            sums += some;
            some.CopyTo(rest);
            rest[..weights.Length].CopyTo(weights);
        }

        return Vector512.Sum(sums);
    }

    /// <summary>The exponentials of numbers up to 0, to 2e-7 of each; 0 below −87.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<float> Exp(Vector512<float> x)
    {
        // e^x = 2^n e^r with |r| at most half of log 2, and a polynomial for e^r (coefficients of Moshier's Cephes library). The
        // runtime's own takes three times as long, and on machines without AVX-512 four times.
        Vector512<float> isMore = Vector512.GreaterThan(x, Vector512.Create(-87f));
        x = Vector512.Max(x, Vector512.Create(-87f));
        Vector512<float> n = Vector512.Round(x * Vector512.Create(1.44269504f));
        Vector512<float> r = Vector512.MultiplyAddEstimate(n, Vector512.Create(2.12194440e-4f), Vector512.MultiplyAddEstimate(n, Vector512.Create(-0.693359375f), x));
        Vector512<float> y = Vector512.Create(1.9875691500e-4f);
        y = Vector512.MultiplyAddEstimate(y, r, Vector512.Create(1.3981999507e-3f));
        y = Vector512.MultiplyAddEstimate(y, r, Vector512.Create(8.3334519073e-3f));
        y = Vector512.MultiplyAddEstimate(y, r, Vector512.Create(4.1665795894e-2f));
        y = Vector512.MultiplyAddEstimate(y, r, Vector512.Create(1.6666665459e-1f));
        y = Vector512.MultiplyAddEstimate(y, r, Vector512.Create(5.0000001201e-1f));
        y = Vector512.MultiplyAddEstimate(y, r * r, r + Vector512<float>.One);
        Vector512<int> power = (Vector512.ConvertToInt32Native(n) + Vector512.Create(127)) << 23;
        return y * power.AsSingle() & isMore;
    }
}
