using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SpecDecode.Sampling;

/// <summary>
/// Philox4x32-10 (Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC11): a bijection of 128-bit counters for each
/// 64-bit key. Integer arithmetic alone, so the numbers are the same on every machine, and any of them can be had without
/// those before it.
/// </summary>
internal static class Philox
{
    /// <summary>Blocks that <see cref="Group"/> computes.</summary>
    public const int GroupBlocks = 16;

    /// <summary>Words that <see cref="Group"/> computes.</summary>
    public const int GroupWords = 4 * GroupBlocks;

    private const uint Multiplier0 = 0xD2511F53;
    private const uint Multiplier1 = 0xCD9E8D57;
    private const uint Weyl0 = 0x9E3779B9;
    private const uint Weyl1 = 0xBB67AE85;
    private const int Rounds = 10;

    /// <summary>The block of a counter.</summary>
    /// <param name="key">The key, word 0 in its lower half.</param>
    /// <param name="counter">The counter.</param>
    public static Vector128<uint> Block(ulong key, Vector128<uint> counter)
    {
        (uint word0, uint word1, uint word2, uint word3) = (counter[0], counter[1], counter[2], counter[3]);
        uint key0 = (uint)key;
        uint key1 = (uint)(key >> 32);
        for (int round = 0; round < Rounds; round++)
        {
            ulong product0 = (ulong)Multiplier0 * word0;
            ulong product1 = (ulong)Multiplier1 * word2;
            word0 = (uint)(product1 >> 32) ^ word1 ^ key0;
            word1 = (uint)product1;
            word2 = (uint)(product0 >> 32) ^ word3 ^ key1;
            word3 = (uint)product0;
            key0 += Weyl0;
            key1 += Weyl1;
        }

        return Vector128.Create(word0, word1, word2, word3);
    }

    /// <summary>The blocks of <see cref="GroupBlocks"/> counters that differ in word 0, which goes up by one.</summary>
    /// <param name="words">Word w of block b comes at w · <see cref="GroupBlocks"/> + b.</param>
    /// <param name="key">The key, word 0 in its lower half.</param>
    /// <param name="first">The first counter; its word 0 is a multiple of <see cref="GroupBlocks"/>.</param>
    public static void Group(Span<uint> words, ulong key, Vector128<uint> first)
    {
        if (Avx2.IsSupported)
        {
            for (int block = 0; block < GroupBlocks; block += 8)
            {
                Eight(words[block..], key, first.WithElement(0, first[0] + (uint)block));
            }
        }
        else
        {
            GroupOneByOne(words, key, first);
        }
    }

    /// <summary>What <see cref="Group"/> does, without vectors.</summary>
    internal static void GroupOneByOne(Span<uint> words, ulong key, Vector128<uint> first)
    {
        for (int block = 0; block < GroupBlocks; block++)
        {
            Vector128<uint> result = Block(key, first.WithElement(0, first[0] + (uint)block));
            for (int word = 0; word < 4; word++)
            {
                words[word * GroupBlocks + block] = result[word];
            }
        }
    }

    // Eight blocks in two vectors for each word. A word is the lower half of a lane; what the upper half holds is never looked at.
    private static void Eight(Span<uint> words, ulong key, Vector128<uint> first)
    {
        Vector256<ulong> a0 = Vector256.Create((ulong)first[0]) + Vector256.Create(0UL, 1, 2, 3);
        Vector256<ulong> b0 = a0 + Vector256.Create(4UL);
        Vector256<ulong> a1 = Vector256.Create((ulong)first[1]);
        Vector256<ulong> a2 = Vector256.Create((ulong)first[2]);
        Vector256<ulong> a3 = Vector256.Create((ulong)first[3]);
        (Vector256<ulong> b1, Vector256<ulong> b2, Vector256<ulong> b3) = (a1, a2, a3);
        uint key0 = (uint)key;
        uint key1 = (uint)(key >> 32);
        for (int round = 0; round < Rounds; round++)
        {
            Vector256<ulong> keys0 = Vector256.Create((ulong)key0);
            Vector256<ulong> keys1 = Vector256.Create((ulong)key1);
            Round(ref a0, ref a1, ref a2, ref a3, keys0, keys1);
            Round(ref b0, ref b1, ref b2, ref b3, keys0, keys1);
            key0 += Weyl0;
            key1 += Weyl1;
        }

        Vector256.Narrow(a0, b0).CopyTo(words);
        Vector256.Narrow(a1, b1).CopyTo(words[GroupBlocks..]);
        Vector256.Narrow(a2, b2).CopyTo(words[(2 * GroupBlocks)..]);
        Vector256.Narrow(a3, b3).CopyTo(words[(3 * GroupBlocks)..]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round(
        ref Vector256<ulong> word0, ref Vector256<ulong> word1, ref Vector256<ulong> word2, ref Vector256<ulong> word3,
        Vector256<ulong> keys0, Vector256<ulong> keys1)
    {
        Vector256<ulong> product0 = Avx2.Multiply(word0.AsUInt32(), Vector256.Create((ulong)Multiplier0).AsUInt32());
        Vector256<ulong> product1 = Avx2.Multiply(word2.AsUInt32(), Vector256.Create((ulong)Multiplier1).AsUInt32());
        word0 = (product1 >>> 32) ^ word1 ^ keys0;
        word1 = product1;
        word2 = (product0 >>> 32) ^ word3 ^ keys1;
        word3 = product0;
    }
}
