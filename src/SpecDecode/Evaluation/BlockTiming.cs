using System.Diagnostics;
using SpecDecode.Caching;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Evaluation;

/// <summary>
/// What each block takes of a pass over one row, block by block, apart from any text: the cache is thrown away, so its entries are written
/// without a transaction.
/// </summary>
internal static class BlockTiming
{
    private const int Turns = 15;
    private const int Past = 64;

    /// <summary>The shares, from the medians of some passes.</summary>
    /// <param name="stages">The model.</param>
    /// <param name="cancellationToken">Ends the work between passes.</param>
    /// <returns>For each block of the full plan its share of the time; together with embedding and head they make 1.</returns>
    public static double[] Shares(IStages stages, CancellationToken cancellationToken)
    {
        int past = Math.Min(Past, stages.MaxSequenceLength - 1);
        using KvCache cache = new(stages.Pages, past + 1);
        RowBatch batch = new(1);
        Block[] blocks = [.. LayerPlan.Full(stages.LayerCount).Blocks];

        // The last one is what embedding and head take together.
        long[][] times = [.. Enumerable.Range(0, blocks.Length + 1).Select(_ => new long[Turns])];
        for (int turn = -1; turn < Turns; turn++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            batch.Clear();
            cache.Hold(past + 1);
            batch.Add(cache, past, 0);
            long before = Stopwatch.GetTimestamp();
            stages.Embed(batch);
            long ends = Stopwatch.GetTimestamp() - before;
            for (int i = 0; i < blocks.Length; i++)
            {
                before = Stopwatch.GetTimestamp();
                stages.Run(blocks[i], batch);
                Note(i, Stopwatch.GetTimestamp() - before);
            }

            before = Stopwatch.GetTimestamp();
            stages.Head([0]);
            Note(blocks.Length, ends + Stopwatch.GetTimestamp() - before);

            void Note(int place, long ticks)
            {
                // The first turn binds what the others find bound.
                if (turn >= 0)
                {
                    times[place][turn] = ticks;
                }
            }
        }

        double[] medians = [.. times.Select(list => (double)list.Order().ElementAt(Turns / 2))];
        double total = Math.Max(1, medians.Sum());
        return [.. medians.Take(blocks.Length).Select(median => median / total)];
    }
}
