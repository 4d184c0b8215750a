using System.Runtime.CompilerServices;
using SpecDecode.Descriptions;

namespace SpecDecode.Kernels;

/// <summary>
/// Rows of floats times a panel of weights that are floats. Each output's sum goes over the inputs in their order, one multiplication and
/// addition after the other, in one chain: so it does not depend on how many rows there are, nor on the panel's place in the matrix. That there
/// are 32 outputs, and rows beside them, is what keeps the processor's units busy.
/// </summary>
/// <typeparam name="TPanel">The registers.</typeparam>
/// <typeparam name="TWeights">The weights' type.</typeparam>
internal static unsafe class FloatTile<TPanel, TWeights>
    where TPanel : unmanaged, IPanel<TPanel>
    where TWeights : unmanaged, IFloatWeights
{
    /// <summary>Multiplies.</summary>
    /// <typeparam name="TRows">How many rows.</typeparam>
    /// <param name="panel">The weights.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="sums">Takes <c>[rows, 32]</c>.</param>
    /// <param name="ahead">How far ahead weights are asked for; 0 where they have been read just before.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TRows>(byte* panel, TileRows* rows, float* sums, nint ahead)
        where TRows : unmanaged, IRowCount
    {
        nint stride = rows->FloatStride;
        float* x0 = rows->Floats, x1 = x0 + stride, x2 = x1 + stride, x3 = x2 + stride;
        float* x4 = x3 + stride, x5 = x4 + stride, x6 = x5 + stride, x7 = x6 + stride;
        TPanel s0 = TPanel.Zero, s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
        byte* end = panel + rows->Steps * TWeights.StepBytes;
        nint i = 0;
        for (byte* step = panel; step < end; step += TWeights.StepBytes, i += 2)
        {
            Prefetch.Cell(step + ahead);
            if (TWeights.StepBytes > PanelLayout.CellBytes)
            {
                Prefetch.Cell(step + ahead + PanelLayout.CellBytes);
            }

            TPanel w = TWeights.First<TPanel>(step);
            s0 = TPanel.MultiplyAdd(w, x0[i], s0);
            if (TRows.Value > 1) { s1 = TPanel.MultiplyAdd(w, x1[i], s1); }
            if (TRows.Value > 2) { s2 = TPanel.MultiplyAdd(w, x2[i], s2); }
            if (TRows.Value > 3) { s3 = TPanel.MultiplyAdd(w, x3[i], s3); }
            if (TRows.Value > 4) { s4 = TPanel.MultiplyAdd(w, x4[i], s4); }
            if (TRows.Value > 5) { s5 = TPanel.MultiplyAdd(w, x5[i], s5); }
            if (TRows.Value > 6) { s6 = TPanel.MultiplyAdd(w, x6[i], s6); }
            if (TRows.Value > 7) { s7 = TPanel.MultiplyAdd(w, x7[i], s7); }

            w = TWeights.Second<TPanel>(step);
            s0 = TPanel.MultiplyAdd(w, x0[i + 1], s0);
            if (TRows.Value > 1) { s1 = TPanel.MultiplyAdd(w, x1[i + 1], s1); }
            if (TRows.Value > 2) { s2 = TPanel.MultiplyAdd(w, x2[i + 1], s2); }
            if (TRows.Value > 3) { s3 = TPanel.MultiplyAdd(w, x3[i + 1], s3); }
            if (TRows.Value > 4) { s4 = TPanel.MultiplyAdd(w, x4[i + 1], s4); }
            if (TRows.Value > 5) { s5 = TPanel.MultiplyAdd(w, x5[i + 1], s5); }
            if (TRows.Value > 6) { s6 = TPanel.MultiplyAdd(w, x6[i + 1], s6); }
            if (TRows.Value > 7) { s7 = TPanel.MultiplyAdd(w, x7[i + 1], s7); }
        }

        TPanel.Store(s0, sums);
        if (TRows.Value > 1) { TPanel.Store(s1, sums + PanelLayout.Outputs); }
        if (TRows.Value > 2) { TPanel.Store(s2, sums + 2 * PanelLayout.Outputs); }
        if (TRows.Value > 3) { TPanel.Store(s3, sums + 3 * PanelLayout.Outputs); }
        if (TRows.Value > 4) { TPanel.Store(s4, sums + 4 * PanelLayout.Outputs); }
        if (TRows.Value > 5) { TPanel.Store(s5, sums + 5 * PanelLayout.Outputs); }
        if (TRows.Value > 6) { TPanel.Store(s6, sums + 6 * PanelLayout.Outputs); }
        if (TRows.Value > 7) { TPanel.Store(s7, sums + 7 * PanelLayout.Outputs); }
    }
}
