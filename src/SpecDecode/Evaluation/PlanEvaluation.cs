using SpecDecode.Caching;
using SpecDecode.Plans;
using SpecDecode.Sampling;
using SpecDecode.Stages;

namespace SpecDecode.Evaluation;

/// <summary>Runs any plan over a whole sequence, in passes, and scores every position.</summary>
internal static class PlanEvaluation
{
    /// <summary>Evaluates the sequence on a cache of its own.</summary>
    public static LogitsResult Run(IStages stages, LayerPlan plan, ReadOnlySpan<int> tokens, CancellationToken cancellationToken)
    {
        using KvCache cache = new(stages.Pages, tokens.Length);
        RowBatch batch = new(stages.MaxRows);
        int[] best = new int[tokens.Length];
        float[] last = new float[stages.VocabularySize];
        List<CacheTransaction.Entry> enlisted = [];
        while (cache.CommittedLength < tokens.Length)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int start = cache.CommittedLength;
            int rows = Math.Min(tokens.Length - start, stages.MaxRows);
            using CacheTransaction transaction = new(enlisted);
            int place = transaction.Enlist(cache, rows);
            batch.Clear();
            batch.Add(cache, start, tokens.Slice(start, rows));
            stages.Embed(batch);
            Pass.Run(stages, plan.Blocks.AsSpan(), batch);
            Score(stages, best.AsSpan(start, rows), last);
            transaction.Keep(place, start + rows);
            transaction.Commit();
        }

        int notFinite = Array.FindIndex(last, logit => !float.IsFinite(logit));
        return notFinite < 0 ? new LogitsResult { LastLogits = last, ArgMaxPerPosition = best } : throw LogitRow.NotFinite(notFinite, last[notFinite]);
    }

    private static void Score(IStages stages, Span<int> best, Span<float> last)
    {
        Span<int> rows = stackalloc int[Math.Min(stages.MaxScoredRows, 64)];
        for (int done = 0; done < best.Length;)
        {
            int count = Math.Min(rows.Length, best.Length - done);
            for (int i = 0; i < count; i++)
            {
                rows[i] = done + i;
            }

            ReadOnlySpan<float> logits = stages.Head(rows[..count]);
            for (int i = 0; i < count; i++)
            {
                best[done + i] = Greedy.Pick(logits.Slice(i * stages.VocabularySize, stages.VocabularySize));
            }

            logits[^stages.VocabularySize..].CopyTo(last);
            done += count;
        }
    }
}
