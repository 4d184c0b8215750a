using SpecDecode.Evaluation;
using SpecDecode.Plans;

namespace SpecDecode.Calibration.Selectors;

/// <summary>
/// Neighbouring layers in the other order, and layers that run twice, from the best plans of <see cref="EvenSelector"/> uphill. That neighbours
/// barely depend on each other is what CQIL (2404.06709) runs them side by side for; here one runs after the other, as everything does in a pass.
/// </summary>
internal sealed class ReorderSelector : ILayerSelector
{
    // Plans that it begins with, and steps from each at most.
    private const int Beginnings = 3;
    private const int Steps = 6;

    /// <inheritdoc/>
    public string Name => "reorder";

    /// <inheritdoc/>
    public string Paper => "CQIL, 2404.06709";

    /// <inheritdoc/>
    public void Search(IPlanSearch search)
    {
        if (SkipSets.Score(search, EvenSelector.Plans(search)) is not { } even)
        {
            return;
        }

        foreach ((PlanCandidate plan, PlanScore score) in even.OrderByDescending(plan => plan.Score.Speedup).Take(Beginnings))
        {
            if (!TryClimb(search, plan, score.Speedup))
            {
                return;
            }
        }
    }

    private static bool TryClimb(IPlanSearch search, PlanCandidate plan, double speedup)
    {
        for (int step = 0; step < Steps; step++)
        {
            int[] layers = [.. plan.Plan.Blocks.Where(block => block.Kind == BlockKind.Attention).Select(block => block.Layer)];
            if (SkipSets.Score(search, Neighbours(layers, search.LayerCount).Select(order => Plan(search, order))) is not { } scored)
            {
                return false;
            }

            (PlanCandidate best, PlanScore score) = scored.OrderByDescending(neighbour => neighbour.Score.Speedup).FirstOrDefault();
            if (scored.Count == 0 || score.Speedup <= speedup)
            {
                return true;
            }

            (plan, speedup) = (best, score.Speedup);
        }

        return true;
    }

    // The first and the last keep their places. A drafter as long as the model saves nothing.
    private static IEnumerable<int[]> Neighbours(int[] layers, int most)
    {
        for (int i = 1; i + 2 < layers.Length; i++)
        {
            yield return [.. layers[..i], layers[i + 1], layers[i], .. layers[(i + 2)..]];
        }

        for (int i = 0; i < layers.Length && layers.Length + 1 < most; i++)
        {
            yield return [.. layers[..i], layers[i], .. layers[i..]];
        }
    }

    private static PlanCandidate Plan(IPlanSearch search, int[] layers) => new(
        LayerPlan.Of(search.LayerCount, layers.SelectMany(layer => (Block[])[new(BlockKind.Attention, layer), new(BlockKind.Mlp, layer)])), search.Weights[0]);
}
