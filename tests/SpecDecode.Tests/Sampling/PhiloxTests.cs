using System.Runtime.Intrinsics;
using SpecDecode.Sampling;

namespace SpecDecode.Tests.Sampling;

public class PhiloxTests
{
    // Random123's kat_vectors, philox4x32 with 10 rounds.
    [Theory]
    [InlineData(0x00000000_00000000, new uint[] { 0, 0, 0, 0 }, new uint[] { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 })]
    [InlineData(
        0xffffffff_ffffffff, new uint[] { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff },
        new uint[] { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd })]
    [InlineData(
        0x299f31d0_a4093822, new uint[] { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
        new uint[] { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 })]
    public void The_published_vectors_come_out(ulong key, uint[] counter, uint[] expected) =>
        Assert.Equal(Vector128.Create(expected), Philox.Block(key, Vector128.Create(counter)));

    [Fact]
    public void A_group_is_its_blocks_one_by_one_with_vectors_and_without()
    {
        Random random = new(5);
        for (int i = 0; i < 500; i++)
        {
            ulong key = (ulong)random.NextInt64(long.MinValue, long.MaxValue);
            uint first = (uint)random.NextInt64(1 << 27) * Philox.GroupBlocks;
            Vector128<uint> counter = Vector128.Create(
                i == 0 ? uint.MaxValue - Philox.GroupBlocks + 1 : first, (uint)random.NextInt64(1L << 32), (uint)random.NextInt64(1L << 32), (uint)i % 3);
            uint[] words = new uint[Philox.GroupWords];
            Philox.Group(words, key, counter);
            uint[] plain = new uint[Philox.GroupWords];
            Philox.GroupOneByOne(plain, key, counter);

            Assert.Equal(plain, words);
            for (int block = 0; block < Philox.GroupBlocks; block++)
            {
                Vector128<uint> expected = Philox.Block(key, counter.WithElement(0, counter[0] + (uint)block));
                Assert.Equal(expected, Vector128.Create(words[block], words[block + 16], words[block + 32], words[block + 48]));
            }
        }
    }

    [Fact]
    public void Numbers_are_uniform_and_others_for_every_seed_choice_place_use_and_attempt()
    {
        HashSet<double> seen = [];
        int[] bins = new int[64];
        foreach ((ulong seed, uint choice) in ((ulong, uint)[])[(1, 0), (2, 0), (1, 1), (ulong.MaxValue, 0), (1UL << 32, 0)])
        {
            RandomNumbers numbers = new(seed, choice);
            for (int i = 0; i < 20_000; i++)
            {
                double number = numbers.At(i / 8, (RandomUse)(i % 4 % 3), attempt: i % 8 / 4 + (i % 4 == 3 ? 2 : 0));
                Assert.InRange(number, 0, Math.BitDecrement(1.0));
                Assert.True(seen.Add(number), "A number came twice.");
                bins[(int)(number * bins.Length)]++;
            }
        }

        GoodnessOfFit.AssertFits(bins, [.. bins.Select(_ => 1.0 / bins.Length)]);
    }
}
