using SpecDecode.Plans;

namespace SpecDecode.Calibration.Selectors;

/// <summary>
/// Leaves out the blocks that make the head no surer, and looks again (ConfLayers, 2604.14612): of the drafter as it is, how much surer the head is behind each block than
/// before it; blocks below a threshold go, the threshold is lowered where that was too many, until nothing is better. The paper looks at whole layers while a text is
/// written and measures speed; here attention and MLP count apart, on several texts, and what is expected decides.
/// </summary>
internal sealed class ConfidenceSelector : ILayerSelector
{
    // Looks at most, each of which is followed by one plan.
    private const int MostRounds = 48;

    /// <inheritdoc/>
    public string Name => "confidence";

    /// <inheritdoc/>
    public string Paper => "ConfLayers, 2604.14612";

    /// <inheritdoc/>
    public void Search(IPlanSearch search)
    {
        HashSet<Block> best = [];
        if (search.Optional.Count == 0 || !search.TryScore([SkipSets.Candidate(search, best)], out IReadOnlyList<PlanScore>? scores))
        {
            return;
        }

        double speedup = scores[0].Speedup;
        double share = 0.5;
        IReadOnlyList<Block>? ranked = TextConfidence.Rank(search, best);
        for (int round = 0; round < MostRounds && ranked is { Count: > 0 }; round++)
        {
            int count = Math.Max(1, (int)(share * ranked.Count));
            HashSet<Block> tried = [.. best, .. ranked.Take(count)];
            if (!search.TryScore([SkipSets.Candidate(search, tried)], out scores))
            {
                return;
            }

            if (scores[0].Speedup > speedup)
            {
                (best, speedup) = (tried, scores[0].Speedup);
                ranked = TextConfidence.Rank(search, best);
            }
            else if (count == 1)
            {
                return;
            }
            else
            {
                share /= 2;
            }
        }
    }
}
