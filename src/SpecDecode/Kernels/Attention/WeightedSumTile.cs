using System.Runtime.CompilerServices;

namespace SpecDecode.Kernels.Attention;

/// <summary>
/// Sums of values, each multiplied by what its position weighs. Each channel is added up over the positions in their order, in one chain: so a sum does not
/// depend on how many vectors or channels are added up at a time, nor on where the positions are cut.
/// </summary>
/// <typeparam name="TLanes">The registers.</typeparam>
/// <typeparam name="TType">How values are stored.</typeparam>
internal static unsafe class WeightedSumTile<TLanes, TType>
    where TLanes : unmanaged, ILanes<TLanes>
    where TType : unmanaged, IKeyValueType
{
    /// <summary>Adds to the sums of some channels.</summary>
    /// <typeparam name="TRows">How many query vectors: at most 4 where there are 4 columns.</typeparam>
    /// <typeparam name="TColumns">How many times 16 channels: 1, 2 or 4.</typeparam>
    /// <param name="weights">The first vector's weights, by position from the first of the pages.</param>
    /// <param name="weightStride">Floats to the next vector's.</param>
    /// <param name="values">The values of each page from the first of the channels on, <c>[16, channels]</c>.</param>
    /// <param name="channels">Channels of a head.</param>
    /// <param name="from">The first position, counted from the first of the pages.</param>
    /// <param name="to">Behind the last.</param>
    /// <param name="sums">The first vector's sums of the first of the channels.</param>
    /// <param name="sumStride">Floats to the next vector's.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TRows, TColumns>(
        float* weights, nint weightStride, byte** values, nint channels, nint from, nint to, float* sums, nint sumStride)
        where TRows : unmanaged, IRowCount
        where TColumns : unmanaged, IRowCount
    {
        const int Lanes = 16;
        float* w0 = weights, w1 = w0 + weightStride, w2 = w1 + weightStride, w3 = w2 + weightStride;
        float* w4 = w3 + weightStride, w5 = w4 + weightStride, w6 = w5 + weightStride, w7 = w6 + weightStride;
        TLanes s00 = TLanes.Load(sums);
        TLanes s01 = TColumns.Value > 1 ? TLanes.Load(sums + Lanes) : s00;
        TLanes s02 = TColumns.Value > 2 ? TLanes.Load(sums + 2 * Lanes) : s00;
        TLanes s03 = TColumns.Value > 2 ? TLanes.Load(sums + 3 * Lanes) : s00;
        TLanes s10 = TRows.Value > 1 ? TLanes.Load(sums + sumStride) : s00;
        TLanes s11 = TRows.Value > 1 && TColumns.Value > 1 ? TLanes.Load(sums + sumStride + Lanes) : s00;
        TLanes s12 = TRows.Value > 1 && TColumns.Value > 2 ? TLanes.Load(sums + sumStride + 2 * Lanes) : s00;
        TLanes s13 = TRows.Value > 1 && TColumns.Value > 2 ? TLanes.Load(sums + sumStride + 3 * Lanes) : s00;
        TLanes s20 = TRows.Value > 2 ? TLanes.Load(sums + 2 * sumStride) : s00;
        TLanes s21 = TRows.Value > 2 && TColumns.Value > 1 ? TLanes.Load(sums + 2 * sumStride + Lanes) : s00;
        TLanes s22 = TRows.Value > 2 && TColumns.Value > 2 ? TLanes.Load(sums + 2 * sumStride + 2 * Lanes) : s00;
        TLanes s23 = TRows.Value > 2 && TColumns.Value > 2 ? TLanes.Load(sums + 2 * sumStride + 3 * Lanes) : s00;
        TLanes s30 = TRows.Value > 3 ? TLanes.Load(sums + 3 * sumStride) : s00;
        TLanes s31 = TRows.Value > 3 && TColumns.Value > 1 ? TLanes.Load(sums + 3 * sumStride + Lanes) : s00;
        TLanes s32 = TRows.Value > 3 && TColumns.Value > 2 ? TLanes.Load(sums + 3 * sumStride + 2 * Lanes) : s00;
        TLanes s33 = TRows.Value > 3 && TColumns.Value > 2 ? TLanes.Load(sums + 3 * sumStride + 3 * Lanes) : s00;
        TLanes s40 = TRows.Value > 4 ? TLanes.Load(sums + 4 * sumStride) : s00;
        TLanes s41 = TRows.Value > 4 && TColumns.Value > 1 ? TLanes.Load(sums + 4 * sumStride + Lanes) : s00;
        TLanes s50 = TRows.Value > 5 ? TLanes.Load(sums + 5 * sumStride) : s00;
        TLanes s51 = TRows.Value > 5 && TColumns.Value > 1 ? TLanes.Load(sums + 5 * sumStride + Lanes) : s00;
        TLanes s60 = TRows.Value > 6 ? TLanes.Load(sums + 6 * sumStride) : s00;
        TLanes s61 = TRows.Value > 6 && TColumns.Value > 1 ? TLanes.Load(sums + 6 * sumStride + Lanes) : s00;
        TLanes s70 = TRows.Value > 7 ? TLanes.Load(sums + 7 * sumStride) : s00;
        TLanes s71 = TRows.Value > 7 && TColumns.Value > 1 ? TLanes.Load(sums + 7 * sumStride + Lanes) : s00;
        nint step = channels * TType.Bytes;
        for (nint position = from; position < to;)
        {
            byte* v = values[position / Lanes] + position % Lanes * step;
            nint end = Math.Min((position / Lanes + 1) * Lanes, to);
            for (; position < end; position++, v += step)
            {
                TLanes a = TType.Load<TLanes>(v);
                TLanes b = TColumns.Value > 1 ? TType.Load<TLanes>(v + Lanes * TType.Bytes) : a;
                TLanes c = TColumns.Value > 2 ? TType.Load<TLanes>(v + 2 * Lanes * TType.Bytes) : a;
                TLanes d = TColumns.Value > 2 ? TType.Load<TLanes>(v + 3 * Lanes * TType.Bytes) : a;
                {
                    TLanes w = TLanes.Create(w0[position]);
                    s00 = TLanes.MultiplyAdd(a, w, s00);
                    if (TColumns.Value > 1) { s01 = TLanes.MultiplyAdd(b, w, s01); }
                    if (TColumns.Value > 2) { s02 = TLanes.MultiplyAdd(c, w, s02); s03 = TLanes.MultiplyAdd(d, w, s03); }
                }

                if (TRows.Value > 1)
                {
                    TLanes w = TLanes.Create(w1[position]);
                    s10 = TLanes.MultiplyAdd(a, w, s10);
                    if (TColumns.Value > 1) { s11 = TLanes.MultiplyAdd(b, w, s11); }
                    if (TColumns.Value > 2) { s12 = TLanes.MultiplyAdd(c, w, s12); s13 = TLanes.MultiplyAdd(d, w, s13); }
                }

                if (TRows.Value > 2)
                {
                    TLanes w = TLanes.Create(w2[position]);
                    s20 = TLanes.MultiplyAdd(a, w, s20);
                    if (TColumns.Value > 1) { s21 = TLanes.MultiplyAdd(b, w, s21); }
                    if (TColumns.Value > 2) { s22 = TLanes.MultiplyAdd(c, w, s22); s23 = TLanes.MultiplyAdd(d, w, s23); }
                }

                if (TRows.Value > 3)
                {
                    TLanes w = TLanes.Create(w3[position]);
                    s30 = TLanes.MultiplyAdd(a, w, s30);
                    if (TColumns.Value > 1) { s31 = TLanes.MultiplyAdd(b, w, s31); }
                    if (TColumns.Value > 2) { s32 = TLanes.MultiplyAdd(c, w, s32); s33 = TLanes.MultiplyAdd(d, w, s33); }
                }

                if (TRows.Value > 4)
                {
                    TLanes w = TLanes.Create(w4[position]);
                    s40 = TLanes.MultiplyAdd(a, w, s40);
                    if (TColumns.Value > 1) { s41 = TLanes.MultiplyAdd(b, w, s41); }
                }

                if (TRows.Value > 5)
                {
                    TLanes w = TLanes.Create(w5[position]);
                    s50 = TLanes.MultiplyAdd(a, w, s50);
                    if (TColumns.Value > 1) { s51 = TLanes.MultiplyAdd(b, w, s51); }
                }

                if (TRows.Value > 6)
                {
                    TLanes w = TLanes.Create(w6[position]);
                    s60 = TLanes.MultiplyAdd(a, w, s60);
                    if (TColumns.Value > 1) { s61 = TLanes.MultiplyAdd(b, w, s61); }
                }

                if (TRows.Value > 7)
                {
                    TLanes w = TLanes.Create(w7[position]);
                    s70 = TLanes.MultiplyAdd(a, w, s70);
                    if (TColumns.Value > 1) { s71 = TLanes.MultiplyAdd(b, w, s71); }
                }
            }
        }

        {
            TLanes.Store(s00, sums);
            if (TColumns.Value > 1) { TLanes.Store(s01, sums + Lanes); }
            if (TColumns.Value > 2) { TLanes.Store(s02, sums + 2 * Lanes); TLanes.Store(s03, sums + 3 * Lanes); }
        }

        if (TRows.Value > 1)
        {
            TLanes.Store(s10, sums + sumStride);
            if (TColumns.Value > 1) { TLanes.Store(s11, sums + sumStride + Lanes); }
            if (TColumns.Value > 2) { TLanes.Store(s12, sums + sumStride + 2 * Lanes); TLanes.Store(s13, sums + sumStride + 3 * Lanes); }
        }

        if (TRows.Value > 2)
        {
            TLanes.Store(s20, sums + 2 * sumStride);
            if (TColumns.Value > 1) { TLanes.Store(s21, sums + 2 * sumStride + Lanes); }
            if (TColumns.Value > 2) { TLanes.Store(s22, sums + 2 * sumStride + 2 * Lanes); TLanes.Store(s23, sums + 2 * sumStride + 3 * Lanes); }
        }

        if (TRows.Value > 3)
        {
            TLanes.Store(s30, sums + 3 * sumStride);
            if (TColumns.Value > 1) { TLanes.Store(s31, sums + 3 * sumStride + Lanes); }
            if (TColumns.Value > 2) { TLanes.Store(s32, sums + 3 * sumStride + 2 * Lanes); TLanes.Store(s33, sums + 3 * sumStride + 3 * Lanes); }
        }

        if (TRows.Value > 4)
        {
            TLanes.Store(s40, sums + 4 * sumStride);
            if (TColumns.Value > 1) { TLanes.Store(s41, sums + 4 * sumStride + Lanes); }
        }

        if (TRows.Value > 5)
        {
            TLanes.Store(s50, sums + 5 * sumStride);
            if (TColumns.Value > 1) { TLanes.Store(s51, sums + 5 * sumStride + Lanes); }
        }

        if (TRows.Value > 6)
        {
            TLanes.Store(s60, sums + 6 * sumStride);
            if (TColumns.Value > 1) { TLanes.Store(s61, sums + 6 * sumStride + Lanes); }
        }

        if (TRows.Value > 7)
        {
            TLanes.Store(s70, sums + 7 * sumStride);
            if (TColumns.Value > 1) { TLanes.Store(s71, sums + 7 * sumStride + Lanes); }
        }
    }
}
