namespace SpecDecode.Kernels;

/// <summary>The rows that a tile multiplies, as the kernels read them: floats, or bytes with a scale for each block.</summary>
internal unsafe struct TileRows
{
    /// <summary>The first row as floats, <c>[Inputs]</c>, an odd number of them followed by a zero.</summary>
    public float* Floats;

    /// <summary>Floats from one row to the next.</summary>
    public nint FloatStride;

    /// <summary>
    /// The rows as signed bytes, tile by tile, <c>[tiles, blocks, RowsOfTile, BlockSize]</c>: what a tile multiplies at the same time lies side by side. The last tile may
    /// have fewer rows, and room for as many.
    /// </summary>
    public sbyte* Bytes;

    /// <summary>What these blocks are worth, and begin with, <c>[tiles, blocks, RowsOfTile]</c>.</summary>
    public RowBlock* ByteBlocks;

    /// <summary>Rows of a tile of bytes.</summary>
    public nint RowsOfTile;

    /// <summary>Inputs in pairs, the last of which may be half.</summary>
    public nint Steps;

    /// <summary>Blocks of a row.</summary>
    public nint Blocks;

    /// <summary>Inputs of a block.</summary>
    public nint BlockSize;

    /// <summary>The same for a later row; where they are bytes, the first of a tile.</summary>
    /// <param name="row">How many rows later.</param>
    public readonly TileRows From(nint row) => this with
    {
        Floats = Floats + row * FloatStride,
        Bytes = Bytes + row * Blocks * BlockSize,
        ByteBlocks = ByteBlocks + row * Blocks,
    };

    /// <summary>The same for any later row, where its bytes are to be written.</summary>
    /// <param name="row">How many rows later.</param>
    public readonly TileRows At(nint row)
    {
        nint place = row % RowsOfTile;
        TileRows rows = From(row - place);
        return rows with { Floats = rows.Floats + place * FloatStride, Bytes = rows.Bytes + place * BlockSize, ByteBlocks = rows.ByteBlocks + place };
    }

    /// <summary>A stretch of the same rows, where they are floats.</summary>
    /// <param name="step">Its first pair of inputs.</param>
    /// <param name="steps">How many.</param>
    public readonly TileRows Stretch(nint step, nint steps) => this with { Floats = Floats + 2 * step, Steps = steps };
}
