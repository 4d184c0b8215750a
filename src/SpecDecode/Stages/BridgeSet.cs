using SpecDecode.Plans;

namespace SpecDecode.Stages;

/// <summary>
/// The bridges that a model has, one behind a layer at most. Requests bring them with their profiles, from several threads, while another one runs the
/// model; so one that is there stays, and another in its place is refused. Only a calibration, which has the model to itself, tries several.
/// </summary>
/// <param name="layerCount">Number of layers.</param>
/// <param name="width">Numbers of a row of the residual.</param>
internal sealed class BridgeSet(int layerCount, int width)
{
    private readonly LinearBridge?[] _bridges = new LinearBridge?[layerCount];

    /// <summary>Of stages that run none.</summary>
    public static BridgeSet None { get; } = new(0, 0);

    /// <summary>The bridge behind a layer; null where there is none.</summary>
    public LinearBridge? this[int layer] => (uint)layer < (uint)_bridges.Length ? Volatile.Read(ref _bridges[layer]) : null;

    /// <summary>Takes bridges in, those that are not there yet.</summary>
    /// <param name="bridges">The bridges.</param>
    /// <returns>Why one of them is refused, with the mend, to follow "since"; null where all are there now.</returns>
    public string? FindErrorOrAdd(IReadOnlyList<LinearBridge> bridges)
    {
        if (bridges.Count > 0 && _bridges.Length == 0)
        {
            return "it has bridges, which run on the CPU and with 32 bits between stages alone: leave ComputePrecision and ExecutionProvider at their defaults, or calibrate without bridges";
        }

        for (int i = 0; i < bridges.Count; i++)
        {
            LinearBridge bridge = bridges[i];
            if (bridge.Layer >= _bridges.Length || bridge.Width != width)
            {
                return $"its bridge behind layer {bridge.Layer} is {bridge.Width} wide, and the residual of this model is {width} wide in {_bridges.Length} layers: calibrate this model, or take the profile that is its own";
            }

            if (Interlocked.CompareExchange(ref _bridges[bridge.Layer], bridge, null) is { } other && !other.Equals(bridge))
            {
                return $"its bridge behind layer {bridge.Layer} is another than the one that the loaded model has there already: give all requests the same profile, or load the model again";
            }
        }

        return null;
    }

    /// <summary>Puts a bridge behind a layer in place of whatever is there; while nothing else uses the model.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="bridge">The bridge; null for none.</param>
    public void Replace(int layer, LinearBridge? bridge) => Volatile.Write(ref _bridges[layer], bridge);

    /// <summary>Why a plan cannot be run, a sentence; null where it can.</summary>
    public string? FindError(LayerPlan plan) => plan.Bridge is { } block && this[block.Layer] is null
        ? $"The plan ends with {block}, and the model has no bridge behind layer {block.Layer}: give a drafting profile that has one, or leave {block} out."
        : null;
}
