namespace SpecDecode.Sampling;

/// <summary>
/// Philox4x32-10 (Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC11): a bijection of 128-bit counters for each
/// 64-bit key. Integer arithmetic alone, so the numbers are the same on every machine, and any of them can be had without
/// those before it.
/// </summary>
internal static class Philox
{
    private const uint Multiplier0 = 0xD2511F53;
    private const uint Multiplier1 = 0xCD9E8D57;
    private const uint Weyl0 = 0x9E3779B9;
    private const uint Weyl1 = 0xBB67AE85;
    private const int Rounds = 10;

    /// <summary>The block of a counter: words 0 and 1, then words 2 and 3, the lower word in the lower half.</summary>
    /// <param name="key">The key, word 0 in its lower half.</param>
    /// <param name="counter0">Word 0 of the counter.</param>
    /// <param name="counter1">Word 1.</param>
    /// <param name="counter2">Word 2.</param>
    /// <param name="counter3">Word 3.</param>
    public static (ulong First, ulong Second) Block(ulong key, uint counter0, uint counter1, uint counter2, uint counter3)
    {
        uint key0 = (uint)key;
        uint key1 = (uint)(key >> 32);
        for (int round = 0; round < Rounds; round++)
        {
            ulong product0 = (ulong)Multiplier0 * counter0;
            ulong product1 = (ulong)Multiplier1 * counter2;
            counter0 = (uint)(product1 >> 32) ^ counter1 ^ key0;
            counter1 = (uint)product1;
            counter2 = (uint)(product0 >> 32) ^ counter3 ^ key1;
            counter3 = (uint)product0;
            key0 += Weyl0;
            key1 += Weyl1;
        }

        return (counter0 | ((ulong)counter1 << 32), counter2 | ((ulong)counter3 << 32));
    }
}
