using System.Text.Json;
using SpecDecode.Caching;
using SpecDecode.Descriptions;
using SpecDecode.Drafting;
using SpecDecode.Evaluation;
using SpecDecode.OnnxRuntime.Stages;
using SpecDecode.Plans;
using SpecDecode.Sequences;
using SpecDecode.Tests.Reference;

namespace SpecDecode.Tests.OnnxRuntime;

/// <summary>
/// The graphs that a device gets, whose nodes compute in 16 bits, on the CPU provider: ONNX Runtime has kernels of its own there for some of these nodes and
/// converts around the others. They round more often than stages that compute in float32. The residual lies in memory that the process
/// must not touch, and comes and goes by copies.
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

    [Theory]
    [InlineData("llama_base", Precision.Int8, 0.1)]
    [InlineData("qwen3", Precision.Int4, 0.7)]
    public void Quantised_matrices_multiply_float32_rows(string fixture, Precision precision, double share) => Check(fixture, precision, ElementType.Float32, share);

    private static void Check(string fixture, Precision precision, ElementType type, double share)
    {
        FakeDeviceMemory memory = new();
        using (DeviceModel model = new(fixture, type, memory, precision))
        {
            Assert.True(memory.LiveBytes >= 3L * 64 * model.Description.HiddenSize * type.Bytes(), "The residual is elsewhere.");
            Check(model.Stages, model.Path, share, $"{fixture}, {precision}, {type}");
        }

        Assert.Equal((0, true), (memory.LiveBytes, memory.IsDisposed));
    }

    /// <summary>Compares full depth, exits and the skip set with the reference, and drafted texts with a plain one.</summary>
    internal static void Check(OnnxStages stages, string path, double share, string what)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(path, "expected.json")));
        ComputePrecisionFixtureTests.CheckLogits(
            json.RootElement, share, what, (tokens, plan) => PlanEvaluation.Run(stages, plan, tokens, TestContext.Current.CancellationToken), stages.LayerCount);

        // Rows are kept, put together anew and scored where they lie; three drafting sequences beside a plain one.
        int[] prompt = Expectation.Integers(json.RootElement.GetProperty("tokens"))[..json.RootElement.GetProperty("greedy_prompt_length").GetInt32()];
        IReadOnlyList<LayerPlan?> plans = [null, .. ComputePrecisionFixtureTests.Plans(json.RootElement, stages.LayerCount).TakeLast(3)];
        int[][] texts = WrittenTexts.Of(stages, [.. plans.Select((plan, i) => new Sequence(
            prompt, 12, new HashSet<int>(), new KvCache(stages.Pages, prompt.Length + 12), plan is null ? null : new DraftPlan { Plan = plan, Length = 1 + i }))]);
        Assert.True(!stages.RowsAreAlike || texts.All(text => text.SequenceEqual(texts[0])), what);
    }
}
