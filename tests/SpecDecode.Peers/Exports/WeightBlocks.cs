using System.Runtime.InteropServices;
using SpecDecode.OnnxRuntime.ModelFormat;

namespace SpecDecode.Peers.Exports;

/// <summary>Lays matrices out as ONNX Runtime's products read them.</summary>
/// <param name="data">Where they go.</param>
internal sealed class WeightBlocks(OnnxDataFile data)
{
    // Rows and columns that are turned over together, so that both sides stay in the processor's cache.
    private const int Tile = 32;

    /// <summary>A matrix for MatMul, its columns as rows.</summary>
    public TensorProto Transposed(string name, float[] weights, long rows, long columns)
    {
        float[] result = new float[weights.Length];
        for (long row = 0; row < rows; row += Tile)
        {
            for (long column = 0; column < columns; column += Tile)
            {
                for (long r = row; r < Math.Min(row + Tile, rows); r++)
                {
                    for (long c = column; c < Math.Min(column + Tile, columns); c++)
                    {
                        result[c * rows + r] = weights[r * columns + c];
                    }
                }
            }
        }

        return data.Add(name, result, columns, rows);
    }

    /// <summary>A matrix for MatMulNBits: values from 0 up, of two 4-bit values in a byte the first in the lower half, and a scale for each block.</summary>
    public (TensorProto Values, TensorProto Scales, int Bits) Rounded(string name, float[] weights, long rows, long columns, Precision precision)
    {
        int bits = precision == Precision.Int4 ? 4 : 8;
        int zero = 1 << (bits - 1);
        int blockBytes = SymmetricBlocks.Size * bits / 8;
        long blocks = columns / SymmetricBlocks.Size;
        byte[] values = new byte[rows * blocks * blockBytes];
        float[] scales = new float[rows * blocks];
        Span<sbyte> steps = stackalloc sbyte[SymmetricBlocks.Size];
        for (int block = 0; block < scales.Length; block++)
        {
            scales[block] = SymmetricBlocks.Round(weights.AsSpan(block * SymmetricBlocks.Size, SymmetricBlocks.Size), precision, steps);
            Span<byte> stored = values.AsSpan(block * blockBytes, blockBytes);
            for (int i = 0; i < steps.Length; i++)
            {
                stored[i * bits / 8] |= (byte)((steps[i] + zero) << (i * bits % 8));
            }
        }

        return (
            data.Add(name + "_quantized", OnnxType.UInt8, values, rows, blocks, blockBytes),
            data.Add(name + "_scales", OnnxType.Float32, MemoryMarshal.AsBytes(scales.AsSpan()), rows, blocks),
            bits);
    }
}
