namespace SpecDecode.Kernels;

/// <summary>The rows that a tile multiplies, as the kernels read them: floats, or bytes with a scale for each block.</summary>
internal unsafe struct TileRows
{
    /// <summary>The first row as floats, <c>[Inputs]</c>, an odd number of them followed by a zero.</summary>
    public float* Floats;

    /// <summary>Floats from one row to the next.</summary>
    public nint FloatStride;

    /// <summary>The first row as signed bytes, <c>[blocks · BlockSize]</c>.</summary>
    public sbyte* Bytes;

    /// <summary>Bytes from one row to the next.</summary>
    public nint ByteStride;

    /// <summary>What a byte of each block of the first row is worth, <c>[blocks]</c>.</summary>
    public float* Scales;

    /// <summary>The sum of the bytes of each block of the first row, times what the kernel's integer sums begin with, <c>[blocks]</c>.</summary>
    public int* Starts;

    /// <summary>Inputs in pairs, the last of which may be half.</summary>
    public nint Steps;

    /// <summary>Blocks of a row.</summary>
    public nint Blocks;

    /// <summary>Inputs of a block.</summary>
    public nint BlockSize;

    /// <summary>The same for a later row.</summary>
    /// <param name="row">How many rows later.</param>
    public readonly TileRows From(nint row) => this with
    {
        Floats = Floats + row * FloatStride,
        Bytes = Bytes + row * ByteStride,
        Scales = Scales + row * Blocks,
        Starts = Starts + row * Blocks,
    };

    /// <summary>A stretch of the same rows, where they are floats.</summary>
    /// <param name="step">Its first pair of inputs.</param>
    /// <param name="steps">How many.</param>
    public readonly TileRows Stretch(nint step, nint steps) => this with { Floats = Floats + 2 * step, Steps = steps };
}
