using SpecDecode.Caching;
using SpecDecode.Evaluation;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Calibration;

/// <summary>
/// How much blocks change the residual of tokens that the model has written itself: Block Influence, 1 − E[cos(x, y)] of what goes into a block
/// and what comes out of it (ShortGPT, 2403.03853).
/// </summary>
internal static class TextInfluence
{
    /// <summary>The blocks that may be left out, least influence first; of equal ones the later, since those in front feed all others.</summary>
    /// <param name="search">The search, whose texts are read once on the weights that drafts run on.</param>
    /// <returns>Null where the budget is used up, or no text has a token that a draft could begin with.</returns>
    public static IReadOnlyList<Block>? Rank(IPlanSearch search)
    {
        LayerInfluence? influence = null;
        return search.Optional.Count > 0 && search.TryLook((stages, texts) => influence = Read(stages, search.Weights[0], texts)) && influence!.Rows > 0
            ? [.. search.Optional.Reverse().OrderBy(block => Order(influence.Of(block)))]
            : null;
    }

    // From the end of each text backwards, so that a pass reads exact entries whatever the ones before it have left.
    private static LayerInfluence Read(IStages stages, WeightSet weights, IReadOnlyList<WrittenText> texts)
    {
        LayerInfluence influence = new(stages);
        RowBatch batch = new(stages.MaxRows);
        List<CacheTransaction.Entry> enlisted = [];
        foreach (WrittenText text in texts)
        {
            for (int end = text.LastStart + 1; end > text.FirstStart;)
            {
                int first = Math.Max(text.FirstStart, end - stages.MaxRows);
                text.Cache.RollBackTo(first);
                using CacheTransaction transaction = new(enlisted);
                transaction.Enlist(text.Cache, end - first);
                batch.Clear();
                batch.Add(text.Cache, first, text.Tokens.Span[first..end]);
                stages.Embed(batch, weights);
                influence.Run(batch);
                end = first;
            }
        }

        return influence;
    }

    // A residual that overflows on a copy in lower precision says nothing of the block: it stays.
    private static double Order(double influence) => double.IsFinite(influence) ? influence : double.PositiveInfinity;
}
