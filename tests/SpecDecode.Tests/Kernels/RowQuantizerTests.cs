using SpecDecode.Kernels;

namespace SpecDecode.Tests.Kernels;

public sealed class RowQuantizerTests
{
    [Theory]
    [InlineData(16)]
    [InlineData(32)]
    [InlineData(64)]
    [InlineData(128)]
    [InlineData(256)]
    public void Bytes_scales_and_sums_are_those_of_plain_code(int blockSize)
    {
        Random random = new(blockSize);
        foreach (int inputs in (int[])[1, 2, 3, 15, 16, 17, 31, 33, 100, 256, 257, 576])
        {
            foreach (float size in (float[])[1, 1e-30f, 1e30f])
            {
                float[] row = [.. ProductSetup.Numbers(inputs, random).Select(x => x * size)];
                AssertIsPlain(row, blockSize);
            }
        }
    }

    [Fact]
    public void A_byte_is_at_most_half_a_step_away_and_the_largest_number_is_kept()
    {
        Random random = new(1);
        for (int round = 0; round < 200; round++)
        {
            float[] row = ProductSetup.Numbers(64, random);
            (sbyte[] bytes, float[] scales, _) = Run(row, 64, -1);
            for (int i = 0; i < row.Length; i++)
            {
                // Half a step, and what rounding costs the step, its reciprocal and their product.
                double bound = scales[0] * (0.5 + 127 * 4 * Bounded.Unit);
                Assert.InRange(Math.Abs(bytes[i] * (double)scales[0] - row[i]), 0, bound);
            }

            Assert.Equal(127, Math.Abs(bytes[Array.FindIndex(row, x => Math.Abs(x) == row.Max(Math.Abs))]));
        }
    }

    [Fact]
    public void Halves_go_to_the_even_neighbour()
    {
        float[] row = new float[16];
        (row[0], row[1], row[2], row[3], row[4], row[5]) = (127, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f);
        Assert.Equal([127, 0, 2, 2, 0, -2], Run(row, 16, -1).Bytes[..6]);
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1e-45f)]
    [InlineData(9e-37f)]
    public void A_block_too_small_for_a_step_is_zeros(float number)
    {
        float[] row = [.. Enumerable.Repeat(number, 32), .. Enumerable.Repeat(1f, 32)];
        (sbyte[] bytes, float[] scales, int[] starts) = Run(row, 32, -128);
        Assert.Equal(new sbyte[32], bytes[..32]);
        Assert.Equal((0f, 0), (scales[0], starts[0]));
        Assert.Equal((127, -128 * 127 * 32), (bytes[32], starts[1]));
    }

    [Theory]
    [InlineData(1e-36f)]
    [InlineData(1.2e-36f)]
    [InlineData(float.MaxValue)]
    public void The_smallest_and_the_largest_blocks_that_count_are_finite(float number)
    {
        float[] row = [.. Enumerable.Repeat(number, 15), -number];
        (sbyte[] bytes, float[] scales, _) = Run(row, 16, -1);
        Assert.Equal(127, bytes[0]);
        Assert.Equal(-127, bytes[15]);
        Assert.True(float.IsFinite(scales[0]) && scales[0] > 0);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void A_block_with_a_number_that_is_not_finite_has_no_scale_and_others_keep_theirs(float number)
    {
        foreach (int place in (int[])[0, 7, 20, 31, 32, 44])
        {
            float[] row = ProductSetup.Numbers(45, new Random(place));
            (_, float[] expected, _) = Run(row, 16, -1);
            row[place] = number;
            (sbyte[] bytes, float[] scales, int[] starts) = Run(row, 16, -1);
            int block = place / 16;
            Assert.True(float.IsNaN(scales[block]));
            Assert.Equal(0, starts[block]);
            Assert.Equal(new sbyte[16], bytes[(16 * block)..(16 * block + 16)]);
            Assert.All(Enumerable.Range(0, 3).Where(other => other != block), other => Assert.Equal(expected[other], scales[other]));
        }
    }

    private static void AssertIsPlain(float[] row, int blockSize)
    {
        QuantisedRow expected = new(row, blockSize);
        (sbyte[] bytes, float[] scales, int[] starts) = Run(row, blockSize, -3);
        Assert.Equal(expected.Bytes, bytes.Select(b => (int)b));
        Assert.Equal(expected.Scales, scales);
        Assert.Equal(expected.Bytes.Chunk(blockSize).Select(block => -3 * block.Sum()), starts);
    }

    private static unsafe (sbyte[] Bytes, float[] Scales, int[] Starts) Run(float[] row, int blockSize, int factor)
    {
        int blocks = (row.Length + blockSize - 1) / blockSize;
        using NativeBuffer<float> from = new(row);
        using NativeBuffer<sbyte> bytes = new(blocks * blockSize);
        using NativeBuffer<RowBlock> worth = new(blocks);
        RowQuantizer.Quantize(from.Start, row.Length, blockSize, factor, bytes.Start, worth.Start, step: 1);
        from.Check();
        bytes.Check();
        worth.Check();
        RowBlock[] found = worth.Span.ToArray();
        return (bytes.Span.ToArray(), [.. found.Select(block => block.Scale)], [.. found.Select(block => block.Start)]);
    }
}
