using SpecDecode.Descriptions;
using SpecDecode.Kernels;

namespace SpecDecode.Tests.Kernels;

/// <summary>What is packed comes out again, lies where the layout says, and is rounded to the nearest where it does not fit.</summary>
public sealed class PanelPackerTests
{
    public static TheoryData<int, string> Kinds => ProductTests.Kinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Every_row_of_a_panel_comes_out_as_it_went_in(int kind, string name)
    {
        Assert.NotEmpty(name);
        TensorFormat format = ProductCases.Kinds[kind].Format;
        Random random = new(kind);
        foreach (int inputs in (int[])[1, 2, 3, 31, 33, 100, 576])
        {
            foreach (int outputs in (int[])[1, 31, 32, 33, 65])
            {
                using KernelMatrix matrix = KernelMatrix.Random(format, inputs, outputs, random);
                matrix.Check();
                for (int row = 0; row < outputs; row++)
                {
                    float[] found = Unpack(matrix, row);
                    Bits.AssertSame([.. Enumerable.Range(0, inputs).Select(i => matrix.Rows[row].Weight(format, i))], found, $"{format}, row {row}");
                }
            }
        }
    }

    [Theory]
    [InlineData(Precision.Fp32)]
    [InlineData(Precision.Bf16)]
    [InlineData(Precision.Fp16)]
    public void Floats_lie_in_pairs_of_inputs_and_what_is_missing_is_zeros(Precision precision)
    {
        const int Inputs = 5;
        byte[] panel = new byte[PanelLayout.PanelBytes(ProductCase.Panels(precision), Inputs)];
        Array.Fill(panel, (byte)0xEE);
        float[] rows = [.. Enumerable.Range(0, 3 * Inputs).Select(i => (float)(i + 1))];
        PanelPacker.PackFloats(precision, rows, Inputs, panel);
        for (int output = 0; output < 32; output++)
        {
            for (int input = 0; input < 6; input++)
            {
                float expected = output < 3 && input < Inputs ? rows[output * Inputs + input] : 0;
                int pair = input / 2;
                float found = precision switch
                {
                    Precision.Fp32 => BitConverter.ToSingle(panel, pair * 256 + input % 2 * 128 + output * 4),
                    Precision.Bf16 => BitConverter.Int32BitsToSingle(BitConverter.ToUInt16(panel, pair * 128 + output * 4 + input % 2 * 2) << 16),
                    _ => (float)BitConverter.ToHalf(panel, pair * 128 + output * 4 + input % 2 * 2),
                };
                Assert.Equal(expected, found);
            }
        }
    }

    [Theory]
    [InlineData(Precision.Int8, 32)]
    [InlineData(Precision.Int4, 32)]
    [InlineData(Precision.Int4, 16)]
    [InlineData(Precision.Int8, 64)]
    public void Blocks_lie_with_their_scales_before_them(Precision precision, int blockSize)
    {
        TensorFormat format = ProductCase.Panels(precision, blockSize);
        const int Output = 13;
        MatrixRow row = MatrixRow.Random(format, blockSize * 2, new Random(1));
        byte[] panel = new byte[PanelLayout.PanelBytes(format, blockSize * 2)];
        PanelPacker.PackBlocks(format, Output, row.Values, row.Scales, row.ZeroPoints, panel);
        int head = precision == Precision.Int4 ? 64 + 32 : 64;
        int blockBytes = head + blockSize * 32 * format.Bits / 8;
        Assert.Equal(panel.Length, 2 * blockBytes);
        for (int input = 0; input < 2 * blockSize; input++)
        {
            int at = input / blockSize * blockBytes;
            Assert.Equal(row.Scales[input / blockSize], BitConverter.Int32BitsToSingle(BitConverter.ToUInt16(panel, at + 2 * Output) << 16));
            int i = input % blockSize;
            int half = blockSize / 2;
            int step = precision == Precision.Int8
                ? panel[at + head + i / 4 * 128 + Output * 4 + i % 4] - 128
                : (panel[at + head + i % half / 4 * 128 + Output * 4 + i % 4] >> (i < half ? 0 : 4) & 15) - panel[at + 64 + Output];
            Assert.Equal(row.Steps[input], step);
        }

        // Other outputs are left as they were.
        int used = panel.Count(b => b != 0);
        Assert.InRange(used, 1, 2 * (2 + 1 + blockSize));
    }

