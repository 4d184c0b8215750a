using System.Numerics.Tensors;
using SpecDecode.Caching;
using SpecDecode.Evaluation;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Calibration;

/// <summary>How sure the head is behind each block of a drafter: the mean probability of its best token, on tokens that the model has written itself.</summary>
internal static class TextConfidence
{
    // Of each text so many tokens, the last: the head is run behind every block.
    private const int Rows = 32;

    /// <summary>The optional blocks that a drafter runs, those first that make the head least surer; of equal ones the later.</summary>
    /// <param name="search">The search.</param>
    /// <param name="skipped">What the drafter leaves out.</param>
    /// <returns>Null where the budget is used up, or no text has a token that a draft could begin with.</returns>
    public static IReadOnlyList<Block>? Rank(IPlanSearch search, IReadOnlySet<Block> skipped)
    {
        LayerPlan plan = SkipSets.Candidate(search, skipped).Plan;
        double[] gains = new double[plan.Blocks.Length];
        long rows = 0;
        if (!search.TryLook((stages, texts) => rows = Read(stages, search.Weights[0], texts, plan, gains)) || rows == 0)
        {
            return null;
        }

        HashSet<Block> optional = [.. search.Optional];
        return
        [
            .. Enumerable.Range(0, gains.Length).Reverse().Where(i => optional.Contains(plan.Blocks[i]))
                .OrderBy(i => double.IsFinite(gains[i]) ? gains[i] : double.PositiveInfinity).Select(i => plan.Blocks[i]),
        ];
    }

    private static long Read(IStages stages, WeightSet weights, IReadOnlyList<WrittenText> texts, LayerPlan plan, double[] gains)
    {
        RowBatch batch = new(stages.MaxRows);
        List<CacheTransaction.Entry> enlisted = [];
        int most = Math.Min(Rows, Math.Min(stages.MaxRows, stages.MaxScoredRows));
        float[] logits = new float[stages.VocabularySize];
        long rows = 0;
        foreach (WrittenText text in texts)
        {
            int end = text.LastStart + 1;
            int first = Math.Max(text.FirstStart, end - most);
            if (end <= first)
            {
                continue;
            }

            text.Cache.RollBackTo(first);
            using CacheTransaction transaction = new(enlisted);
            transaction.Enlist(text.Cache, end - first);
            batch.Clear();
            batch.Add(text.Cache, first, text.Tokens.Span[first..end]);
            int[] scored = [.. Enumerable.Range(0, end - first)];
            stages.Embed(batch, weights);
            double before = Confidence(stages, scored, logits);
            for (int i = 0; i < plan.Blocks.Length; i++)
            {
                stages.Run(plan.Blocks[i], batch);
                double behind = Confidence(stages, scored, logits);
                gains[i] += behind - before;
                before = behind;
            }

            rows += end - first;
        }

        return rows;
    }

    // The sum over rows.
    private static double Confidence(IStages stages, int[] rows, float[] memory)
    {
        ReadOnlySpan<float> logits = stages.Head(rows);
        double sum = 0;
        for (int row = 0; row < rows.Length; row++)
        {
            ReadOnlySpan<float> scores = logits.Slice(row * memory.Length, memory.Length);
            TensorPrimitives.Subtract(scores, TensorPrimitives.Max(scores), memory);
            TensorPrimitives.Exp<float>(memory, memory);
            sum += 1 / TensorPrimitives.Sum<float>(memory);
        }

        return sum;
    }
}
