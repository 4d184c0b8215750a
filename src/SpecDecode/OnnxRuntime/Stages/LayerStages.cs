namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>The sessions of one kind of stage, a layer each. One that is not there yet is made where a pass first comes to it, on the thread that runs the model.</summary>
/// <param name="layers">How many layers there are.</param>
/// <param name="create">Makes the session of a layer.</param>
internal sealed class LayerStages(int layers, Func<int, StageSession> create)
{
    private readonly StageSession?[] _sessions = new StageSession?[layers];

    /// <summary>The session of a layer.</summary>
    /// <exception cref="SpecDecodeException">It is not there, and cannot be made.</exception>
    public StageSession this[int layer] => _sessions[layer] ??= create(layer);

    /// <summary>Makes a session ahead of its first pass; of different layers on any threads.</summary>
    public void Make(int layer) => _ = this[layer];
}
