using SpecDecode.Caching;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Evaluation;

/// <summary>Fills caches for texts that were written earlier, so that plans can be judged on them.</summary>
internal static class TextReading
{
    /// <summary>Makes a text of tokens, with an empty cache of its own.</summary>
    /// <param name="stages">The model.</param>
    /// <param name="tokens">Prompt and new tokens, at least two.</param>
    /// <param name="promptLength">How many of them are the prompt.</param>
    public static WrittenText Open(IStages stages, ReadOnlyMemory<int> tokens, int promptLength) =>
        new(new KvCache(stages.Pages, tokens.Length), tokens, promptLength);

    /// <summary>Reads a text through the full model into a cache of its own.</summary>
    /// <param name="stages">The model.</param>
    /// <param name="tokens">Prompt and new tokens, at least two.</param>
    /// <param name="promptLength">How many of them are the prompt.</param>
    /// <param name="cancellationToken">Ends the work between passes.</param>
    /// <returns>The text; its cache is the caller's to free.</returns>
    public static WrittenText Read(IStages stages, ReadOnlyMemory<int> tokens, int promptLength, CancellationToken cancellationToken)
    {
        WrittenText text = Open(stages, tokens, promptLength);
        try
        {
            Complete(stages, [text], cancellationToken);
            return text;
        }
        catch
        {
            text.Cache.Dispose();
            throw;
        }
    }

    /// <summary>Reads what is missing in the texts' caches, which is all but the last token of each once it returns: as many as fit go in a pass.</summary>
    /// <param name="stages">The model.</param>
    /// <param name="texts">The texts.</param>
    /// <param name="cancellationToken">Ends the work between passes.</param>
    public static void Complete(IStages stages, IReadOnlyList<WrittenText> texts, CancellationToken cancellationToken)
    {
        LayerPlan full = LayerPlan.Full(stages.LayerCount);
        RowBatch batch = new(stages.MaxRows);
        List<CacheTransaction.Entry> enlisted = [];
        List<(int Place, int Length)> kept = [];
        for (int first = 0; first < texts.Count;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using CacheTransaction transaction = new(enlisted);
            batch.Clear();
            kept.Clear();
            for (int i = first; i < texts.Count && batch.Room > 0; i++)
            {
                KvCache cache = texts[i].Cache;
                int rows = Math.Min(batch.Room, texts[i].Tokens.Length - 1 - cache.CommittedLength);
                if (rows > 0)
                {
                    kept.Add((transaction.Enlist(cache, rows), cache.CommittedLength + rows));
                    batch.Add(cache, cache.CommittedLength, texts[i].Tokens.Span.Slice(cache.CommittedLength, rows));
                }
            }

            if (batch.Rows > 0)
            {
                stages.Embed(batch);
                Pass.Run(stages, full.Blocks.AsSpan(), batch);
                foreach ((int place, int length) in kept)
                {
                    transaction.Keep(place, length);
                }

                transaction.Commit();
            }

            while (first < texts.Count && texts[first].Cache.CommittedLength >= texts[first].Tokens.Length - 1)
            {
                first++;
            }
        }
    }
}
