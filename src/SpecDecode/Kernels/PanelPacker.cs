using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SpecDecode.Descriptions;

namespace SpecDecode.Kernels;

/// <summary>Lays up to 32 rows of a matrix out as a panel (<see cref="PanelLayout"/>), and takes a row out of one again.</summary>
internal static class PanelPacker
{
    /// <summary>Packs rows of floats.</summary>
    /// <param name="precision">Fp32, bf16 or fp16; what does not fit exactly is rounded to the nearest, ties to even.</param>
    /// <param name="rows">The rows, <c>[count, inputs]</c>.</param>
    /// <param name="inputs">Their width.</param>
    /// <param name="panel">Takes the panel; all of it is written.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackFloats(Precision precision, ReadOnlySpan<float> rows, int inputs, Span<byte> panel)
    {
        panel.Clear();
        int count = rows.Length / inputs;
        for (int row = 0; row < count; row++)
        {
            ReadOnlySpan<float> from = rows.Slice(row * inputs, inputs);
            if (precision == Precision.Fp32)
            {
                Span<float> to = MemoryMarshal.Cast<byte, float>(panel)[row..];
                for (int i = 0; i < inputs; i++)
                {
                    to[i * PanelLayout.Outputs] = from[i];
                }
            }
            else
            {
                // Input i lies in the cell of its pair, in the half of the output's 4 bytes that it has there.
                Span<ushort> to = MemoryMarshal.Cast<byte, ushort>(panel)[(2 * row)..];
                for (int i = 0; i < inputs; i++)
                {
                    to[i / 2 * 2 * PanelLayout.Outputs + i % 2] = precision == Precision.Bf16 ? BFloat16Bits(from[i]) : BitConverter.HalfToUInt16Bits((Half)from[i]);
                }
            }
        }
    }

    /// <summary>Narrows floats to 16 bits, in their order.</summary>
    /// <param name="precision">Bf16 or fp16; rounded to the nearest, ties to even.</param>
    /// <param name="values">The floats.</param>
    /// <param name="to">Takes as many.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Narrow(Precision precision, ReadOnlySpan<float> values, Span<ushort> to)
    {
        for (int i = 0; i < values.Length; i++)
        {
            to[i] = precision == Precision.Bf16 ? BFloat16Bits(values[i]) : BitConverter.HalfToUInt16Bits((Half)values[i]);
        }
    }

