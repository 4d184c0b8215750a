using System.Collections.Immutable;

namespace SpecDecode.Descriptions;

/// <summary>A piece of a prepared tensor: rows of one checkpoint tensor, chosen, reordered or padded.</summary>
/// <param name="Source">Name of the checkpoint's tensor; a vector counts as a matrix of one column.</param>
/// <param name="Rows">How many rows the piece has.</param>
/// <param name="RowMap">For each row the source row, or −1 for zeros; null takes all rows in order.</param>
/// <param name="ColumnMap">For each column the source column, or −1 for zeros; null takes all columns in order.</param>
internal sealed record TensorPart(string Source, int Rows, int[]? RowMap = null, int[]? ColumnMap = null);

/// <summary>
/// How one prepared tensor is made: its parts lie one under the other. Matrices (Columns above 0) are what stages multiply by
/// or look rows up in, so they may be quantised; vectors never are.
/// </summary>
/// <param name="Name">Name in the prepared file.</param>
/// <param name="Columns">Width; 0 marks a vector, whose shape has one dimension.</param>
/// <param name="Parts">The pieces, top to bottom.</param>
internal sealed record TensorRecipe(string Name, int Columns, ImmutableArray<TensorPart> Parts)
{
    /// <summary>How it is stored.</summary>
    public TensorFormat Format { get; init; }

    /// <summary>Rows of all parts together.</summary>
    public long Rows => Parts.Sum(part => (long)part.Rows);

    /// <summary>Number of elements.</summary>
    public long Elements => checked(Rows * Math.Max(Columns, 1));

    /// <summary>Shape in the prepared file and in the graphs: <c>[rows]</c> or <c>[rows, columns]</c>.</summary>
    public ImmutableArray<long> Shape => Columns == 0 ? [Rows] : [Rows, Columns];
}
