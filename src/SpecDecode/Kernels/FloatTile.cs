using System.Runtime.CompilerServices;
using SpecDecode.Descriptions;

namespace SpecDecode.Kernels;

/// <summary>
/// Rows of floats times a panel of weights that are floats. Each output's sum goes over the inputs in their order, one multiplication and
/// addition after the other, in one chain: so it does not depend on how many rows there are, nor on the panel's place in the matrix. That there
/// are 16 or 32 outputs, and rows beside them, is what keeps the processor's units busy.
/// </summary>
/// <typeparam name="TPanel">The registers.</typeparam>
/// <typeparam name="TWeights">The weights' type.</typeparam>
internal static unsafe class FloatTile<TPanel, TWeights>
    where TPanel : unmanaged, IPanel<TPanel>
    where TWeights : unmanaged, IFloatWeights
{
    /// <summary>Multiplies, and adds to the sums.</summary>
    /// <typeparam name="TRows">How many rows.</typeparam>
    /// <param name="panel">The weights.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="sums">The sums of the inputs before, <c>[rows, 32]</c>.</param>
    /// <param name="ask">Where weights are asked for that are needed next.</param>
    /// <param name="askStep">How much further with each step, up to the step's bytes divided by the passes over the panel.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TRows>(byte* panel, TileRows* rows, float* sums, byte* ask, nint askStep)
        where TRows : unmanaged, IRowCount
    {
        // Of twelve rows there are more than registers for their addresses: three, and what is added to them.
        nint next = rows->FloatStride, second = 2 * next, third = 3 * next;
        for (nint part = 0; part < PanelLayout.Outputs; part += TPanel.Outputs, sums += TPanel.Outputs)
        {
            float* a = rows->Floats, b = a + 4 * next, c = b + 4 * next;
            TPanel s0 = TPanel.Load(sums);
            TPanel s1 = TRows.Value > 1 ? TPanel.Load(sums + PanelLayout.Outputs) : TPanel.Zero;
            TPanel s2 = TRows.Value > 2 ? TPanel.Load(sums + 2 * PanelLayout.Outputs) : TPanel.Zero;
            TPanel s3 = TRows.Value > 3 ? TPanel.Load(sums + 3 * PanelLayout.Outputs) : TPanel.Zero;
            TPanel s4 = TRows.Value > 4 ? TPanel.Load(sums + 4 * PanelLayout.Outputs) : TPanel.Zero;
            TPanel s5 = TRows.Value > 5 ? TPanel.Load(sums + 5 * PanelLayout.Outputs) : TPanel.Zero;
            TPanel s6 = TRows.Value > 6 ? TPanel.Load(sums + 6 * PanelLayout.Outputs) : TPanel.Zero;
            TPanel s7 = TRows.Value > 7 ? TPanel.Load(sums + 7 * PanelLayout.Outputs) : TPanel.Zero;
            TPanel s8 = TRows.Value > 8 ? TPanel.Load(sums + 8 * PanelLayout.Outputs) : TPanel.Zero;
            TPanel s9 = TRows.Value > 9 ? TPanel.Load(sums + 9 * PanelLayout.Outputs) : TPanel.Zero;
            TPanel s10 = TRows.Value > 10 ? TPanel.Load(sums + 10 * PanelLayout.Outputs) : TPanel.Zero;
            TPanel s11 = TRows.Value > 11 ? TPanel.Load(sums + 11 * PanelLayout.Outputs) : TPanel.Zero;
            byte* step = panel + part * sizeof(float);
            for (byte* end = step + rows->Steps * TWeights.StepBytes; step < end; step += TWeights.StepBytes, ask += askStep, a += 2, b += 2, c += 2)
            {
                Prefetch.Line(ask);
                if (TWeights.StepBytes * TPanel.Outputs > PanelLayout.Outputs * Prefetch.LineBytes) { Prefetch.Line(ask + Prefetch.LineBytes); }
                if (TWeights.StepBytes * TPanel.Outputs > PanelLayout.Outputs * 2 * Prefetch.LineBytes) { Prefetch.Cell(ask + 2 * Prefetch.LineBytes); }

                TPanel w = TWeights.First<TPanel>(step);
                s0 = TPanel.MultiplyAdd(w, a[0], s0);
                if (TRows.Value > 1) { s1 = TPanel.MultiplyAdd(w, a[next], s1); }
                if (TRows.Value > 2) { s2 = TPanel.MultiplyAdd(w, a[second], s2); }
                if (TRows.Value > 3) { s3 = TPanel.MultiplyAdd(w, a[third], s3); }
                if (TRows.Value > 4) { s4 = TPanel.MultiplyAdd(w, b[0], s4); }
                if (TRows.Value > 5) { s5 = TPanel.MultiplyAdd(w, b[next], s5); }
                if (TRows.Value > 6) { s6 = TPanel.MultiplyAdd(w, b[second], s6); }
                if (TRows.Value > 7) { s7 = TPanel.MultiplyAdd(w, b[third], s7); }
                if (TRows.Value > 8) { s8 = TPanel.MultiplyAdd(w, c[0], s8); }
                if (TRows.Value > 9) { s9 = TPanel.MultiplyAdd(w, c[next], s9); }
                if (TRows.Value > 10) { s10 = TPanel.MultiplyAdd(w, c[second], s10); }
                if (TRows.Value > 11) { s11 = TPanel.MultiplyAdd(w, c[third], s11); }

                w = TWeights.Second<TPanel>(step);
                s0 = TPanel.MultiplyAdd(w, a[1], s0);
                if (TRows.Value > 1) { s1 = TPanel.MultiplyAdd(w, a[next + 1], s1); }
                if (TRows.Value > 2) { s2 = TPanel.MultiplyAdd(w, a[second + 1], s2); }
                if (TRows.Value > 3) { s3 = TPanel.MultiplyAdd(w, a[third + 1], s3); }
                if (TRows.Value > 4) { s4 = TPanel.MultiplyAdd(w, b[1], s4); }
                if (TRows.Value > 5) { s5 = TPanel.MultiplyAdd(w, b[next + 1], s5); }
                if (TRows.Value > 6) { s6 = TPanel.MultiplyAdd(w, b[second + 1], s6); }
                if (TRows.Value > 7) { s7 = TPanel.MultiplyAdd(w, b[third + 1], s7); }
                if (TRows.Value > 8) { s8 = TPanel.MultiplyAdd(w, c[1], s8); }
                if (TRows.Value > 9) { s9 = TPanel.MultiplyAdd(w, c[next + 1], s9); }
                if (TRows.Value > 10) { s10 = TPanel.MultiplyAdd(w, c[second + 1], s10); }
                if (TRows.Value > 11) { s11 = TPanel.MultiplyAdd(w, c[third + 1], s11); }
            }

            TPanel.Store(s0, sums);
            if (TRows.Value > 1) { TPanel.Store(s1, sums + PanelLayout.Outputs); }
            if (TRows.Value > 2) { TPanel.Store(s2, sums + 2 * PanelLayout.Outputs); }
            if (TRows.Value > 3) { TPanel.Store(s3, sums + 3 * PanelLayout.Outputs); }
            if (TRows.Value > 4) { TPanel.Store(s4, sums + 4 * PanelLayout.Outputs); }
            if (TRows.Value > 5) { TPanel.Store(s5, sums + 5 * PanelLayout.Outputs); }
            if (TRows.Value > 6) { TPanel.Store(s6, sums + 6 * PanelLayout.Outputs); }
            if (TRows.Value > 7) { TPanel.Store(s7, sums + 7 * PanelLayout.Outputs); }
            if (TRows.Value > 8) { TPanel.Store(s8, sums + 8 * PanelLayout.Outputs); }
            if (TRows.Value > 9) { TPanel.Store(s9, sums + 9 * PanelLayout.Outputs); }
            if (TRows.Value > 10) { TPanel.Store(s10, sums + 10 * PanelLayout.Outputs); }
            if (TRows.Value > 11) { TPanel.Store(s11, sums + 11 * PanelLayout.Outputs); }
        }
    }
}
