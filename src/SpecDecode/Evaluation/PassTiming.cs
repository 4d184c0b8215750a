using System.Diagnostics;
using SpecDecode.Caching;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Evaluation;

/// <summary>
/// Times passes of a plan, apart from any text: the cache is thrown away, so its entries are written without a transaction.
/// </summary>
internal static class PassTiming
{
    /// <summary>The median time of embedding, blocks and head over some rows of one sequence, once all is bound.</summary>
    /// <param name="stages">The model.</param>
    /// <param name="plan">The blocks that run.</param>
    /// <param name="rows">Rows in the pass, all of them scored.</param>
    /// <param name="past">Positions in the cache before them.</param>
    /// <param name="repetitions">How often the pass runs.</param>
    public static TimeSpan Median(IStages stages, LayerPlan plan, int rows, int past, int repetitions)
    {
        using KvCache cache = new(stages.Pages, past + rows);
        RowBatch batch = new(rows);
        int[] scored = [.. Enumerable.Range(0, rows)];
        int[] tokens = [.. scored.Select(row => row % stages.VocabularySize)];
        TimeSpan[] times = new TimeSpan[repetitions];
        for (int i = -1; i < repetitions; i++)
        {
            batch.Clear();
            cache.Hold(past + rows);
            batch.Add(cache, past, tokens);
            long start = Stopwatch.GetTimestamp();
            stages.Embed(batch);
            Pass.Run(stages, plan.Blocks.AsSpan(), batch);
            stages.Head(scored);
            if (i >= 0)
            {
                times[i] = Stopwatch.GetElapsedTime(start);
            }
        }

        Array.Sort(times);
        return times[repetitions / 2];
    }
}
