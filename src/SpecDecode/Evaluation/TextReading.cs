using SpecDecode.Caching;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Evaluation;

/// <summary>Fills caches for texts that were written earlier, so that plans can be judged on them.</summary>
internal static class TextReading
{
    /// <summary>Reads a text through the full model into a cache of its own.</summary>
    /// <param name="stages">The model.</param>
    /// <param name="tokens">Prompt and new tokens, at least two.</param>
    /// <param name="promptLength">How many of them are the prompt.</param>
    /// <param name="cancellationToken">Ends the work between passes.</param>
    /// <returns>The text; its cache is the caller's to free.</returns>
    public static WrittenText Read(IStages stages, ReadOnlyMemory<int> tokens, int promptLength, CancellationToken cancellationToken)
    {
        LayerPlan full = LayerPlan.Full(stages.LayerCount);
        RowBatch batch = new(stages.MaxRows);
        List<CacheTransaction.Entry> enlisted = [];
        KvCache cache = new(stages.CreateKvStorage(tokens.Length));
        try
        {
            while (cache.CommittedLength < tokens.Length - 1)
            {
                cancellationToken.ThrowIfCancellationRequested();
                using CacheTransaction transaction = new(enlisted);
                int start = cache.CommittedLength;
                int rows = Math.Min(tokens.Length - 1 - start, stages.MaxRows);
                int place = transaction.Enlist(cache, rows);
                batch.Clear();
                batch.Add(cache, start, tokens.Span.Slice(start, rows));
                stages.Embed(batch);
                Pass.Run(stages, full.Blocks.AsSpan(), batch);
                transaction.Keep(place, start + rows);
                transaction.Commit();
            }

            return new WrittenText(cache, tokens, promptLength);
        }
        catch
        {
            cache.Dispose();
            throw;
        }
    }
}
