namespace SpecDecode.Kernels;

/// <summary>How many rows a tile has, as a type, so that a kernel is compiled for each number.</summary>
internal interface IRowCount
{
    /// <summary>The number.</summary>
    static abstract int Value { get; }
}

/// <summary>1.</summary>
internal readonly struct OneRow : IRowCount
{
    /// <inheritdoc/>
    public static int Value => 1;
}

/// <summary>2.</summary>
internal readonly struct TwoRows : IRowCount
{
    /// <inheritdoc/>
    public static int Value => 2;
}

/// <summary>3.</summary>
internal readonly struct ThreeRows : IRowCount
{
    /// <inheritdoc/>
    public static int Value => 3;
}

/// <summary>4.</summary>
internal readonly struct FourRows : IRowCount
{
    /// <inheritdoc/>
    public static int Value => 4;
}

/// <summary>5.</summary>
internal readonly struct FiveRows : IRowCount
{
    /// <inheritdoc/>
    public static int Value => 5;
}

/// <summary>6.</summary>
internal readonly struct SixRows : IRowCount
{
    /// <inheritdoc/>
    public static int Value => 6;
}

/// <summary>7.</summary>
internal readonly struct SevenRows : IRowCount
{
    /// <inheritdoc/>
    public static int Value => 7;
}

/// <summary>8.</summary>
internal readonly struct EightRows : IRowCount
{
    /// <inheritdoc/>
    public static int Value => 8;
}

/// <summary>9.</summary>
internal readonly struct NineRows : IRowCount
{
    /// <inheritdoc/>
    public static int Value => 9;
}

/// <summary>10.</summary>
internal readonly struct TenRows : IRowCount
{
    /// <inheritdoc/>
    public static int Value => 10;
}

/// <summary>11.</summary>
internal readonly struct ElevenRows : IRowCount
{
    /// <inheritdoc/>
    public static int Value => 11;
}

/// <summary>12.</summary>
internal readonly struct TwelveRows : IRowCount
{
    /// <inheritdoc/>
    public static int Value => 12;
}
