namespace SpecDecode.Kernels.Attention;

/// <summary>The rows that attention runs over in a call, of several sequences, and where their keys and values are.</summary>
internal unsafe struct AttentionRows
{
    /// <summary>Packed queries, keys and values <c>[rows, (Hq + 2 Hkv) · D]</c>, those of a sequence side by side.</summary>
    public float* Packed;

    /// <summary>Takes <c>[rows, Hq · D]</c>.</summary>
    public float* Output;

    /// <summary>Rows of all sequences.</summary>
    public int Rows;

    /// <summary>How many sequences.</summary>
    public int Sequences;

    /// <summary>The first row of each sequence, and behind the last one the number of rows.</summary>
    public int* FirstRows;

    /// <summary>How many positions of each sequence come before its rows.</summary>
    public int* Past;

    /// <summary>The pages of each sequence.</summary>
    public int* Pages;

    /// <summary>Numbers from the pages of a sequence to those of the next.</summary>
    public nint PageStride;

    /// <summary>Where pages are: the pages' memory in slabs of <c>1 &lt;&lt; SlabShift</c> pages.</summary>
    public byte** Slabs;

    /// <summary>See <see cref="Slabs"/>.</summary>
    public int SlabShift;

    /// <summary>Bytes from a page of a slab to the next.</summary>
    public nint PageBytes;

    /// <summary>Where in a page the layer's part is.</summary>
    public nint LayerOffset;

    /// <summary>Rotary tables <c>[positions, D/2]</c>; null where there is no rotary embedding.</summary>
    public float* Cosines;

    /// <inheritdoc cref="Cosines"/>
    public float* Sines;

    /// <summary>Where in the tables position 0 of each sequence is.</summary>
    public int* RotaryStarts;

    /// <summary>The layer's part of a sequence's page.</summary>
    /// <param name="sequence">The sequence.</param>
    /// <param name="index">Which of its pages.</param>
    public readonly byte* Page(int sequence, nint index)
    {
        int page = Pages[sequence * PageStride + index];
        return Slabs[page >> SlabShift] + (page & ((1 << SlabShift) - 1)) * PageBytes + LayerOffset;
    }
}
