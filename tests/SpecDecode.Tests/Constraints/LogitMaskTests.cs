using SpecDecode.Constraints;

namespace SpecDecode.Tests.Constraints;

/// <summary>What a mask does not allow is gone, and all else as it was, for any number of tokens.</summary>
public sealed class LogitMaskTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(4097)]
    public void Only_logits_whose_bit_is_set_stay(int tokens)
    {
        Random random = new(tokens);
        for (int turn = 0; turn < 40; turn++)
        {
            // Masks of all densities; bits behind the last token say nothing.
            ulong[] mask = [.. Enumerable.Range(0, (tokens + 63) / 64).Select(_ => Word(random))];
            float[] logits = [.. Enumerable.Range(0, tokens).Select(_ => random.NextSingle())];
            float[] expected = [.. logits.Select((logit, i) => (mask[i >> 6] >> i & 1) != 0 ? logit : float.NegativeInfinity)];
            LogitMask.Apply(mask, logits);
            Assert.Equal(expected, logits);
        }
    }

    private static ulong Word(Random random) => random.Next(5) switch
    {
        0 => 0,
        1 => ulong.MaxValue,
        2 => 1UL << random.Next(64),
        3 => ~(1UL << random.Next(64)),
        _ => (ulong)random.NextInt64() ^ ((ulong)random.NextInt64() << 32),
    };
}
