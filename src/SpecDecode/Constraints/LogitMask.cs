using System.Numerics;

namespace SpecDecode.Constraints;

/// <summary>Takes from logits what a mask does not allow.</summary>
internal static class LogitMask
{
    /// <summary>Sets the logits of all tokens to minus infinity whose bit is not set.</summary>
    /// <param name="mask">Bit t of word t / 64 is token t; a word for every 64 tokens or part of them.</param>
    /// <param name="logits">The logits, one a token.</param>
    public static void Apply(ReadOnlySpan<ulong> mask, Span<float> logits)
    {
        Span<float> kept = stackalloc float[64];
        for (int first = 0; first < logits.Length; first += 64)
        {
            Span<float> part = logits[first..Math.Min(logits.Length, first + 64)];
            ulong allowed = mask[first >> 6] & (ulong.MaxValue >> (64 - part.Length));
            ulong masked = ~mask[first >> 6] & (ulong.MaxValue >> (64 - part.Length));
            if (BitOperations.PopCount(masked) <= BitOperations.PopCount(allowed))
            {
                for (; masked != 0; masked &= masked - 1)
                {
                    part[BitOperations.TrailingZeroCount(masked)] = float.NegativeInfinity;
                }

                continue;
            }

            // Where few may come, those are kept and all are masked at once.
            int count = 0;
            for (ulong left = allowed; left != 0; left &= left - 1)
            {
                kept[count++] = part[BitOperations.TrailingZeroCount(left)];
            }

            part.Fill(float.NegativeInfinity);
            count = 0;
            for (ulong left = allowed; left != 0; left &= left - 1)
            {
                part[BitOperations.TrailingZeroCount(left)] = kept[count++];
            }
        }
    }
}
