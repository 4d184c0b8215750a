using SpecDecode.Plans;

namespace SpecDecode.Calibration.Selectors;

/// <summary>
/// Leaves out one block more at a time, the one without which agreement stays highest (SLEB, 2402.09025), attention and MLP apart (FinerCut,
/// 2405.18218). The papers measure a loss on given texts; here it is agreement with what the model has written itself.
/// </summary>
internal sealed class GreedySelector : ILayerSelector
{
    // Below this a draft ends at its first or second token, and fewer blocks do not make up for it.
    private const double LeastAgreement = 0.4;

    /// <inheritdoc/>
    public string Name => "greedy";

    /// <inheritdoc/>
    public string Paper => "SLEB, 2402.09025; FinerCut, 2405.18218";

    /// <inheritdoc/>
    public void Search(IPlanSearch search)
    {
        HashSet<Block> skipped = [];
        double agreement = 1;
        while (skipped.Count < search.Optional.Count && agreement >= LeastAgreement)
        {
            if (Next(search, skipped) is not var (block, left))
            {
                return;
            }

            skipped.Add(block);
            agreement = left;
        }
    }

    // The block whose absence costs least agreement; of equal ones that which promises more. Null where the budget ended.
    private static (Block Block, double Agreement)? Next(IPlanSearch search, HashSet<Block> skipped)
    {
        Block? best = null;
        PlanScore bestScore = new(-1, -1);
        foreach (Block[] batch in search.Optional.Where(block => !skipped.Contains(block)).Chunk(SearchBatch.Plans))
        {
            if (!search.TryScore([.. batch.Select(block => SkipSets.Candidate(search, skipped.Append(block).ToHashSet()))], out IReadOnlyList<PlanScore>? scores))
            {
                return null;
            }

            for (int i = 0; i < batch.Length; i++)
            {
                if ((scores[i].Agreement, scores[i].Speedup).CompareTo((bestScore.Agreement, bestScore.Speedup)) > 0)
                {
                    (best, bestScore) = (batch[i], scores[i]);
                }
            }
        }

        return best is { } block ? (block, bestScore.Agreement) : null;
    }
}
