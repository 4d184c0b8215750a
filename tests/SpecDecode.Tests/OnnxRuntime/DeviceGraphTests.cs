using System.Text.Json;
using SpecDecode.Descriptions;
using SpecDecode.Evaluation;
using SpecDecode.Families;
using SpecDecode.OnnxRuntime;
using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.OnnxRuntime.Stages;
using SpecDecode.Tests.Reference;
using SpecDecode.Weights;

namespace SpecDecode.Tests.OnnxRuntime;

/// <summary>
/// The graphs that a device gets, whose nodes compute in 16 bits, on the CPU provider: ONNX Runtime has kernels of its own there for some of these nodes and
/// converts around the others. They round more often than stages that compute in float32. Inputs are bound again before each run, as for a device.
/// </summary>
public sealed class DeviceGraphTests
{
    public static TheoryData<string> Folders => [.. Directory.GetDirectories(TestFolders.Fixtures).Select(folder => Path.GetFileName(folder)).Order()];

    [Theory]
    [MemberData(nameof(Folders))]
    public void All_families_stay_near_the_reference_in_float16(string fixture) => Check(fixture, Precision.Stored, ElementType.Float16, 0.015);

    [Theory]
    [InlineData("llama_base", Precision.Int8, 0.1)]
    [InlineData("qwen3", Precision.Int8, 0.1)]
    [InlineData("llama_base", Precision.Int4, 0.7)]
    [InlineData("qwen3", Precision.Int4, 0.7)]
    public void Quantised_matrices_multiply_float16_rows(string fixture, Precision precision, double share) => Check(fixture, precision, ElementType.Float16, share);

    private static void Check(string fixture, Precision precision, ElementType type, double share)
    {
        string path = Path.Combine(TestFolders.Fixtures, fixture);
        using ModelFolder folder = ModelFolder.Open(
            path, new ModelOptions { Precision = precision, Kernels = KernelChoice.OnnxRuntime, CacheFolder = TestFolders.WeightCache });
        DecoderDescription model = ModelFamilies.Describe(folder.Checkpoint) with { ElementType = type };
        using PreparedWeights weights = folder.OpenWeights(model, null, TestContext.Current.CancellationToken);
        RuntimeOptions runtime = new();
        RuntimeEnvironment environment = RuntimeEnvironment.Get(runtime, _ => { });
        bool isAdded = false;
        ExecutionProvider device = new(new CpuBufferAllocator(), isDevice: true, _ => isAdded = true);
        StageSessions sessions = StageSessions.Create(model, weights, environment, runtime, null, TestContext.Current.CancellationToken, device);
        sessions.ProbeRows(model, device.Buffers);
        AttentionStages attention = sessions.CreateAttention(model, weights, environment, runtime, device.Buffers, maxSequenceLength: 128);
        using OnnxStages stages = new(model, sessions, null, attention, device.Buffers, maxSequenceLength: 128, maxRows: 64);
        Assert.True(isAdded);

        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(path, "expected.json")));
        ComputePrecisionFixtureTests.CheckLogits(
            json.RootElement, share, $"{fixture}, {precision}, {type}",
            (tokens, plan) => PlanEvaluation.Run(stages, plan, tokens, TestContext.Current.CancellationToken), stages.LayerCount);
    }
}
