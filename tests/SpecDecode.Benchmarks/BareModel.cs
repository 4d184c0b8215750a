using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;
using SpecDecode.Families;
using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.OnnxRuntime.Stages;
using SpecDecode.Weights;
using RuntimeEnvironment = SpecDecode.OnnxRuntime.RuntimeEnvironment;

namespace SpecDecode.Benchmarks;

/// <summary>A checkpoint's weights on the library's own kernels, and stages over them, with or without segments, which a loaded model does not let one choose.</summary>
internal sealed class BareModel : IDisposable
{
    private readonly Checkpoint _checkpoint;
    private readonly PreparedWeights _weights;
    private readonly RuntimeOptions _options;
    private readonly RuntimeEnvironment _environment;

    public BareModel(string folder, Precision precision, RuntimeOptions options)
    {
        _options = options;
        _checkpoint = Checkpoint.Open(folder);
        Description = ModelFamilies.Describe(_checkpoint);
        _environment = RuntimeEnvironment.Get(options, Console.Error.WriteLine);
        _weights = new WeightCache(null).Open(
            _checkpoint, Description, WeightSettings.Of(new ModelOptions { Precision = precision, Kernels = KernelChoice.Own }, _checkpoint.Tensors.Values), null, default);
    }

    public DecoderDescription Description { get; }

    /// <summary>Makes stages, which belong to the caller and end before this.</summary>
    public OnnxStages Stages(bool hasSegments, int maxSequenceLength, int maxRows)
    {
        CpuBufferAllocator buffers = new();
        StageSessions sessions = StageSessions.Create(Description, _weights, _environment, _options, null, default);
        sessions.ProbeRows(Description, buffers);
        AttentionStages attention = sessions.CreateAttention(Description, _weights, _environment, _options, buffers, maxSequenceLength);
        if (hasSegments)
        {
            sessions.AddSegments(Description, _weights, _environment, _options, attention);
        }

        return new OnnxStages(Description, sessions, null, attention, sessions.CreateBridges(Description, _weights, _environment, _options, buffers, canRun: true), buffers, maxSequenceLength, maxRows);
    }

    public void Dispose()
    {
        _weights.Dispose();
        _checkpoint.Dispose();
    }
}
