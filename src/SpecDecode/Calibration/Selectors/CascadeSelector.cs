using SpecDecode.Evaluation;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Calibration.Selectors;

/// <summary>
/// Plans for cascades to stand below (CAS-Spec, 2510.26843): the whole copy of the weights in lower precision, and exits behind half and three quarters of the layers. Which
/// earlier exits guess for them, <see cref="CascadeTrial"/> finds once it is known how often they agree.
/// </summary>
internal sealed class CascadeSelector : ILayerSelector
{
    /// <summary>Its name.</summary>
    public const string MethodName = "cascade";

    /// <inheritdoc/>
    public string Name => MethodName;

    /// <inheritdoc/>
    public string Paper => "CAS-Spec, 2510.26843";

    /// <inheritdoc/>
    public void Search(IPlanSearch search)
    {
        PlanCandidate[] plans = [.. search.Weights.SelectMany(weights => Plans(search.LayerCount, weights))];
        if (plans.Length > 0)
        {
            search.TryScore(plans, out _);
        }
    }

    private static IEnumerable<PlanCandidate> Plans(int layers, WeightSet weights)
    {
        int[] exits = [.. weights == WeightSet.Drafter ? (int[])[layers] : [], layers * 3 / 4, layers / 2];
        return exits.Where(exit => exit > 1 && (exit < layers || weights == WeightSet.Drafter)).Distinct().Select(exit => new PlanCandidate(LayerPlan.EarlyExit(layers, exit), weights));
    }
}
