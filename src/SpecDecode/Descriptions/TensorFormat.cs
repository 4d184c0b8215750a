using System.Collections.Immutable;

namespace SpecDecode.Descriptions;

/// <summary>How the numbers of a tensor follow each other in a file of prepared weights.</summary>
internal enum TensorLayout
{
    /// <summary>Row by row, as ONNX Runtime's operators read matrices, and as vectors and tables lie always.</summary>
    Rows,

    /// <summary>As <see cref="PanelLayout"/> says, for the kernels of this library.</summary>
    Panels,
}

/// <summary>
/// How a tensor is stored. A quantised matrix <c>[rows, columns]</c> is cut into blocks of <paramref name="BlockSize"/>
/// columns of one row, the last of which may be padded; a weight is (value − zero point) · scale. Row by row it lies as <c>com.microsoft</c>'s
/// MatMulNBits reads it:
/// <list type="bullet">
/// <item>values, uint8 <c>[rows, blocks, BlockSize · Bits / 8]</c>; of two 4-bit values in a byte the first is the lower half;</item>
/// <item>scales, float32 <c>[rows, blocks]</c>;</item>
/// <item>zero points, 4 bits only, uint8 <c>[rows, ⌈blocks / 2⌉]</c>, packed likewise; with 8 bits the zero point is 128.</item>
/// </list>
/// Each of the three begins at a multiple of <see cref="Alignment"/> behind the one before. In panels all three lie together (<see cref="PanelLayout"/>).
/// </summary>
/// <param name="Precision">What an element is; not <see cref="Precision.Stored"/>.</param>
/// <param name="BlockSize">Weights that share a scale; 0 for floats.</param>
/// <param name="Layout">How they follow each other.</param>
internal readonly record struct TensorFormat(Precision Precision, int BlockSize, TensorLayout Layout = TensorLayout.Rows)
{
    /// <summary>Tensors begin at multiples of this, so that each can be mapped alone.</summary>
    public const int Alignment = 4096;

    /// <summary>Block sizes that there are.</summary>
    public static readonly ImmutableArray<int> BlockSizes = [16, 32, 64, 128, 256];

    /// <summary>Plain float32.</summary>
    public static TensorFormat Float32 => default;

    /// <summary>Whether there are blocks and scales.</summary>
    public bool IsQuantized => Precision.IsQuantized();

    /// <summary>Bits of a stored value.</summary>
    public int Bits => Precision.Bits();

    /// <summary>Whether blocks have zero points of their own.</summary>
    public bool HasZeroPoints => Precision == Precision.Int4;

    /// <summary>Blocks of a row.</summary>
    public long Blocks(long columns) => (columns + BlockSize - 1) / BlockSize;

    /// <summary>Bytes of a row's values, row by row.</summary>
    public long ValueBytes(long columns) => IsQuantized ? checked(Blocks(columns) * BlockSize * Bits / 8) : checked(columns * Bits / 8);

    /// <summary>Bytes of a row's scales, row by row.</summary>
    public long ScaleBytes(long columns) => IsQuantized ? Blocks(columns) * sizeof(float) : 0;

    /// <summary>Bytes of a row's zero points, row by row.</summary>
    public long ZeroPointBytes(long columns) => HasZeroPoints ? (Blocks(columns) * Bits + 7) / 8 : 0;

    /// <summary>The next place at which a tensor may begin.</summary>
    public static long Aligned(long position) => checked(position + Alignment - 1) / Alignment * Alignment;

    /// <summary>Bytes of a whole matrix in panels.</summary>
    public long PanelsBytes(long rows, long columns) => checked(PanelLayout.Panels(rows) * PanelLayout.PanelBytes(this, columns));

    /// <summary>Bytes of a whole tensor in the file, padding included.</summary>
    public long FileBytes(ImmutableArray<long> shape)
    {
        long columns = shape.Length == 1 ? 1 : shape[1];
        return Layout == TensorLayout.Panels
            ? Aligned(PanelsBytes(shape[0], columns))
            : checked(
                Aligned(shape[0] * ValueBytes(columns))
                + Aligned(shape[0] * ScaleBytes(columns))
                + Aligned(shape[0] * ZeroPointBytes(columns)));
    }
}