    /// <summary>Packs one row of quantised weights, as the quantiser leaves them. The rows of a panel are packed one by one, missing ones not at all.</summary>
    /// <param name="format">Int8 or int4.</param>
    /// <param name="row">The row's place in the panel, 0 to 31.</param>
    /// <param name="values">Its values, of two 4-bit ones in a byte the first in the lower half.</param>
    /// <param name="scales">Its scales, one for each block.</param>
    /// <param name="zeroPoints">Its zero points, packed likewise; of 8-bit weights none.</param>
    /// <param name="panel">The panel, cleared before its first row.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackBlocks(
        TensorFormat format, int row, ReadOnlySpan<byte> values, ReadOnlySpan<float> scales, ReadOnlySpan<byte> zeroPoints, Span<byte> panel)
    {
        int blockBytes = PanelLayout.BlockBytes(format);
        int valueBytes = format.BlockSize * format.Bits / 8;
        for (int block = 0; block < scales.Length; block++)
        {
            Span<byte> to = panel.Slice(block * blockBytes, blockBytes);
            ReadOnlySpan<byte> from = values.Slice(block * valueBytes, valueBytes);
            BinaryPrimitives.WriteUInt16LittleEndian(to[(2 * row)..], BFloat16Bits(scales[block]));
            Span<uint> cells = MemoryMarshal.Cast<byte, uint>(to[PanelLayout.BlockHeadBytes(format.Precision)..])[row..];
            if (format.Precision == Precision.Int8)
            {
                ReadOnlySpan<uint> fours = MemoryMarshal.Cast<byte, uint>(from);
                for (int i = 0; i < fours.Length; i++)
                {
                    cells[i * PanelLayout.Outputs] = fours[i];
                }
            }
            else
            {
                to[PanelLayout.ScaleBytes + row] = (byte)(zeroPoints[block / 2] >> (4 * (block % 2)) & 0xF);
                ReadOnlySpan<ushort> fours = MemoryMarshal.Cast<byte, ushort>(from);
                int half = fours.Length / 2;
                for (int i = 0; i < half; i++)
                {
                    cells[i * PanelLayout.Outputs] = Spread(fours[i]) | Spread(fours[half + i]) << 4;
                }
            }
        }
    }

    /// <summary>A row of a panel as floats.</summary>
    /// <param name="format">How the panel is stored.</param>
    /// <param name="panel">The panel.</param>
    /// <param name="row">The row's place in it, 0 to 31.</param>
    /// <param name="to">Takes the row, <c>[inputs]</c>.</param>
    public static void UnpackRow(TensorFormat format, ReadOnlySpan<byte> panel, int row, Span<float> to)
    {
        switch (format.Precision)
        {
            case Precision.Fp32:
                ReadOnlySpan<float> floats = MemoryMarshal.Cast<byte, float>(panel)[row..];
                for (int i = 0; i < to.Length; i++)
                {
                    to[i] = floats[i * PanelLayout.Outputs];
                }

                break;
            case Precision.Bf16:
            case Precision.Fp16:
                ReadOnlySpan<ushort> halves = MemoryMarshal.Cast<byte, ushort>(panel)[(2 * row)..];
                for (int i = 0; i < to.Length; i++)
                {
                    ushort bits = halves[i / 2 * 2 * PanelLayout.Outputs + i % 2];
                    to[i] = format.Precision == Precision.Bf16 ? BitConverter.UInt32BitsToSingle((uint)bits << 16) : (float)BitConverter.UInt16BitsToHalf(bits);
                }

                break;
            default:
                for (int first = 0, block = 0; first < to.Length; first += format.BlockSize, block++)
                {
                    int blockBytes = PanelLayout.BlockBytes(format);
                    UnpackBlock(format, panel.Slice(block * blockBytes, blockBytes), row, to.Slice(first, Math.Min(format.BlockSize, to.Length - first)));
                }

                break;
        }
    }

    /// <summary>Copies a row from a panel to a place in another of the same format, bit for bit.</summary>
    /// <param name="format">How both are stored.</param>
    /// <param name="from">The one panel.</param>
    /// <param name="fromRow">The row's place in it, 0 to 31.</param>
    /// <param name="to">The other.</param>
    /// <param name="toRow">The place that it gets there, 0 to 31.</param>
    public static void CopyRow(TensorFormat format, ReadOnlySpan<byte> from, int fromRow, Span<byte> to, int toRow)
    {
        int blockBytes = format.IsQuantized ? PanelLayout.BlockBytes(format) : from.Length;
        int headBytes = format.IsQuantized ? PanelLayout.BlockHeadBytes(format.Precision) : 0;
        for (int block = 0; block < from.Length; block += blockBytes)
        {
            ReadOnlySpan<byte> fromBlock = from.Slice(block, blockBytes);
            Span<byte> toBlock = to.Slice(block, blockBytes);
            if (format.IsQuantized)
            {
                MemoryMarshal.Cast<byte, ushort>(toBlock)[toRow] = MemoryMarshal.Cast<byte, ushort>(fromBlock)[fromRow];
            }

            if (format.HasZeroPoints)
            {
                toBlock[PanelLayout.ScaleBytes + toRow] = fromBlock[PanelLayout.ScaleBytes + fromRow];
            }

            // Whatever the precision, an output has 4 bytes of a cell.
            ReadOnlySpan<uint> fromCells = MemoryMarshal.Cast<byte, uint>(fromBlock[headBytes..]);
            Span<uint> toCells = MemoryMarshal.Cast<byte, uint>(toBlock[headBytes..]);
            for (int i = 0; i < fromCells.Length; i += PanelLayout.Outputs)
            {
                toCells[i + toRow] = fromCells[i + fromRow];
            }
        }
    }

    /// <summary>The upper half of a float, rounded to the nearest, ties to even; what is no number stays none.</summary>
    public static ushort BFloat16Bits(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)(bits >> 16 | 0x40) : (ushort)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
    }

    private static void UnpackBlock(TensorFormat format, ReadOnlySpan<byte> block, int row, Span<float> to)
    {
        float scale = BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(block[(2 * row)..]) << 16);
        ReadOnlySpan<byte> cells = block[(PanelLayout.BlockHeadBytes(format.Precision) + 4 * row)..];
        int half = format.BlockSize / 2;
        for (int i = 0; i < to.Length; i++)
        {
            if (format.Precision == Precision.Int8)
            {
                to[i] = (cells[i / 4 * PanelLayout.CellBytes + i % 4] - PanelLayout.ZeroInt8) * scale;
            }
            else
            {
                int j = i % half;
                int pair = cells[j / 4 * PanelLayout.CellBytes + j % 4];
                to[i] = ((i < half ? pair & 0xF : pair >> 4) - block[PanelLayout.ScaleBytes + row]) * scale;
            }
        }
    }

    // Four halves of bytes, a byte each.
    private static uint Spread(uint four)
    {
        four = (four | four << 8) & 0x00FF00FF;
        return (four | four << 4) & 0x0F0F0F0F;
    }
}
