using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Weights;

/// <summary>The rows of a prepared tensor as float32, put together from the checkpoint by its recipe. Safe from several threads.</summary>
internal sealed class TensorRows
{
    private readonly Checkpoint _checkpoint;
    private readonly TensorRecipe _recipe;
    private readonly TensorEntry[] _sources;

    public TensorRows(Checkpoint checkpoint, TensorRecipe recipe)
    {
        _checkpoint = checkpoint;
        _recipe = recipe;
        _sources = [.. recipe.Parts.Select(part => checkpoint.Tensors[part.Source])];
    }

    /// <summary>Width of a row; 1 for a vector.</summary>
    public int Columns => Math.Max(_recipe.Columns, 1);

    /// <summary>Reads consecutive rows.</summary>
    /// <param name="first">The first.</param>
    /// <param name="rows">Takes <c>[count, Columns]</c>; its length says how many.</param>
    public void Read(long first, Span<float> rows)
    {
        for (int i = 0; i < _sources.Length && !rows.IsEmpty; i++)
        {
            TensorPart part = _recipe.Parts[i];
            if (first >= part.Rows)
            {
                first -= part.Rows;
                continue;
            }

            int count = (int)Math.Min(part.Rows - first, rows.Length / Columns);
            Read(part, _sources[i], (int)first, rows[..(count * Columns)]);
            rows = rows[(count * Columns)..];
            first = 0;
        }
    }

    /// <summary>Where a row comes from: the tensor in the checkpoint, and its row there.</summary>
    public (TensorEntry Source, long Row) Origin(long row)
    {
        int i = 0;
        for (; row >= _recipe.Parts[i].Rows; i++)
        {
            row -= _recipe.Parts[i].Rows;
        }

        return (_sources[i], _recipe.Parts[i].RowMap is { } map ? map[row] : row);
    }

    /// <summary>The sources' pages need not stay in memory.</summary>
    public void DropPages()
    {
        foreach (TensorEntry source in _sources)
        {
            _checkpoint.DropPages(source);
        }
    }

    private void Read(TensorPart part, TensorEntry source, int first, Span<float> rows)
    {
        int sourceColumns = source.Shape.Length == 1 ? 1 : checked((int)source.Shape[1]);
        if (part.RowMap is null && part.ColumnMap is null)
        {
            _checkpoint.ReadFloats(source, (long)first * sourceColumns, rows);
            return;
        }

        float[] from = part.ColumnMap is null ? [] : new float[sourceColumns];
        for (int row = 0; row < rows.Length / Columns; row++)
        {
            Span<float> to = rows.Slice(row * Columns, Columns);
            int sourceRow = part.RowMap is null ? first + row : part.RowMap[first + row];
            if (sourceRow < 0)
            {
                to.Clear();
            }
            else if (part.ColumnMap is null)
            {
                _checkpoint.ReadFloats(source, (long)sourceRow * sourceColumns, to);
            }
            else
            {
                _checkpoint.ReadFloats(source, (long)sourceRow * sourceColumns, from);
                for (int i = 0; i < to.Length; i++)
                {
                    to[i] = part.ColumnMap[i] < 0 ? 0f : from[part.ColumnMap[i]];
                }
            }
        }
    }
}
