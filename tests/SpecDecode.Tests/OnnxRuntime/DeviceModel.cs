using SpecDecode.Descriptions;
using SpecDecode.Families;
using SpecDecode.OnnxRuntime;
using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.OnnxRuntime.Stages;
using SpecDecode.Weights;

namespace SpecDecode.Tests.OnnxRuntime;

/// <summary>A fixture's stages as a device gets them, on the CPU provider and in memory that the process must not touch.</summary>
internal sealed class DeviceModel : IDisposable
{
    public const int MaxSequenceLength = 128;

    private readonly ModelFolder _folder;
    private readonly PreparedWeights _weights;

    /// <summary>Makes the stages.</summary>
    /// <param name="fixture">The fixture's folder.</param>
    /// <param name="type">What stages compute in.</param>
    /// <param name="memory">The device's memory; disposed with this.</param>
    /// <param name="precision">Precision of the matrices.</param>
    /// <param name="attends">Whether attention runs there too.</param>
    /// <param name="captures">Whether runs are captured.</param>
    /// <param name="segments">Whether blocks run in segments.</param>
    public DeviceModel(
        string fixture, ElementType type, FakeDeviceMemory memory, Precision precision = Precision.Stored, bool attends = false, bool captures = false, bool segments = false)
    {
        Path = System.IO.Path.Combine(TestFolders.Fixtures, fixture);
        _folder = ModelFolder.Open(Path, new ModelOptions { Precision = precision, Kernels = KernelChoice.OnnxRuntime, CacheFolder = TestFolders.WeightCache });
        Description = ModelFamilies.Describe(_folder.Checkpoint) with { ElementType = type };
        _weights = _folder.OpenWeights(Description, null, TestContext.Current.CancellationToken);
        RuntimeOptions runtime = new();
        RuntimeEnvironment environment = RuntimeEnvironment.Get(runtime, _ => { });
        bool isAdded = false;
        ExecutionProvider device = new(new CpuBufferAllocator(), _ => memory, _ => isAdded = true, captures ? _ => { } : null);
        StageSessions sessions = StageSessions.Create(Description, _weights, environment, runtime, null, TestContext.Current.CancellationToken, device, attends);
        Sessions = sessions;
        sessions.ProbeRows(Description, device.Buffers);
        DeviceRows rows = new(type, device, device.DeviceMemory!);
        IAttentionStages attention = attends
            ? sessions.CreateAttention(Description, _weights, environment, runtime, device, rows, MaxSequenceLength)
            : sessions.CreateAttention(Description, _weights, environment, runtime, device.Buffers, MaxSequenceLength);
        if (segments)
        {
            sessions.AddSegments(Description, _weights, environment, runtime, attention, device);
        }

        AttentionIsAlike = attention.RowsAreAlike;
        Stages = new OnnxStages(
            Description, sessions, null, attention, sessions.CreateBridges(Description, _weights, environment, runtime, device.Buffers, canRun: false), device.Buffers,
            MaxSequenceLength, maxRows: 64, rows);
        Assert.True(isAdded);
    }

    public string Path { get; }

    public DecoderDescription Description { get; }

    public OnnxStages Stages { get; }

    public StageSessions Sessions { get; }

    public bool AttentionIsAlike { get; }

    public void Dispose()
    {
        Stages.Dispose();
        _weights.Dispose();
        _folder.Dispose();
    }
}
