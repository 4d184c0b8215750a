using System.Runtime.CompilerServices;

namespace SpecDecode.Kernels.Attention;

/// <summary>The tiles by how many query vectors and how many pages, or columns, they take.</summary>
/// <typeparam name="TLanes">The registers.</typeparam>
/// <typeparam name="TType">How keys and values are stored.</typeparam>
internal static unsafe class TileTable<TLanes, TType>
    where TLanes : unmanaged, ILanes<TLanes>
    where TType : unmanaged, IKeyValueType
{
    /// <summary>As <see cref="ScoreTile{TLanes,TType}.Run{TRows,TPages}"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Score(int rows, int pages, float* queries, nint channels, byte** keys, float* scores, nint stride)
    {
        switch (rows)
        {
            case 1: Score<OneRow>(pages, queries, channels, keys, scores, stride); break;
            case 2: Score<TwoRows>(pages, queries, channels, keys, scores, stride); break;
            case 3: Score<ThreeRows>(pages, queries, channels, keys, scores, stride); break;
            case 4: Score<FourRows>(pages, queries, channels, keys, scores, stride); break;
            case 5: ScoreMany<FiveRows>(pages, queries, channels, keys, scores, stride); break;
            case 6: ScoreMany<SixRows>(pages, queries, channels, keys, scores, stride); break;
            case 7: ScoreMany<SevenRows>(pages, queries, channels, keys, scores, stride); break;
            default: ScoreMany<EightRows>(pages, queries, channels, keys, scores, stride); break;
        }
    }

    /// <summary>As <see cref="WeightedSumTile{TLanes,TType}.Run{TRows,TColumns}"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Sum(
        int rows, int columns, float* weights, nint weightStride, byte** values, nint channels, nint from, nint to, float* sums, nint sumStride)
    {
        switch (rows)
        {
            case 1: Sum<OneRow>(columns, weights, weightStride, values, channels, from, to, sums, sumStride); break;
            case 2: Sum<TwoRows>(columns, weights, weightStride, values, channels, from, to, sums, sumStride); break;
            case 3: Sum<ThreeRows>(columns, weights, weightStride, values, channels, from, to, sums, sumStride); break;
            case 4: Sum<FourRows>(columns, weights, weightStride, values, channels, from, to, sums, sumStride); break;
            case 5: SumMany<FiveRows>(columns, weights, weightStride, values, channels, from, to, sums, sumStride); break;
            case 6: SumMany<SixRows>(columns, weights, weightStride, values, channels, from, to, sums, sumStride); break;
            case 7: SumMany<SevenRows>(columns, weights, weightStride, values, channels, from, to, sums, sumStride); break;
            default: SumMany<EightRows>(columns, weights, weightStride, values, channels, from, to, sums, sumStride); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Score<TRows>(int pages, float* queries, nint channels, byte** keys, float* scores, nint stride)
        where TRows : unmanaged, IRowCount
    {
        if (pages == 4)
        {
            ScoreTile<TLanes, TType>.Run<TRows, FourRows>(queries, channels, keys, scores, stride);
        }
        else
        {
            ScoreMany<TRows>(pages, queries, channels, keys, scores, stride);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ScoreMany<TRows>(int pages, float* queries, nint channels, byte** keys, float* scores, nint stride)
        where TRows : unmanaged, IRowCount
    {
        if (pages == 2)
        {
            ScoreTile<TLanes, TType>.Run<TRows, TwoRows>(queries, channels, keys, scores, stride);
        }
        else
        {
            ScoreTile<TLanes, TType>.Run<TRows, OneRow>(queries, channels, keys, scores, stride);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sum<TRows>(
        int columns, float* weights, nint weightStride, byte** values, nint channels, nint from, nint to, float* sums, nint sumStride)
        where TRows : unmanaged, IRowCount
    {
        if (columns == 4)
        {
            WeightedSumTile<TLanes, TType>.Run<TRows, FourRows>(weights, weightStride, values, channels, from, to, sums, sumStride);
        }
        else
        {
            SumMany<TRows>(columns, weights, weightStride, values, channels, from, to, sums, sumStride);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SumMany<TRows>(
        int columns, float* weights, nint weightStride, byte** values, nint channels, nint from, nint to, float* sums, nint sumStride)
        where TRows : unmanaged, IRowCount
    {
        if (columns == 2)
        {
            WeightedSumTile<TLanes, TType>.Run<TRows, TwoRows>(weights, weightStride, values, channels, from, to, sums, sumStride);
        }
        else
        {
            WeightedSumTile<TLanes, TType>.Run<TRows, OneRow>(weights, weightStride, values, channels, from, to, sums, sumStride);
        }
    }
}
