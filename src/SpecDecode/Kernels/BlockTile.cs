using System.Runtime.CompilerServices;
using SpecDecode.Descriptions;

namespace SpecDecode.Kernels;

/// <summary>
/// Rows of bytes times a panel of quantised weights. A block's products are summed up as integers, which is exact, then multiplied by both
/// scales and added to the floats of the blocks before it, in the blocks' order: so a row's result does not depend on how many rows there are.
/// </summary>
/// <typeparam name="TSums">The registers.</typeparam>
/// <typeparam name="TBits">The weights' type.</typeparam>
internal static unsafe class BlockTile<TSums, TBits>
    where TSums : unmanaged, ISums<TSums>
    where TBits : unmanaged, IBlockWeights
{
    /// <summary>Rows of the largest tile: 6 · 2 sums leave registers for weights and a row.</summary>
    public const int MaxRows = 6;

    private const int HalfBytes = PanelLayout.CellBytes / 2;
    private const int HalfOutputs = PanelLayout.Outputs / 2;

    /// <summary>Multiplies; as <see cref="FloatTile{TPanel,TWeights}.Run{TRows}"/>, with weights asked for as far ahead as at the panel's beginning.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TRows>(byte* panel, TileRows* rows, float* sums, byte* ask, nint askStep)
        where TRows : unmanaged, IRowCount
    {
        nint ahead = (nint)(ask - panel);
        nint size = rows->BlockSize;
        nint step = rows->RowsOfTile * size;
        sbyte* x0 = rows->Bytes, x1 = x0 + size, x2 = x1 + size, x3 = x2 + size, x4 = x3 + size, x5 = x4 + size;
        RowBlock* block = rows->ByteBlocks;
        nint upper = size / 2;
        nint cellBytes = size * TBits.Bits / 32 * PanelLayout.CellBytes;
        byte* head = panel;
        byte* end = panel + rows->Blocks * (TBits.HeadBytes + cellBytes);

        while (head < end)
        {
            byte* scales = head;
            byte* zeros = head + PanelLayout.ScaleBytes;
            byte* cells = head + TBits.HeadBytes;
            float* to = sums;
            Prefetch.Line(head + ahead);

            // Half a panel at a time, whose sums fit into 16 registers; the block stays in the first cache meanwhile.
            for (byte* half = cells; half < cells + PanelLayout.CellBytes; half += HalfBytes)
            {
                TSums s0 = Start(zeros, &block->Start);
                TSums s1 = TRows.Value > 1 ? Start(zeros, &block[1].Start) : TSums.Zero;
                TSums s2 = TRows.Value > 2 ? Start(zeros, &block[2].Start) : TSums.Zero;
                TSums s3 = TRows.Value > 3 ? Start(zeros, &block[3].Start) : TSums.Zero;
                TSums s4 = TRows.Value > 4 ? Start(zeros, &block[4].Start) : TSums.Zero;
                TSums s5 = TRows.Value > 5 ? Start(zeros, &block[5].Start) : TSums.Zero;
                nint i = 0;
                for (byte* cell = half; cell < half + cellBytes; cell += PanelLayout.CellBytes, i += 4)
                {
                    Prefetch.Line(cell + ahead);
                    if (TBits.Bits == 8)
                    {
                        TSums w = TSums.LoadBytes(cell);
                        s0 = TSums.MultiplyAddBytes(w, x0 + i, s0);
                        if (TRows.Value > 1) { s1 = TSums.MultiplyAddBytes(w, x1 + i, s1); }
                        if (TRows.Value > 2) { s2 = TSums.MultiplyAddBytes(w, x2 + i, s2); }
                        if (TRows.Value > 3) { s3 = TSums.MultiplyAddBytes(w, x3 + i, s3); }
                        if (TRows.Value > 4) { s4 = TSums.MultiplyAddBytes(w, x4 + i, s4); }
                        if (TRows.Value > 5) { s5 = TSums.MultiplyAddBytes(w, x5 + i, s5); }
                    }
                    else
                    {
                        TSums w = TSums.LoadLower(cell);
                        s0 = TSums.MultiplyAddHalves(w, x0 + i, s0);
                        if (TRows.Value > 1) { s1 = TSums.MultiplyAddHalves(w, x1 + i, s1); }
                        if (TRows.Value > 2) { s2 = TSums.MultiplyAddHalves(w, x2 + i, s2); }
                        if (TRows.Value > 3) { s3 = TSums.MultiplyAddHalves(w, x3 + i, s3); }
                        if (TRows.Value > 4) { s4 = TSums.MultiplyAddHalves(w, x4 + i, s4); }
                        if (TRows.Value > 5) { s5 = TSums.MultiplyAddHalves(w, x5 + i, s5); }

                        nint j = i + upper;
                        w = TSums.LoadUpper(cell);
                        s0 = TSums.MultiplyAddHalves(w, x0 + j, s0);
                        if (TRows.Value > 1) { s1 = TSums.MultiplyAddHalves(w, x1 + j, s1); }
                        if (TRows.Value > 2) { s2 = TSums.MultiplyAddHalves(w, x2 + j, s2); }
                        if (TRows.Value > 3) { s3 = TSums.MultiplyAddHalves(w, x3 + j, s3); }
                        if (TRows.Value > 4) { s4 = TSums.MultiplyAddHalves(w, x4 + j, s4); }
                        if (TRows.Value > 5) { s5 = TSums.MultiplyAddHalves(w, x5 + j, s5); }
                    }
                }

                TSums worth = TSums.LoadScales(scales);
                TSums.AddTo(s0, worth, &block->Scale, to);
                if (TRows.Value > 1) { TSums.AddTo(s1, worth, &block[1].Scale, to + PanelLayout.Outputs); }
                if (TRows.Value > 2) { TSums.AddTo(s2, worth, &block[2].Scale, to + 2 * PanelLayout.Outputs); }
                if (TRows.Value > 3) { TSums.AddTo(s3, worth, &block[3].Scale, to + 3 * PanelLayout.Outputs); }
                if (TRows.Value > 4) { TSums.AddTo(s4, worth, &block[4].Scale, to + 4 * PanelLayout.Outputs); }
                if (TRows.Value > 5) { TSums.AddTo(s5, worth, &block[5].Scale, to + 5 * PanelLayout.Outputs); }
                scales += PanelLayout.ScaleBytes / 2;
                zeros += HalfOutputs;
                to += HalfOutputs;
            }

            head = cells + cellBytes;
            x0 += step;
            x1 += step;
            x2 += step;
            x3 += step;
            x4 += step;
            x5 += step;
            block += rows->RowsOfTile;
        }
    }

    // What a sum begins with, so that zero points need not be subtracted from weights.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TSums Start(byte* zeroPoints, int* start) =>
        TBits.Bits == 4 ? TSums.Multiply(zeroPoints, start) : TSums.TakesOffset ? TSums.Create(start) : TSums.Zero;
}
