using SpecDecode.Evaluation;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Calibration.Selectors;

/// <summary>
/// Every early exit (LayerSkip, 2404.16710), on all weights that there are; on a copy in lower precision also the whole model (QuantSpec,
/// 2502.10424).
/// </summary>
internal sealed class ExitSelector : ILayerSelector
{
    /// <inheritdoc/>
    public string Name => "exits";

    /// <inheritdoc/>
    public string Paper => "LayerSkip, 2404.16710";

    /// <inheritdoc/>
    public void Search(IPlanSearch search)
    {
        foreach (PlanCandidate[] batch in search.Weights.SelectMany(weights => Exits(search.LayerCount, weights)).Chunk(SearchBatch.Plans))
        {
            if (!search.TryScore(batch, out _))
            {
                return;
            }
        }
    }

    private static IEnumerable<PlanCandidate> Exits(int layers, WeightSet weights) =>
        Enumerable.Range(1, weights == WeightSet.Drafter ? layers : layers - 1).Select(exit => new PlanCandidate(LayerPlan.EarlyExit(layers, exit), weights));
}
