using SpecDecode.Drafting;
using SpecDecode.Drafting.Profiles;
using SpecDecode.Evaluation;
using SpecDecode.Generation;
using SpecDecode.Models;
using SpecDecode.Plans;
using SpecDecode.Sampling;
using SpecDecode.Stages;

namespace SpecDecode.Tests.Speculation;

/// <summary>Bridges in the stages of the story model: what they compute, and that drafts by them change no text.</summary>
public sealed class BridgeTests : IDisposable
{
    private readonly LoadedModel _model = ModelLoader.Load(
        TestFolders.StoryModel, new ModelOptions { CacheFolder = TestFolders.WeightCache }, new RuntimeOptions(), _ => { }, null, TestContext.Current.CancellationToken);

    private IStages Stages => _model.Stages;

    public void Dispose() => _model.Dispose();

    [Theory]
    [InlineData(256)]
    [InlineData(40)]
    [InlineData(1)]
    public void The_stage_is_the_map_whatever_its_rank_and_however_many_rows(int rank)
    {
        LinearBridge bridge = Bridge(2, rank, strength: 1);
        Stages.Bridges.Replace(2, bridge);
        foreach (int rows in (int[])[1, 2, 7])
        {
            using SequencePasses passes = new(Stages, [new ScoredSequence([.. Enumerable.Range(5, rows + 1)], 1)]);
            Assert.True(passes.Next());
            Stages.Embed(passes.Batch);
            float[][] before = Read(rows);
            Stages.Run(new Block(BlockKind.Bridge, 2), passes.Batch);
            float[][] behind = Read(rows);
            for (int row = 0; row < rows; row++)
            {
                double[] expected = Apply(bridge, before[row]);
                double length = Math.Sqrt(expected.Sum(number => number * number));
                Assert.True(Math.Sqrt(expected.Zip(behind[row], (left, right) => (left - right) * (left - right)).Sum()) < 0.01 * length);
            }
        }

        // Another one in its place is another stage.
        Stages.Bridges.Replace(2, Bridge(2, rank, strength: 0));
        using SequencePasses again = new(Stages, [new ScoredSequence([5, 6], 1)]);
        Assert.True(again.Next());
        Stages.Embed(again.Batch);
        float[] input = Read(1)[0];
        Stages.Run(new Block(BlockKind.Bridge, 2), again.Batch);
        Assert.Equal(input, Read(1)[0]);
    }

    [Fact]
    public void Without_its_bridge_a_plan_is_refused_and_does_not_run()
    {
        LayerPlan plan = LayerPlan.BridgedExit(Stages.LayerCount, 3);
        Assert.Equal(("A0 M0 A1 M1 A2 M2 B2", 6), (plan.ToString(), plan.ExactDepth));
        Assert.Equal(new Block(BlockKind.Bridge, 2), plan.Bridge);
        Assert.Null(LayerPlan.EarlyExit(12, 3).Bridge);
        Assert.Throws<ArgumentOutOfRangeException>(() => LayerPlan.Of(12, [new(BlockKind.Bridge, 0), new(BlockKind.Mlp, 1)]));
        using TextModel model = PlainModel.Load(TestFolders.StoryModel, new ModelOptions { CacheFolder = TestFolders.WeightCache }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Contains("no bridge behind layer 2", Assert.Throws<ArgumentException>(() => model.Evaluate([1, 2], plan, TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
        Assert.Contains("no bridge behind layer 2", Assert.Throws<SpecDecodeException>(
            () => model.Generate(new GenerationRequest { Prompt = "Once", Drafting = DraftingOptions.Of(plan) }, null, TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
    }

    // A weak one, whose drafts are accepted now and then, and one that ruins every draft; greedy and with a seed, alone and several at a time.
    [Theory]
    [InlineData(256, 0.05f)]
    [InlineData(16, 0.05f)]
    [InlineData(256, 1f)]
    public void Drafts_by_a_bridge_change_no_text(int rank, float strength)
    {
        using TextModel model = PlainModel.Load(TestFolders.StoryModel, new ModelOptions { CacheFolder = TestFolders.WeightCache, DraftPrecision = Precision.Int4 }, cancellationToken: TestContext.Current.CancellationToken);
        DraftingProfile profile = new()
        {
            Model = model.Identity, Bridges = [Bridge(1, rank, strength)],
            Plans = [new ProfilePlan { Plan = LayerPlan.BridgedExit(12, 2) }, new ProfilePlan { Plan = LayerPlan.BridgedExit(12, 2), UsesDraftWeights = true }],
        };
        string[] prompts = ["Once upon a time", "The dog", "Lily wanted to"];
        foreach (SamplingOptions? sampling in (SamplingOptions?[])[null, new SamplingOptions { Temperature = 0.8f, Seed = 4 }])
        {
            GenerationRequest[] Requests(DraftingOptions drafting) => [.. prompts.Select(prompt => new GenerationRequest { Prompt = prompt, MaxTokens = 60, Sampling = sampling, Drafting = drafting })];
            int[][] plain = Run(Requests(DraftingOptions.None), out _);
            Assert.Equal(plain, Run(Requests(DraftingOptions.None.WithProfile(profile)), out long drafted));
            Assert.True(drafted > 0);
            Assert.Equal(plain, Run(Requests(new DraftingOptions { Strategy = DraftingStrategy.Auto }.WithProfile(profile)), out _));
        }

        int[][] Run(GenerationRequest[] requests, out long drafted)
        {
            IReadOnlyList<GenerationResult> results = model.Generate(requests, null, TestContext.Current.CancellationToken);
            drafted = results.Sum(result => result.Drafting.Drafted);
            return [.. results.Select(result => result.Tokens.ToArray())];
        }
    }

    private static LinearBridge Bridge(int layer, int rank, float strength)
    {
        Random random = new(rank);
        float[] Numbers(int count) => [.. Enumerable.Range(0, count).Select(_ => strength * (random.NextSingle() - 0.5f) / 4)];
        float[] scale = [.. Numbers(256).Select(number => 1 + number)];
        return rank == 256 ? new LinearBridge(layer, scale, Numbers(256 * 256)) : new LinearBridge(layer, scale, Numbers(256 * rank), Numbers(rank * 256));
    }

    private static double[] Apply(LinearBridge bridge, float[] x)
    {
        double[] inner = bridge.IsFull ? [.. x] : [.. Enumerable.Range(0, bridge.Rank).Select(i => Enumerable.Range(0, 256).Sum(j => (double)bridge.Down.Span[i * 256 + j] * x[j]))];
        return [.. Enumerable.Range(0, 256).Select(i => bridge.Scale.Span[i] * (double)x[i] + Enumerable.Range(0, inner.Length).Sum(j => bridge.Up.Span[i * inner.Length + j] * inner[j]))];
    }

    private float[][] Read(int rows) =>
    [
        .. Enumerable.Range(0, rows).Select(row =>
        {
            float[] residual = new float[Stages.ResidualWidth];
            Stages.ReadResidual(row, residual);
            return residual;
        }),
    ];
}
