namespace SpecDecode.Kernels;

/// <summary>Rows made ready for a product: normalised, padded, rounded to bytes. A task is a few rows.</summary>
internal unsafe struct RowsJob
{
    // Of floats; of bytes a tile, as its rows lie side by side.
    private const int FloatRows = 8;

    /// <summary>The rows as they come, <c>[rows, Inputs]</c>.</summary>
    public float* Input;

    /// <summary>Their width.</summary>
    public int Inputs;

    /// <summary>How many.</summary>
    public int RowCount;

    /// <summary>Whether they are normalised.</summary>
    public bool IsNormed;

    /// <summary>The norm.</summary>
    public RowNorm Norm;

    /// <summary>Whether they become bytes; else they stay floats.</summary>
    public bool TakesBytes;

    /// <summary>As <see cref="RowQuantizer.Quantize"/> takes it.</summary>
    public int Factor;

    /// <summary>Takes the rows: bytes, or floats followed by zeros up to the stride. Floats take the normalised row also where bytes are made of it.</summary>
    public TileRows Rows;

    /// <summary>How many tasks.</summary>
    public readonly nint Tasks => (RowCount + TaskRows - 1) / TaskRows;

    private readonly nint TaskRows => TakesBytes ? Rows.RowsOfTile : FloatRows;

    /// <summary>Runs a task.</summary>
    /// <param name="job">The job.</param>
    /// <param name="task">Which.</param>
    public static void Run(void* job, nint task) => ((RowsJob*)job)->Run(task);

    private readonly void Run(nint task)
    {
        nint last = Math.Min((task + 1) * TaskRows, RowCount);
        for (nint row = task * TaskRows; row < last; row++)
        {
            float* from = Input + row * Inputs;
            TileRows to = TakesBytes ? Rows.At(row) : Rows.From(row);
            if (IsNormed)
            {
                Norm.Apply(from, Inputs, to.Floats);
                from = to.Floats;
            }

            if (TakesBytes)
            {
                RowQuantizer.Quantize(from, Inputs, to.BlockSize, Factor, to.Bytes, to.ByteBlocks, to.RowsOfTile);
                continue;
            }

            if (!IsNormed)
            {
                new ReadOnlySpan<float>(from, Inputs).CopyTo(new Span<float>(to.Floats, Inputs));
            }

            new Span<float>(to.Floats + Inputs, (int)to.FloatStride - Inputs).Clear();
        }
    }
}
