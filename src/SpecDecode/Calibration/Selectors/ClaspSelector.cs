using SpecDecode.Evaluation;
using SpecDecode.Plans;

namespace SpecDecode.Calibration.Selectors;

/// <summary>
/// Skipped layers by dynamic programming over hidden states (CLaSp, 2505.24196). The paper chooses anew in each round by the last token, for
/// a number of layers that is given; here sets of all sizes are found on tokens of several texts, and scored.
/// </summary>
internal sealed class ClaspSelector : ILayerSelector
{
    // Places in texts that are looked at, one after the other, and how far they lie apart.
    private const int Looks = 8;
    private const int Stride = 7;

    /// <inheritdoc/>
    public string Name => "clasp";

    /// <inheritdoc/>
    public string Paper => "CLaSp, 2505.24196";

    /// <inheritdoc/>
    public void Search(IPlanSearch search)
    {
        IReadOnlyList<int> layers = SkipSets.OptionalLayers(search);
        HashSet<LayerPlan> known = [];
        for (int look = 0; look < Looks && layers.Count > 0; look++)
        {
            IReadOnlyList<IReadOnlySet<int>> sets = [];
            if (!search.TryLook((stages, texts) => sets = SkipTable.Fill(stages, search.Weights[0], texts, look * Stride, layers)))
            {
                return;
            }

            PlanCandidate[] candidates =
            [
                .. sets.Select(skipped => SkipSets.Candidate(search, search.Optional.Where(block => skipped.Contains(block.Layer)).ToHashSet()))
                    .Where(candidate => known.Add(candidate.Plan)),
            ];
            foreach (PlanCandidate[] batch in candidates.Chunk(SearchBatch.Plans))
            {
                if (!search.TryScore(batch, out _))
                {
                    return;
                }
            }
        }
    }
}
