using System.Collections.Immutable;
using SpecDecode.Descriptions;

namespace SpecDecode.Weights;

/// <summary>Where a tensor lies in a prepared-weights file.</summary>
/// <param name="Name">The name that descriptions and graphs use.</param>
/// <param name="Shape">Its dimensions, those of the matrix where it is quantised.</param>
/// <param name="Format">How it is stored.</param>
/// <param name="Offset">Byte offset of its values in the file; a multiple of 4096.</param>
internal sealed record PreparedTensor(string Name, ImmutableArray<long> Shape, TensorFormat Format, long Offset)
{
    /// <summary>Bytes of the values; in panels, of all there is.</summary>
    public long Length => Format.Layout == TensorLayout.Panels ? Format.PanelsBytes(Shape[0], Columns) : checked(Shape[0] * Format.ValueBytes(Columns));

    /// <summary>Byte offset of the scales, row by row.</summary>
    public long ScalesOffset => Offset + TensorFormat.Aligned(Length);

    /// <summary>Bytes of the scales.</summary>
    public long ScalesLength => Format.Layout == TensorLayout.Panels ? 0 : Shape[0] * Format.ScaleBytes(Columns);

    /// <summary>Byte offset of the zero points.</summary>
    public long ZeroPointsOffset => ScalesOffset + TensorFormat.Aligned(ScalesLength);

    /// <summary>Bytes of the zero points.</summary>
    public long ZeroPointsLength => Format.Layout == TensorLayout.Panels ? 0 : Shape[0] * Format.ZeroPointBytes(Columns);

    /// <summary>All its bytes, without padding.</summary>
    public long TotalLength => Length + ScalesLength + ZeroPointsLength;

    private long Columns => Shape.Length == 1 ? 1 : Shape[1];
}
