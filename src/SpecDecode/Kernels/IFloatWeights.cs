using System.Runtime.CompilerServices;
using SpecDecode.Descriptions;

namespace SpecDecode.Kernels;

/// <summary>How weights that are floats lie in a panel, two inputs in a step (<see cref="PanelLayout"/>).</summary>
internal unsafe interface IFloatWeights
{
    /// <summary>Bytes of a step.</summary>
    static abstract int StepBytes { get; }

    /// <summary>The weights of a step's first input.</summary>
    static abstract TPanel First<TPanel>(byte* step)
        where TPanel : unmanaged, IPanel<TPanel>;

    /// <summary>The weights of a step's second input.</summary>
    static abstract TPanel Second<TPanel>(byte* step)
        where TPanel : unmanaged, IPanel<TPanel>;
}

/// <summary>float32.</summary>
internal readonly unsafe struct SingleWeights : IFloatWeights
{
    /// <inheritdoc/>
    public static int StepBytes => 2 * PanelLayout.CellBytes;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TPanel First<TPanel>(byte* step)
        where TPanel : unmanaged, IPanel<TPanel> => TPanel.Load((float*)step);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TPanel Second<TPanel>(byte* step)
        where TPanel : unmanaged, IPanel<TPanel> => TPanel.Load((float*)(step + PanelLayout.CellBytes));
}

/// <summary>bfloat16, which is the upper half of a float32.</summary>
internal readonly unsafe struct BFloat16Weights : IFloatWeights
{
    /// <inheritdoc/>
    public static int StepBytes => PanelLayout.CellBytes;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TPanel First<TPanel>(byte* step)
        where TPanel : unmanaged, IPanel<TPanel> => TPanel.LoadFirstBFloat16(step);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TPanel Second<TPanel>(byte* step)
        where TPanel : unmanaged, IPanel<TPanel> => TPanel.LoadSecondBFloat16(step);
}

/// <summary>
/// float16. .NET has no instruction of the processor for it, so bits are moved: exponent and mantissa to where a float32 has them, and the
/// difference of the exponents' biases made up by a factor, which is exact and makes normal numbers of subnormal ones.
/// </summary>
internal readonly unsafe struct HalfWeights : IFloatWeights
{
    /// <summary>Where a float32 has the bits of a float16.</summary>
    public const int Bits = unchecked((int)0x8FFFE000);

    /// <summary>2 to the difference of the biases, 127 − 15.</summary>
    public const float Bias = 5.192296858534828e33f;

    /// <inheritdoc/>
    public static int StepBytes => PanelLayout.CellBytes;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TPanel First<TPanel>(byte* step)
        where TPanel : unmanaged, IPanel<TPanel> => TPanel.LoadFirstHalf(step);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TPanel Second<TPanel>(byte* step)
        where TPanel : unmanaged, IPanel<TPanel> => TPanel.LoadSecondHalf(step);
}
