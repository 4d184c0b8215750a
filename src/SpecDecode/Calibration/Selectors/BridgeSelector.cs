using SpecDecode.Evaluation;
using SpecDecode.Plans;

namespace SpecDecode.Calibration.Selectors;

/// <summary>
/// Every early exit by way of a bridge, a linear map that stands for all layers after it ("Your Transformer is Secretly Linear", 2405.12250). The maps are
/// fitted before (<see cref="BridgeFitting"/>), on the model's own weights; drafts on a copy of them in lower precision take the same. An exit behind which no map was better than none
/// is tried as it is.
/// </summary>
internal sealed class BridgeSelector : ILayerSelector
{
    /// <summary>Its name.</summary>
    public const string MethodName = "bridge";

    /// <inheritdoc/>
    public string Name => MethodName;

    /// <inheritdoc/>
    public string Paper => "Your Transformer is Secretly Linear, 2405.12250";

    /// <inheritdoc/>
    public void Search(IPlanSearch search)
    {
        IEnumerable<LayerPlan> exits = search.Bridges.Concat(search.WithoutBridge).Order().Select(layer => search.Bridges.Contains(layer)
            ? LayerPlan.BridgedExit(search.LayerCount, layer + 1)
            : LayerPlan.EarlyExit(search.LayerCount, layer + 1));
        IEnumerable<PlanCandidate> plans = search.Weights.SelectMany(weights => exits.Select(exit => new PlanCandidate(exit, weights)));
        foreach (PlanCandidate[] batch in plans.Chunk(SearchBatch.Plans))
        {
            if (!search.TryScore(batch, out _))
            {
                return;
            }
        }
    }
}
