using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using SpecDecode.Descriptions;
using SpecDecode.Weights;

namespace SpecDecode.Tests.Weights;

public sealed class BlockQuantizerTests
{
    public static TheoryData<Precision, int, int> Shapes => new()
    {
        { Precision.Int8, 32, 256 }, { Precision.Int8, 16, 48 }, { Precision.Int8, 128, 128 }, { Precision.Int8, 32, 33 }, { Precision.Int8, 32, 1 },
        { Precision.Int4, 32, 256 }, { Precision.Int4, 16, 48 }, { Precision.Int4, 256, 512 }, { Precision.Int4, 32, 95 }, { Precision.Int4, 64, 31 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_weight_comes_back_within_half_a_step_of_its_block_range(Precision precision, int blockSize, int columns)
    {
        for (int seed = 0; seed < 20; seed++)
        {
            float[] row = Row(columns, seed);
            Quantized quantized = Quantize(row, precision, blockSize);
            for (int column = 0; column < columns; column++)
            {
                float[] block = row[(column / blockSize * blockSize)..Math.Min(columns, (column / blockSize + 1) * blockSize)];
                float min = Math.Min(0, block.Min());
                float max = Math.Max(0, block.Max());

                // Eight bits: half a step, which is larger than the 127th part of the magnitude by at most the last bit of a bfloat16.
                // Four: the step may be a fifth larger than the 15th part, and outliers may be cut off.
                double bound = precision == Precision.Int8
                    ? block.Max(Math.Abs) / 127.0 / 2 * (1 + 1.0 / 128)
                    : (max - min) / 15.0 / 2 * 1.2 + (max - min) * 0.15;
                Assert.InRange(Math.Abs(quantized.Weight(column) - row[column]), 0, bound * 1.0001);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Scales_are_bfloat16_numbers(Precision precision, int blockSize, int columns)
    {
        for (int seed = 0; seed < 20; seed++)
        {
            Assert.All(Quantize(Row(columns, seed), precision, blockSize).Scales, scale => Assert.Equal(0u, BitConverter.SingleToUInt32Bits(scale) & 0xFFFF));
        }
    }

    [Fact]
    public void Eight_bits_clip_nothing_and_waste_no_more_than_a_step()
    {
        for (int seed = 0; seed < 200; seed++)
        {
            float[] row = Row(32, seed);
            Quantized quantized = Quantize(row, Precision.Int8, 32);
            Assert.InRange(row.Max(Math.Abs) / quantized.Scales[0], 126, 127);
            Assert.InRange(Enumerable.Range(0, 32).Max(column => Math.Abs(quantized.Value(column) - 128)), 126, 127);
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Values_are_what_plain_rounding_with_their_scale_and_zero_point_gives(Precision precision, int blockSize, int columns)
    {
        float[] row = Row(columns, 7);
        Quantized quantized = Quantize(row, precision, blockSize);
        for (int column = 0; column < columns; column++)
        {
            int block = column / blockSize;
            int highest = precision == Precision.Int8 ? 255 : 15;
            float scale = quantized.Scales[block];
            int expected = Math.Clamp((int)MathF.Round(row[column] * (1 / scale)) + quantized.ZeroPoint(block), 0, highest);
            Assert.Equal(expected, quantized.Value(column));
        }
    }

    [Theory]
    [InlineData(32)]
    [InlineData(128)]
    public void Four_bits_leave_no_larger_squared_error_than_spanning_the_range_evenly(int blockSize)
    {
        double evenly = 0;
        double chosen = 0;
        for (int seed = 0; seed < 200; seed++)
        {
            float[] row = Row(blockSize, seed);
            double one = row.Zip(Quantize(row, Precision.Int4, blockSize).Weights(blockSize), (a, b) => Math.Pow(a - b, 2)).Sum();
            double even = Evenly(row).Zip(row, (a, b) => Math.Pow(a - b, 2)).Sum();

            // A scale that is a bfloat16 number is up to 0.4 % beside the best one.
            Assert.True(one <= even * 1.002, $"seed {seed}: {one} against {even}");
            chosen += one;
            evenly += even;
        }

        Assert.True(chosen < 0.95 * evenly, $"{chosen} against {evenly}");
    }

    [Theory]
    [InlineData(16)]
    [InlineData(32)]
    [InlineData(64)]
    [InlineData(128)]
    public void Four_bits_leave_hardly_more_squared_error_than_the_best_scale_and_zero_point(int blockSize)
    {
        double best = 0;
        double chosen = 0;
        for (int seed = 0; seed < 6400 / blockSize; seed++)
        {
            float[] row = Row(blockSize, seed);
            chosen += row.Zip(Quantize(row, Precision.Int4, blockSize).Weights(blockSize), (a, b) => Math.Pow(a - b, 2)).Sum();
            best += LeastError(row);
        }

        Assert.InRange(chosen / best, 0.9999, 1.01);
    }

    [Theory]
    [InlineData(Precision.Int8, 32)]
    [InlineData(Precision.Int4, 32)]
    [InlineData(Precision.Int4, 16)]
    [InlineData(Precision.Int4, 256)]
    public void A_block_comes_out_the_same_alone_and_beside_any_others(Precision precision, int blockSize)
    {
        // More blocks than vectors have lanes, and not a multiple of them.
        const int Blocks = 37;
        float[] row = Row(Blocks * blockSize, 11);
        row.AsSpan(5 * blockSize, blockSize).Clear();
        row.AsSpan(7 * blockSize, blockSize).Fill(1e-43f);
        row[9 * blockSize] = 3e38f;
        Quantized together = Quantize(row, precision, blockSize);
        for (int block = 0; block < Blocks; block++)
        {
            Quantized alone = Quantize(row[(block * blockSize)..((block + 1) * blockSize)], precision, blockSize);
            Assert.Equal(alone.Scales[0], together.Scales[block]);
            Assert.Equal(alone.ZeroPoint(0), together.ZeroPoint(block));
            Assert.Equal(
                Enumerable.Range(0, blockSize).Select(alone.Value),
                Enumerable.Range(block * blockSize, blockSize).Select(together.Value));
        }
    }

    // Found once; every machine has to find the same, whatever its vectors and the order of its sums.
    [Theory]
    [InlineData(Precision.Int8, 32, "6b61f1d1799ce30b")]
    [InlineData(Precision.Int4, 16, "43e19a0a76581e94")]
    [InlineData(Precision.Int4, 32, "985657823fdab0b0")]
    [InlineData(Precision.Int4, 128, "ed540271e41308d3")]
    public void The_result_is_the_same_on_every_machine(Precision precision, int blockSize, string hash)
    {
        XxHash3 all = new();
        uint state = 1;
        for (int i = 0; i < 50; i++)
        {
            // A sum of whole numbers, so that these weights are the same everywhere too.
            float[] row = new float[1000];
            foreach (ref float weight in row.AsSpan())
            {
                int sum = 0;
                for (int k = 0; k < 12; k++)
                {
                    state = state * 1_664_525 + 1_013_904_223;
                    sum += (int)(state >> 12) - (1 << 19);
                }

                weight = sum * (1f / (1 << 22));
            }

            Quantized quantized = Quantize(row, precision, blockSize);
            all.Append(quantized.Values);
            all.Append(MemoryMarshal.AsBytes<float>(quantized.Scales));
            all.Append(quantized.ZeroPoints);
        }

        Assert.Equal(hash, all.GetCurrentHashAsUInt64().ToString("x16", CultureInfo.InvariantCulture));
    }

    [Theory]
    [InlineData(Precision.Int8)]
    [InlineData(Precision.Int4)]
    public void A_block_of_zeros_stays_zeros_beside_others(Precision precision)
    {
        float[] row = Row(96, 3);
        row.AsSpan(32, 32).Clear();
        Quantized quantized = Quantize(row, precision, 32);

        Assert.All(Enumerable.Range(32, 32), column => Assert.Equal(0f, quantized.Weight(column)));
        Assert.NotEqual(0f, quantized.Weight(0));
        Assert.NotEqual(0f, quantized.Weight(95));
    }

    [Theory]
    [InlineData(Precision.Int8)]
    [InlineData(Precision.Int4)]
    public void Zero_is_kept_exactly_in_every_block(Precision precision)
    {
        for (int seed = 0; seed < 50; seed++)
        {
            float[] row = Row(64, seed);
            row[5] = row[40] = 0;
            Quantized quantized = Quantize(row, precision, 32);
            Assert.Equal(0f, quantized.Weight(5));
            Assert.Equal(0f, quantized.Weight(40));
        }
    }

    [Theory]
    [InlineData(Precision.Int8)]
    [InlineData(Precision.Int4)]
    public void Padding_of_a_ragged_last_block_stands_for_zeros(Precision precision)
    {
        Quantized quantized = Quantize(Row(50, 9), precision, 32);
        Assert.All(Enumerable.Range(50, 14), column => Assert.Equal(0f, quantized.Weight(column)));
    }

    [Theory]
    [InlineData(Precision.Int8)]
    [InlineData(Precision.Int4)]
    public void Blocks_of_one_sign_of_tiny_and_of_huge_weights_come_back_finite_and_near(Precision precision)
    {
        foreach (float scale in (float[])[1e-30f, 1e-5f, 1, 1e18f, 1e30f, 2e38f])
        {
            float[] positive = [.. Row(32, 4).Select(w => (Math.Abs(w) + 0.5f) / 6 * scale)];
            foreach (float[] row in (float[][])[positive, [.. positive.Select(w => -w)], [.. positive.Select((w, i) => i % 2 == 0 ? w : -w)]])
            {
                Quantized quantized = Quantize(row, precision, 32);
                float range = row.Max(Math.Abs);
                Assert.All(Enumerable.Range(0, 32), column => Assert.InRange(Math.Abs((double)quantized.Weight(column) - row[column]), 0, range * 0.2));
            }
        }
    }

    [Fact]
    public void Weights_too_small_for_a_scale_become_zeros()
    {
        float[] row = [.. Row(32, 1).Select(w => w * 1e-43f)];
        foreach (Precision precision in (Precision[])[Precision.Int8, Precision.Int4])
        {
            Quantized quantized = Quantize(row, precision, 32);
            Assert.All(Enumerable.Range(0, 32), column => Assert.Equal(0f, quantized.Weight(column)));
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void A_weight_that_is_not_finite_is_told_with_its_column(float weight)
    {
        foreach (int column in (int[])[0, 7, 31, 32, 70])
        {
            float[] row = Row(71, 2);
            row[column] = weight;
            Assert.Equal(column, Run(row, new TensorFormat(Precision.Int8, 32), out _));
            Assert.Equal(column, Run(row, new TensorFormat(Precision.Int4, 32), out _));
        }
    }

    // Normal weights with an outlier now and then, as trained matrices have them.
    private static float[] Row(int columns, int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, columns).Select(_ =>
        {
            double normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
            return (float)(normal * (random.Next(40) == 0 ? 3 : 1));
        })];
    }

    // By trying every zero point with many scales, each refitted until nothing gets better.
    private static double LeastError(float[] row)
    {
        double least = double.PositiveInfinity;
        double range = Math.Max(0, row.Max()) - Math.Min(0, row.Min());
        for (int zero = 0; zero <= 15; zero++)
        {
            for (double share = 0.5; share < 1.3; share += 0.01)
            {
                double scale = range / 15 * share;
                for (int again = 0; again < 4; again++)
                {
                    double[] steps = [.. row.Select(w => Math.Clamp(Math.Round(w / scale), -zero, 15 - zero))];
                    least = Math.Min(least, row.Zip(steps, (w, d) => Math.Pow(w - d * scale, 2)).Sum());
                    double squares = steps.Sum(d => d * d);
                    double refitted = row.Zip(steps, (w, d) => w * d).Sum() / squares;
                    if (!(refitted > 0) || refitted == scale)
                    {
                        break;
                    }

                    scale = refitted;
                }
            }
        }

        return least;
    }

    private static float[] Evenly(float[] row)
    {
        float min = Math.Min(0, row.Min());
        float step = (Math.Max(0, row.Max()) - min) / 15;
        float zero = MathF.Round(-min / step);
        return [.. row.Select(w => (Math.Clamp(MathF.Round(w / step) + zero, 0, 15) - zero) * step)];
    }

    private static Quantized Quantize(float[] row, Precision precision, int blockSize)
    {
        Assert.Equal(-1, Run(row, new TensorFormat(precision, blockSize), out Quantized quantized));
        Assert.All(quantized.Scales, scale => Assert.True(float.IsFinite(scale)));
        return quantized;
    }

    private static int Run(float[] row, TensorFormat format, out Quantized quantized)
    {
        byte[] values = new byte[format.ValueBytes(row.Length)];
        float[] scales = new float[format.Blocks(row.Length)];
        byte[] zeroPoints = new byte[format.ZeroPointBytes(row.Length)];
        quantized = new Quantized(format, values, scales, zeroPoints);
        return BlockQuantizer.Quantize(row, format, values, scales, zeroPoints);
    }

    /// <summary>The stored form read back, plainly.</summary>
    private sealed record Quantized(TensorFormat Format, byte[] Values, float[] Scales, byte[] ZeroPoints)
    {
        public int Value(int column) => Format.Bits == 8 ? Values[column] : (Values[column / 2] >> (column % 2 * 4)) & 15;

        public int ZeroPoint(int block) => Format.Bits == 8 ? 128 : (ZeroPoints[block / 2] >> (block % 2 * 4)) & 15;

        public float Weight(int column)
        {
            int block = column / Format.BlockSize;
            return (Value(column) - ZeroPoint(block)) * Scales[block];
        }

        public IEnumerable<double> Weights(int count) => Enumerable.Range(0, count).Select(column => (double)Weight(column));
    }
}
