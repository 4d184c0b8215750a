using System.Globalization;
using System.Text.Json;
using SpecDecode.Drafting;
using SpecDecode.Evaluation;
using SpecDecode.Generation;
using SpecDecode.Plans;

namespace SpecDecode.Tests.Reference;

/// <summary>
/// Fixtures of all families with 16 bits between stages stay near the reference, which computes in float32 and more, and drafting changes nothing: what is
/// compared is how far the logits move against how far they spread, as random weights average nothing out.
/// </summary>
public sealed class ComputePrecisionFixtureTests
{
    /// <summary>How far logits may move, as a share of their spread: about ten roundings to 11 and to 8 bits, one behind the other.</summary>
    public static double Share(ComputePrecision precision) => precision == ComputePrecision.Fp16 ? 0.005 : 0.04;

    public static TheoryData<string, ComputePrecision> Cases
    {
        get
        {
            TheoryData<string, ComputePrecision> cases = [];
            foreach (string folder in Directory.GetDirectories(TestFolders.Fixtures).Select(folder => Path.GetFileName(folder)).Order())
            {
                cases.Add(folder, ComputePrecision.Fp16);
                cases.Add(folder, ComputePrecision.Bf16);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Full_depth_every_exit_layer_and_the_skip_set_stay_near_the_reference_and_drafts_change_nothing(string fixture, ComputePrecision precision)
    {
        foreach (KernelChoice kernels in Enum.GetValues<KernelChoice>())
        {
            using TextModel model = PlainModel.Load(
                Path.Combine(TestFolders.Fixtures, fixture), new ModelOptions { CacheFolder = TestFolders.WeightCache, Kernels = kernels },
                new RuntimeOptions { ComputePrecision = precision }, cancellationToken: TestContext.Current.CancellationToken);
            using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(TestFolders.Fixtures, fixture, "expected.json")));
            CheckLogits(
                json.RootElement, Share(precision), $"{fixture}, {precision}, {kernels}",
                (tokens, plan) => model.Evaluate(tokens, plan, TestContext.Current.CancellationToken), model.LayerCount);

            int[] prompt = Expectation.Integers(json.RootElement.GetProperty("tokens"))[..json.RootElement.GetProperty("greedy_prompt_length").GetInt32()];
            GenerationRequest request = new() { Tokens = prompt, MaxTokens = 16, IgnoreEndOfSequence = true };
            IReadOnlyList<GenerationResult> results = model.Generate(
                [request, .. Plans(json.RootElement, model.LayerCount).Select((plan, i) => request with { Drafting = DraftingOptions.Of(plan) with { DraftLength = 1 + i * 3 } })],
                cancellationToken: TestContext.Current.CancellationToken);
            Assert.All(results.Skip(1), drafted => Assert.Equal(results[0].Tokens, drafted.Tokens));
        }
    }

    /// <summary>The exits and the skip set that a fixture has values for.</summary>
    internal static IEnumerable<LayerPlan> Plans(JsonElement expected, int layerCount) =>
    [
        .. Enumerable.Range(1, layerCount).Select(exit => LayerPlan.EarlyExit(layerCount, exit)),
        LayerPlan.LayerSkip(
            layerCount, Expectation.Integers(expected.GetProperty("skip").GetProperty("attention")), Expectation.Integers(expected.GetProperty("skip").GetProperty("mlp"))),
    ];

    /// <summary>Compares full depth, every exit and the skip set with the reference.</summary>
    internal static void CheckLogits(JsonElement expected, double share, string what, Func<int[], LayerPlan, LogitsResult> evaluate, int layerCount)
    {
        int[] tokens = Expectation.Integers(expected.GetProperty("tokens"));
        double worst = 0;
        void Check(JsonElement wanted, LayerPlan plan)
        {
            double[] logits = Expectation.Numbers(wanted.GetProperty("logits_last"));
            double mean = logits.Average();
            double spread = Math.Sqrt(logits.Average(logit => Math.Pow(logit - mean, 2)));
            double moved = Math.Sqrt(logits.Zip(evaluate(tokens, plan).LastLogits, (a, b) => Math.Pow(a - b, 2)).Average());
            worst = Math.Max(worst, moved / spread);
            Assert.True(moved <= share * spread, $"{what}, {plan}: moved by {moved / spread:f5} of the spread");
            Assert.True(moved > 1e-5 * spread, $"{what}, {plan}: nothing was rounded");
        }

        Check(expected, LayerPlan.Full(layerCount));
        foreach (JsonProperty exit in expected.GetProperty("exit_layer").EnumerateObject())
        {
            Check(exit.Value, LayerPlan.EarlyExit(layerCount, int.Parse(exit.Name, CultureInfo.InvariantCulture)));
        }

        Check(expected.GetProperty("skip"), Plans(expected, layerCount).Last());
        TestContext.Current.TestOutputHelper?.WriteLine($"{what}: {worst:f5} of the spread");
    }
}
