using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Drafting;

/// <summary>
/// The plan of requests that draft by <c>swift</c>: at the beginning every other layer is left out, later what a search has found. A sequence keeps the one
/// that it came with. Written by the thread that runs the steps, read by any.
/// </summary>
internal sealed class SearchedPlan
{
    /// <summary>Fewest layers of a model that has any to leave out.</summary>
    public const int LeastLayers = 3;

    private volatile IReadOnlyList<DraftPlan> _plans;
    private volatile bool _isAsked;

    /// <summary>Begins with the plan that leaves out every other layer, but the first and the last.</summary>
    /// <param name="layerCount">Number of the model's layers.</param>
    /// <param name="weights">The weights that the drafter runs on.</param>
    public SearchedPlan(int layerCount, WeightSet weights)
    {
        Weights = weights;
        LayerCount = layerCount;
        int[] layers = [.. Enumerable.Range(0, layerCount).Where(layer => layer % 2 == 1 && layer < layerCount - 1)];
        _plans = [Plan(layers, layers)];
    }

    /// <summary>Number of the model's layers.</summary>
    public int LayerCount { get; }

    /// <summary>The weights that the drafter runs on.</summary>
    public WeightSet Weights { get; }

    /// <summary>The plan, alone in a list.</summary>
    public IReadOnlyList<DraftPlan> Plans => _plans;

    /// <summary>Whether any request drafts by it, without which nothing is searched.</summary>
    public bool IsAsked => _isAsked;

    /// <summary>Notes that a request drafts by it.</summary>
    public void Ask() => _isAsked = true;

    /// <summary>Has requests that come from now on draft by another one.</summary>
    /// <param name="attention">Layers whose attention is left out.</param>
    /// <param name="mlp">Layers whose MLP is left out.</param>
    public void Adopt(IReadOnlyList<int> attention, IReadOnlyList<int> mlp) => _plans = [Plan(attention, mlp)];

    private DraftPlan Plan(IReadOnlyList<int> attention, IReadOnlyList<int> mlp) => new()
    {
        Plan = LayerPlan.LayerSkip(LayerCount, attention, mlp), Weights = Weights, Length = DraftingOptions.MaxDraftLength,
        Options = DraftingOptions.LayerSkip(attention, mlp) with { DraftLength = DraftingOptions.MaxDraftLength },
    };
}
