namespace SpecDecode.Descriptions;

/// <summary>
/// How a matrix <c>[outputs, inputs]</c> lies for the kernels of <c>Kernels</c>: panels of 32 outputs, one after the other, each a single
/// stretch of memory that is read from its beginning to its end. Missing outputs of the last panel, and missing inputs of the last step
/// or block, are zeros.
/// <list type="bullet">
/// <item>bf16, fp16: for each pair of inputs a cell of 128 bytes, in which each output has its two weights side by side;</item>
/// <item>fp32: for each pair of inputs two cells, in which each output has one weight;</item>
/// <item>int8: for each block the scales of the 32 outputs in bfloat16, then for each 4 inputs a cell, in which each output has 4 bytes, 128 standing
/// for zero;</item>
/// <item>int4: for each block the scales, then the zero points of the 32 outputs, a byte each, then for each 8 inputs a cell, in which each
/// output has 4 bytes: their lower halves are 4 inputs of the block's first half, their upper ones the 4 at the same place of its second half.</item>
/// </list>
/// </summary>
internal static class PanelLayout
{
    /// <summary>Outputs of a panel.</summary>
    public const int Outputs = 32;

    /// <summary>Bytes of a cell: 4 for each output, whatever lies in them.</summary>
    public const int CellBytes = Outputs * sizeof(int);

    /// <summary>Bytes of a block's scales.</summary>
    public const int ScaleBytes = Outputs * sizeof(ushort);

    /// <summary>Bytes of a 4-bit block's zero points.</summary>
    public const int ZeroPointBytes = Outputs;

    /// <summary>What stands for zero in an 8-bit weight.</summary>
    public const byte ZeroInt8 = 128;

    /// <summary>Panels of a matrix.</summary>
    /// <param name="outputs">Its outputs.</param>
    public static long Panels(long outputs) => (outputs + Outputs - 1) / Outputs;

    /// <summary>Bytes of what a block has before its cells.</summary>
    /// <param name="precision">Int8 or int4.</param>
    public static int BlockHeadBytes(Precision precision) => precision == Precision.Int4 ? ScaleBytes + ZeroPointBytes : ScaleBytes;

    /// <summary>Bytes of a whole block.</summary>
    /// <param name="format">Int8 or int4.</param>
    public static int BlockBytes(TensorFormat format) =>
        BlockHeadBytes(format.Precision) + format.BlockSize * format.Bits / 8 * Outputs;

    /// <summary>Bytes of a panel.</summary>
    /// <param name="format">How a weight is stored.</param>
    /// <param name="inputs">Inputs of the matrix.</param>
    public static long PanelBytes(TensorFormat format, long inputs) => format.IsQuantized
        ? checked(format.Blocks(inputs) * BlockBytes(format))
        : checked((inputs + 1) / 2 * CellBytes * (format.Bits / 16));
}