    [Fact]
    public void A_bfloat16_is_the_nearest_and_of_two_the_even_one()
    {
        Random random = new(3);
        uint[] bits =
        [
            0, 0x80000000, 1, 0x8000, 0x8001, 0x7FFF, 0x18000, 0x3F808000, 0x3F818000, 0x3F808001, 0x3F807FFF, 0x7F7F7FFF, 0x7F7F8000, 0x7F7FFFFF, 0x7F800000, 0xFF800000,
            .. Enumerable.Range(0, 50_000).Select(_ => (uint)random.NextInt64(1L << 32)),
        ];
        foreach (uint one in bits)
        {
            float value = BitConverter.UInt32BitsToSingle(one);
            ushort found = PanelPacker.BFloat16Bits(value);
            if (float.IsNaN(value))
            {
                Assert.True(float.IsNaN(BitConverter.UInt32BitsToSingle((uint)found << 16)));
                continue;
            }

            // The neighbours towards zero and away from it, as steps of the upper half; beyond the largest is 2 to the 128.
            ushort lower = (ushort)(one >> 16);
            double below = Math.Abs(Worth(lower)), above = Math.Abs(Worth((ushort)(lower + 1)));
            double down = Math.Abs(value) - below, up = above - Math.Abs(value);
            bool isUp = float.IsFinite(value) && (up < down || (up == down && lower % 2 == 1));
            Assert.Equal(isUp ? lower + 1 : lower, found);
        }
    }

    [Fact]
    public void Narrowing_rounds_halves_to_the_nearest_and_of_two_to_the_even_one()
    {
        // Every finite half, and what lies a quarter, a half and three quarters of the way to the next.
        float[] values = [.. Enumerable.Range(0, 0x7BFF).SelectMany(bits =>
        {
            float low = (float)BitConverter.UInt16BitsToHalf((ushort)bits), high = (float)BitConverter.UInt16BitsToHalf((ushort)(bits + 1));
            return (float[])[low, low + (high - low) * 0.25f, low + (high - low) * 0.5f, low + (high - low) * 0.75f];
        })];
        ushort[] found = new ushort[values.Length];
        PanelPacker.Narrow(Precision.Fp16, values, found);
        byte[] panel = new byte[PanelLayout.PanelBytes(ProductCase.Panels(Precision.Fp16), values.Length)];
        PanelPacker.PackFloats(Precision.Fp16, [.. values.Select(x => -x)], values.Length, panel);
        float[] packed = new float[values.Length];
        PanelPacker.UnpackRow(ProductCase.Panels(Precision.Fp16), panel, 0, packed);
        for (int i = 0; i < values.Length; i++)
        {
            int bits = i / 4;
            int expected = (i % 4) switch { 0 or 1 => bits, 2 => bits + bits % 2, _ => bits + 1 };
            Assert.Equal(expected, found[i]);
            Assert.Equal(BitConverter.UInt16BitsToHalf((ushort)(expected | 0x8000)), (Half)packed[i]);
        }
    }

    [Fact]
    public void Narrowing_to_bfloat16_is_that_of_panels()
    {
        float[] values = ProductSetup.Numbers(1000, new Random(5));
        ushort[] found = new ushort[values.Length];
        PanelPacker.Narrow(Precision.Bf16, values, found);
        Assert.Equal(values.Select(PanelPacker.BFloat16Bits), found);
    }

    // Of an infinity what would come behind the largest number.
    private static double Worth(ushort bits) => (bits & 0x7FFF) == 0x7F80 ? Math.ScaleB(1, 128) : BitConverter.UInt32BitsToSingle((uint)bits << 16);

    private static unsafe float[] Unpack(KernelMatrix matrix, int row)
    {
        int bytes = (int)PanelLayout.PanelBytes(matrix.Format, matrix.Inputs);
        float[] found = new float[matrix.Inputs];
        PanelPacker.UnpackRow(matrix.Format, new ReadOnlySpan<byte>(matrix.Panels + row / 32 * bytes, bytes), row % 32, found);
        return found;
    }
}
