using System.Runtime.CompilerServices;
using SpecDecode.Descriptions;

namespace SpecDecode.Kernels;

/// <summary>
/// Makes float32 of a stretch of a panel of 16-bit weights, once for many rows: moving bits for each tile of them costs what halving the bytes has
/// saved. It is exact, so the sums are those of the weights as they lie.
/// </summary>
/// <typeparam name="TPanel">The registers.</typeparam>
/// <typeparam name="TWeights">The weights' type.</typeparam>
internal static unsafe class PanelWidening<TPanel, TWeights>
    where TPanel : unmanaged, IPanel<TPanel>
    where TWeights : unmanaged, IFloatWeights
{
    /// <summary>Widens.</summary>
    /// <param name="panel">The first step.</param>
    /// <param name="steps">How many.</param>
    /// <param name="to">Takes <c>[2 · steps, 32]</c>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(byte* panel, nint steps, float* to)
    {
        byte* end = panel + steps * TWeights.StepBytes;
        for (byte* step = panel; step < end; step += TWeights.StepBytes, to += 2 * PanelLayout.Outputs)
        {
            TPanel.Store(TWeights.First<TPanel>(step), to);
            TPanel.Store(TWeights.Second<TPanel>(step), to + PanelLayout.Outputs);
        }
    }
}
