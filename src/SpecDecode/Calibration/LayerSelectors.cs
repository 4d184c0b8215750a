using SpecDecode.Calibration.Selectors;

namespace SpecDecode.Calibration;

/// <summary>The methods that there are, in the order in which they run.</summary>
internal static class LayerSelectors
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<ILayerSelector> All { get; } =
    [
        new ExitSelector(),
        new BridgeSelector(),
        new EvenSelector(),
        new InfluenceSelector(),
        new CosineSelector(),
        new ConfidenceSelector(),
        new ClaspSelector(),
        new KnapsackSelector(),
        new GreedySelector(),
        new BayesianSelector(),
        new ReorderSelector(),
        new RandomSelector(),
        new CascadeSelector(),
    ];

    /// <summary>The method of a name, in any case; null where there is none.</summary>
    public static ILayerSelector? Find(string name) => All.FirstOrDefault(selector => selector.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
}
