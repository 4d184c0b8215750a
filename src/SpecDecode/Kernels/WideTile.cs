using System.Runtime.CompilerServices;
using SpecDecode.Descriptions;

namespace SpecDecode.Kernels;

/// <summary>
/// Rows of floats times a panel of quantised weights: only the weights are rounded. The sum of a block is taken of steps, then multiplied by the
/// scale and added to the sum of the blocks before it. Slower than <see cref="BlockTile{TSums,TBits}"/>, since each weight becomes a float.
/// </summary>
/// <typeparam name="TPanel">The registers.</typeparam>
/// <typeparam name="TBits">The weights' type.</typeparam>
internal static unsafe class WideTile<TPanel, TBits>
    where TPanel : unmanaged, IWidePanel<TPanel>
    where TBits : unmanaged, IBlockWeights
{
    /// <summary>Rows of the largest tile.</summary>
    public const int MaxRows = 2;

    /// <summary>Multiplies; as <see cref="FloatTile{TPanel,TWeights}.Run{TRows}"/>, with weights asked for as far ahead as at the panel's beginning.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TRows>(byte* panel, TileRows* rows, float* sums, byte* ask, nint askStep)
        where TRows : unmanaged, IRowCount
    {
        nint ahead = (nint)(ask - panel);
        float* x0 = rows->Floats, x1 = x0 + rows->FloatStride;
        TPanel s0 = TPanel.Load(sums), s1 = TRows.Value > 1 ? TPanel.Load(sums + PanelLayout.Outputs) : s0;
        nint cells = rows->BlockSize * TBits.Bits / 32;
        nint half = rows->BlockSize / 2;
        byte* cell = panel;
        for (nint block = 0; block < rows->Blocks; block++)
        {
            TPanel scales = TPanel.LoadBFloat16(cell);
            TPanel zeros = TBits.Bits == 4 ? TPanel.LoadBytes(cell + PanelLayout.ScaleBytes) : TPanel.Create(PanelLayout.ZeroInt8);
            Prefetch.Cell(cell + ahead);
            cell += TBits.HeadBytes;
            TPanel b0 = TPanel.Zero, b1 = b0;
            for (nint c = 0; c < cells; c++, cell += PanelLayout.CellBytes)
            {
                Prefetch.Cell(cell + ahead);
                for (int i = 0; i < 4; i++)
                {
                    TPanel w = TPanel.Subtract(TPanel.LoadBits(cell, 8 * i, TBits.Bits == 4 ? 0xF : 0xFF), zeros);
                    nint at = 4 * c + i;
                    b0 = TPanel.MultiplyAdd(w, x0[at], b0);
                    if (TRows.Value > 1) { b1 = TPanel.MultiplyAdd(w, x1[at], b1); }
                    if (TBits.Bits == 4)
                    {
                        w = TPanel.Subtract(TPanel.LoadBits(cell, 8 * i + 4, 0xF), zeros);
                        b0 = TPanel.MultiplyAdd(w, x0[at + half], b0);
                        if (TRows.Value > 1) { b1 = TPanel.MultiplyAdd(w, x1[at + half], b1); }
                    }
                }
            }

            s0 = TPanel.MultiplyAdd(b0, scales, s0);
            if (TRows.Value > 1) { s1 = TPanel.MultiplyAdd(b1, scales, s1); }
            x0 += rows->BlockSize;
            x1 += rows->BlockSize;
        }

        TPanel.Store(s0, sums);
        if (TRows.Value > 1) { TPanel.Store(s1, sums + PanelLayout.Outputs); }
    }
}
