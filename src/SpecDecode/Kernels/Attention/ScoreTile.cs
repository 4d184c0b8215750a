using System.Runtime.CompilerServices;

namespace SpecDecode.Kernels.Attention;

/// <summary>
/// Query vectors times the keys of pages. A key's channels lie 16 positions apart, so that the products of 16 positions are added up side by side, each
/// over the channels in their order, in one chain: so a product does not depend on how many vectors or pages are multiplied at a time.
/// </summary>
/// <typeparam name="TLanes">The registers.</typeparam>
/// <typeparam name="TType">How keys are stored.</typeparam>
internal static unsafe class ScoreTile<TLanes, TType>
    where TLanes : unmanaged, ILanes<TLanes>
    where TType : unmanaged, IKeyValueType
{
    /// <summary>Multiplies.</summary>
    /// <typeparam name="TRows">How many vectors: at most 4 where there are 4 pages.</typeparam>
    /// <typeparam name="TPages">How many pages: 1, 2 or 4.</typeparam>
    /// <param name="queries">The first vector, <c>[channels]</c>; the others follow.</param>
    /// <param name="channels">Channels of a vector.</param>
    /// <param name="keys">The keys of each page, <c>[channels, 16]</c>.</param>
    /// <param name="scores">Takes <c>[16]</c> for each page, those of a vector side by side.</param>
    /// <param name="stride">Floats from the scores of a vector to the next one's.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TRows, TPages>(float* queries, nint channels, byte** keys, float* scores, nint stride)
        where TRows : unmanaged, IRowCount
        where TPages : unmanaged, IRowCount
    {
        const int Lanes = 16;
        byte* k0 = keys[0];
        byte* k1 = TPages.Value > 1 ? keys[1] : k0;
        byte* k2 = TPages.Value > 2 ? keys[2] : k0;
        byte* k3 = TPages.Value > 2 ? keys[3] : k0;
        float* x0 = queries, x1 = x0 + channels, x2 = x1 + channels, x3 = x2 + channels;
        float* x4 = x3 + channels, x5 = x4 + channels, x6 = x5 + channels, x7 = x6 + channels;
        TLanes s00 = TLanes.Zero;
        TLanes s01 = s00, s02 = s00, s03 = s00;
        TLanes s10 = s00, s11 = s00, s12 = s00, s13 = s00;
        TLanes s20 = s00, s21 = s00, s22 = s00, s23 = s00;
        TLanes s30 = s00, s31 = s00, s32 = s00, s33 = s00;
        TLanes s40 = s00, s41 = s00;
        TLanes s50 = s00, s51 = s00;
        TLanes s60 = s00, s61 = s00;
        TLanes s70 = s00, s71 = s00;
        nint step = Lanes * TType.Bytes;

        // A page's values lie behind its keys and are as many: asked for line by line, they are there when the scores are.
        nint ahead = channels * step;
        for (nint i = 0, at = 0; i < channels; i++, at += step)
        {
            if (TType.Bytes == sizeof(float) || (at & (Prefetch.LineBytes - 1)) == 0)
            {
                Prefetch.Line(k0 + at + ahead);
                if (TPages.Value > 1) { Prefetch.Line(k1 + at + ahead); }
                if (TPages.Value > 2) { Prefetch.Line(k2 + at + ahead); Prefetch.Line(k3 + at + ahead); }
            }

            TLanes a = TType.Load<TLanes>(k0 + at);
            TLanes b = TPages.Value > 1 ? TType.Load<TLanes>(k1 + at) : a;
            TLanes c = TPages.Value > 2 ? TType.Load<TLanes>(k2 + at) : a;
            TLanes d = TPages.Value > 2 ? TType.Load<TLanes>(k3 + at) : a;
            {
                TLanes x = TLanes.Create(x0[i]);
                s00 = TLanes.MultiplyAdd(a, x, s00);
                if (TPages.Value > 1) { s01 = TLanes.MultiplyAdd(b, x, s01); }
                if (TPages.Value > 2) { s02 = TLanes.MultiplyAdd(c, x, s02); s03 = TLanes.MultiplyAdd(d, x, s03); }
            }

            if (TRows.Value > 1)
            {
                TLanes x = TLanes.Create(x1[i]);
                s10 = TLanes.MultiplyAdd(a, x, s10);
                if (TPages.Value > 1) { s11 = TLanes.MultiplyAdd(b, x, s11); }
                if (TPages.Value > 2) { s12 = TLanes.MultiplyAdd(c, x, s12); s13 = TLanes.MultiplyAdd(d, x, s13); }
            }

            if (TRows.Value > 2)
            {
                TLanes x = TLanes.Create(x2[i]);
                s20 = TLanes.MultiplyAdd(a, x, s20);
                if (TPages.Value > 1) { s21 = TLanes.MultiplyAdd(b, x, s21); }
                if (TPages.Value > 2) { s22 = TLanes.MultiplyAdd(c, x, s22); s23 = TLanes.MultiplyAdd(d, x, s23); }
            }

            if (TRows.Value > 3)
            {
                TLanes x = TLanes.Create(x3[i]);
                s30 = TLanes.MultiplyAdd(a, x, s30);
                if (TPages.Value > 1) { s31 = TLanes.MultiplyAdd(b, x, s31); }
                if (TPages.Value > 2) { s32 = TLanes.MultiplyAdd(c, x, s32); s33 = TLanes.MultiplyAdd(d, x, s33); }
            }

            if (TRows.Value > 4)
            {
                TLanes x = TLanes.Create(x4[i]);
                s40 = TLanes.MultiplyAdd(a, x, s40);
                if (TPages.Value > 1) { s41 = TLanes.MultiplyAdd(b, x, s41); }
            }

            if (TRows.Value > 5)
            {
                TLanes x = TLanes.Create(x5[i]);
                s50 = TLanes.MultiplyAdd(a, x, s50);
                if (TPages.Value > 1) { s51 = TLanes.MultiplyAdd(b, x, s51); }
            }

            if (TRows.Value > 6)
            {
                TLanes x = TLanes.Create(x6[i]);
                s60 = TLanes.MultiplyAdd(a, x, s60);
                if (TPages.Value > 1) { s61 = TLanes.MultiplyAdd(b, x, s61); }
            }

            if (TRows.Value > 7)
            {
                TLanes x = TLanes.Create(x7[i]);
                s70 = TLanes.MultiplyAdd(a, x, s70);
                if (TPages.Value > 1) { s71 = TLanes.MultiplyAdd(b, x, s71); }
            }
        }

        {
            TLanes.Store(s00, scores);
            if (TPages.Value > 1) { TLanes.Store(s01, scores + Lanes); }
            if (TPages.Value > 2) { TLanes.Store(s02, scores + 2 * Lanes); TLanes.Store(s03, scores + 3 * Lanes); }
        }

        if (TRows.Value > 1)
        {
            TLanes.Store(s10, scores + stride);
            if (TPages.Value > 1) { TLanes.Store(s11, scores + stride + Lanes); }
            if (TPages.Value > 2) { TLanes.Store(s12, scores + stride + 2 * Lanes); TLanes.Store(s13, scores + stride + 3 * Lanes); }
        }

        if (TRows.Value > 2)
        {
            TLanes.Store(s20, scores + 2 * stride);
            if (TPages.Value > 1) { TLanes.Store(s21, scores + 2 * stride + Lanes); }
            if (TPages.Value > 2) { TLanes.Store(s22, scores + 2 * stride + 2 * Lanes); TLanes.Store(s23, scores + 2 * stride + 3 * Lanes); }
        }

        if (TRows.Value > 3)
        {
            TLanes.Store(s30, scores + 3 * stride);
            if (TPages.Value > 1) { TLanes.Store(s31, scores + 3 * stride + Lanes); }
            if (TPages.Value > 2) { TLanes.Store(s32, scores + 3 * stride + 2 * Lanes); TLanes.Store(s33, scores + 3 * stride + 3 * Lanes); }
        }

        if (TRows.Value > 4)
        {
            TLanes.Store(s40, scores + 4 * stride);
            if (TPages.Value > 1) { TLanes.Store(s41, scores + 4 * stride + Lanes); }
        }

        if (TRows.Value > 5)
        {
            TLanes.Store(s50, scores + 5 * stride);
            if (TPages.Value > 1) { TLanes.Store(s51, scores + 5 * stride + Lanes); }
        }

        if (TRows.Value > 6)
        {
            TLanes.Store(s60, scores + 6 * stride);
            if (TPages.Value > 1) { TLanes.Store(s61, scores + 6 * stride + Lanes); }
        }

        if (TRows.Value > 7)
        {
            TLanes.Store(s70, scores + 7 * stride);
            if (TPages.Value > 1) { TLanes.Store(s71, scores + 7 * stride + Lanes); }
        }
    }
}
