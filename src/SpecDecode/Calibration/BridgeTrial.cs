using System.Diagnostics;
using SpecDecode.Calibration.Selectors;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Calibration;

/// <summary>The bridges of a calibration, which lie in the stages while it runs: what lay there before comes back afterwards.</summary>
internal sealed class BridgeTrial : IDisposable
{
    private readonly CalibrationSetting _setting;
    private readonly LinearBridge?[] _before;

    /// <summary>Notes what is there.</summary>
    public BridgeTrial(CalibrationSetting setting)
    {
        _setting = setting;
        _before = [.. Enumerable.Range(0, setting.Stages.LayerCount).Select(layer => setting.Stages.Bridges[layer])];
    }

    /// <summary>Whether the model can have any.</summary>
    public bool CanFit => _setting.Stages.LayerCount > 1 && _setting.Stages.Bridges != BridgeSet.None;

    /// <summary>Layers behind which no bridge was better than none.</summary>
    public IReadOnlyList<int> Without { get; private set; } = [];

    /// <summary>Fits them to the texts that are searched on.</summary>
    /// <param name="state">What is known; what an earlier run has tried with its own bridges says nothing of these and goes.</param>
    /// <param name="texts">The texts.</param>
    /// <param name="limit">How long it may take.</param>
    /// <param name="tell">Told that it is not standing still.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    public void Fit(CalibrationState state, TextSet texts, TimeSpan limit, Action tell, CancellationToken cancellationToken)
    {
        MethodState method = state.Of(BridgeSelector.MethodName);
        method.Plans.Clear();
        method.IsExhausted = false;
        long start = Stopwatch.GetTimestamp();
        int[] prompts = [.. Enumerable.Range(0, state.Texts.Count).Where(prompt => prompt % 2 == 0)];
        FittedBridges fitted = BridgeFitting.Run(_setting, [.. texts.Texts.Select(text => text.Tokens)], prompts, limit, tell, cancellationToken);
        method.Seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        state.Times = state.Times! with { Bridge = fitted.Row };
        Without = fitted.Without;
    }

    /// <summary>Those that some plans end with.</summary>
    public IReadOnlyList<LinearBridge> Of(IEnumerable<LayerPlan> plans) =>
        [.. plans.Select(plan => plan.Bridge).OfType<Block>().Select(block => block.Layer).Distinct().Order().Select(layer => _setting.Stages.Bridges[layer]!)];

    /// <inheritdoc/>
    public void Dispose()
    {
        for (int layer = 0; layer < _before.Length && _setting.Stages.Bridges != BridgeSet.None; layer++)
        {
            _setting.Stages.Bridges.Replace(layer, _before[layer]);
        }
    }
}
