namespace SpecDecode.Kernels;

/// <summary>What stands beside a block of a row that was rounded to bytes.</summary>
internal struct RowBlock
{
    /// <summary>What a byte of it is worth.</summary>
    public float Scale;

    /// <summary>The sum of its bytes, times what the kernels' integer sums begin with.</summary>
    public int Start;
}
