using SpecDecode.Evaluation;

namespace SpecDecode.Calibration.Selectors;

/// <summary>
/// Layers kept evenly between the first and the last, as many as a target speed-up leaves (Unified Layer Skipping, 2404.06954). The paper is
/// given a target; here every number of layers is tried.
/// </summary>
internal sealed class EvenSelector : ILayerSelector
{
    /// <inheritdoc/>
    public string Name => "even";

    /// <inheritdoc/>
    public string Paper => "Unified Layer Skipping, 2404.06954";

    /// <inheritdoc/>
    public void Search(IPlanSearch search)
    {
        IReadOnlyList<int> layers = SkipSets.OptionalLayers(search);
        foreach (PlanCandidate[] batch in Enumerable.Range(0, layers.Count).Select(kept => Plan(search, layers, kept)).Reverse().Chunk(SearchBatch.Plans))
        {
            if (!search.TryScore(batch, out _))
            {
                return;
            }
        }
    }

    // Of n optional layers k stay, each in the middle of its share.
    private static PlanCandidate Plan(IPlanSearch search, IReadOnlyList<int> layers, int kept)
    {
        HashSet<int> stay = [.. Enumerable.Range(0, kept).Select(i => layers[(int)((i + 0.5) * layers.Count / kept)])];
        return SkipSets.Candidate(search, search.Optional.Where(block => layers.Contains(block.Layer) && !stay.Contains(block.Layer)).ToHashSet());
    }
}
