using SpecDecode.Descriptions;
using SpecDecode.Kernels;
using SpecDecode.Weights;

namespace SpecDecode.Tests.Weights;

/// <summary>Rows of matrices as a file of prepared weights has them.</summary>
internal static class PreparedPanels
{
    /// <summary>A row, read from the file, and found to be the same in memory.</summary>
    public static unsafe float[] Row(PreparedWeights weights, PreparedTensor tensor, int row)
    {
        int columns = (int)tensor.Shape[1];
        float[] found = new float[columns];
        byte[] panel = new byte[PanelLayout.PanelBytes(tensor.Format, columns)];
        long at = row / PanelLayout.Outputs * (long)panel.Length;
        weights.Read(tensor.Offset + at, panel);
        Assert.True(panel.AsSpan().SequenceEqual(new ReadOnlySpan<byte>(weights.Address(tensor) + at, panel.Length)));
        PanelPacker.UnpackRow(tensor.Format, panel, row % PanelLayout.Outputs, found);
        return found;
    }

    /// <summary>What rounding a row to blocks leaves of it, with scales as panels hold them.</summary>
    public static float[] Rounded(TensorFormat format, ReadOnlySpan<float> row)
    {
        byte[] values = new byte[format.ValueBytes(row.Length)];
        float[] scales = new float[format.Blocks(row.Length)];
        byte[] zeroPoints = new byte[format.ZeroPointBytes(row.Length)];
        Assert.Equal(-1, BlockQuantizer.Quantize(row, format, values, scales, zeroPoints));
        float[] rounded = new float[row.Length];
        for (int i = 0; i < rounded.Length; i++)
        {
            int block = i / format.BlockSize;
            int step = format.Precision == Precision.Int8
                ? values[i] - 128
                : (values[i / 2] >> (i % 2 * 4) & 15) - (zeroPoints[block / 2] >> (block % 2 * 4) & 15);
            rounded[i] = step * BitConverter.Int32BitsToSingle(PanelPacker.BFloat16Bits(scales[block]) << 16);
        }

        return rounded;
    }

    /// <summary>What a number is in a precision that is no blocks.</summary>
    public static float Rounded(Precision precision, float number) => precision switch
    {
        Precision.Bf16 => BitConverter.Int32BitsToSingle(PanelPacker.BFloat16Bits(number) << 16),
        Precision.Fp16 => (float)(Half)number,
        _ => number,
    };
}
