namespace SpecDecode.Kernels;

/// <summary>What stands beside a block of a row that was rounded to bytes.</summary>
internal struct RowBlock
{
    /// <summary>What a byte of it is worth.</summary>
    public float Scale;

    /// <summary>The sum of its bytes, times −128 for int8, whose integer sums begin with it, or times −1 for int4, where each output's zero point is multiplied by it.</summary>
    public int Start;
}
