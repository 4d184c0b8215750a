using Microsoft.ML.OnnxRuntime;
using SpecDecode.Descriptions;
using SpecDecode.OnnxRuntime.Graphs;
using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.OnnxRuntime.Operators;
using SpecDecode.Plans;
using SpecDecode.Stages;
using SpecDecode.Weights;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>
/// The stages of a model's bridges. One is made when a pass first comes to it, on the thread that runs the model, and anew where another bridge lies in
/// its place; so bridges may be brought while the model runs.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="weights">Its weights; they must stay open as long as this lives.</param>
/// <param name="products">Products of them.</param>
/// <param name="environment">The process's ONNX Runtime environment.</param>
/// <param name="options">Threads, where each session has its own.</param>
/// <param name="allocator">Where memory comes from.</param>
/// <param name="canRun">Whether the residual lies in the process's memory, where alone bridges are; only rows of floats go through them.</param>
internal sealed class BridgeStages(
    DecoderDescription model, PreparedWeights weights, ProductSet products, RuntimeEnvironment environment, RuntimeOptions options, IBufferAllocator allocator, bool canRun)
    : IDisposable
{
    private readonly BridgeStage?[] _stages = new BridgeStage?[model.Layers.Length];
    private readonly RunClock _run = new();

    /// <summary>The bridges.</summary>
    public BridgeSet Set { get; } = canRun && model.ElementType == ElementType.Float32 ? new(model.Layers.Length, model.HiddenSize) : BridgeSet.None;

    /// <summary>Time inside the sessions so far, in ticks of <see cref="System.Diagnostics.Stopwatch"/>.</summary>
    public long RuntimeTicks => _run.Ticks;

    /// <summary>The stage of the bridge behind a layer.</summary>
    /// <exception cref="InvalidOperationException">There is no such bridge.</exception>
    /// <exception cref="SpecDecodeException">There is no memory for it.</exception>
    public StageSession Of(int layer)
    {
        LinearBridge bridge = Set[layer] ?? throw new InvalidOperationException($"There is no bridge behind layer {layer}.");
        BridgeStage? stage = _stages[layer];
        if (stage is null || !ReferenceEquals(stage.Bridge, bridge))
        {
            stage?.Dispose();
            _stages[layer] = null;
            using SessionOptions session = StageSessions.SessionOptionsFor(environment, options, weights);
            _stages[layer] = stage = new BridgeStage(bridge, new StageGraphs(model, weights, products), products, allocator, session, _run);
        }

        return stage.Session;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (BridgeStage? stage in _stages)
        {
            stage?.Dispose();
        }

        _run.Dispose();
    }
}
