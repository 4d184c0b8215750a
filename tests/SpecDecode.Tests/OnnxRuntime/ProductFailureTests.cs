using SpecDecode.Descriptions;
using SpecDecode.Drafting;
using SpecDecode.Families;
using SpecDecode.Generation;
using SpecDecode.OnnxRuntime;
using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.OnnxRuntime.Stages;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;
using SpecDecode.Weights;

namespace SpecDecode.Tests.OnnxRuntime;

/// <summary>A kernel of this library that fails within a session ends the request that it computes for, with a sentence, and nothing else.</summary>
public sealed class ProductFailureTests
{
    private const int Bad = 201;

    private static readonly GenerationRequest[] Good =
    [
        new() { Tokens = [5], MaxTokens = 30, IgnoreEndOfSequence = true },
        new() { Tokens = [9, 12, 40], MaxTokens = 24, IgnoreEndOfSequence = true },
        new() { Tokens = [.. Enumerable.Range(3, 20)], MaxTokens = 16, IgnoreEndOfSequence = true },
    ];

    [Theory]
    [InlineData(Precision.Bf16)]
    [InlineData(Precision.Int8)]
    public async Task It_ends_one_request_and_the_same_model_goes_on_for_others_and_afterwards(Precision precision)
    {
        using Service service = new(precision);
        GenerationRequest bad = new() { Tokens = [7, Bad, 8], MaxTokens = 10, IgnoreEndOfSequence = true };
        int[][] expected = [.. await Task.WhenAll(Good.Select(Complete))];
        int[] expectedOfBad = await Complete(bad);

        service.Stages.Token = Bad;
        for (int round = 0; round < 3; round++)
        {
            Task<int[]> failing = Complete(bad);
            Task<int[]>[] others = [.. Good.Select(Complete)];
            SpecDecodeException error = await Assert.ThrowsAnyAsync<SpecDecodeException>(() => failing);
            Assert.Contains("Two threads run the stages of one model at once", error.Message, StringComparison.Ordinal);
            Assert.Contains("ONNX Runtime cannot run a stage of the model", error.Message, StringComparison.Ordinal);
            Assert.Equal(expected, await Task.WhenAll(others));
        }

        Assert.True(service.Stages.Failures >= 3);
        service.Stages.Token = null;
        Assert.Equal(expectedOfBad, await Complete(bad));
        Assert.Equal(expected, await Task.WhenAll(Good.Select(Complete)));

        async Task<int[]> Complete(GenerationRequest request) =>
            [.. (await service.Generator.CompleteAsync(request, TestContext.Current.CancellationToken)).Tokens];
    }

    /// <summary>A model's stages with a loop over them.</summary>
    private sealed class Service : IDisposable
    {
        private readonly ModelFolder _folder;
        private readonly PreparedWeights _weights;
        private readonly EngineLoop _loop;

        public Service(Precision precision)
        {
            _folder = ModelFolder.Open(
                Path.Combine(TestFolders.Fixtures, "llama_base"), new ModelOptions { Precision = precision, Kernels = KernelChoice.Own, CacheFolder = TestFolders.WeightCache });
            DecoderDescription model = ModelFamilies.Describe(_folder.Checkpoint);
            _weights = _folder.OpenWeights(model, null, TestContext.Current.CancellationToken);
            RuntimeOptions runtime = new();
            RuntimeEnvironment environment = RuntimeEnvironment.Get(runtime, _ => { });
            CpuBufferAllocator buffers = new();
            StageSessions sessions = StageSessions.Create(model, _weights, environment, runtime, null, TestContext.Current.CancellationToken);
            sessions.ProbeRows(model, buffers);
            AttentionStages attention = sessions.CreateAttention(model, _weights, environment, runtime, buffers, maxSequenceLength: 128);

            // Each block has a product with a norm, which needs memory in between.
            Stages = new TakenScratchStages(
                new OnnxStages(model, sessions, null, attention, sessions.CreateBridges(model, _weights, environment, runtime, buffers, canRun: true), buffers, maxSequenceLength: 128, maxRows: 64),
                sessions.Products.Scratch);
            _loop = new EngineLoop(new Scheduler(Stages, SchedulerLimits.None with { MaxSequences = 8 }), 100, new Nobody(), "test");
            Generator = new TextGenerator(
                new ModelInfo { Name = "test", LayerCount = Stages.LayerCount, VocabularySize = Stages.VocabularySize, MaxSequenceLength = 128 }, null,
                new RequestIntake(Stages, null, [], long.MaxValue), _loop, new GenerationDefaults { Drafting = DraftingOptions.None });
        }

        public TakenScratchStages Stages { get; }

        public TextGenerator Generator { get; }

        public void Dispose()
        {
            _loop.Dispose();
            Stages.Dispose();
            _weights.Dispose();
            _folder.Dispose();
        }
    }

    private sealed class Nobody : IEngineObserver
    {
        public void OnStep(in StepRecord step)
        {
        }

        public void OnRound(in RoundRecord round)
        {
        }

        public void OnEnded(Sequence sequence)
        {
        }

        public void OnPassFailed(Exception error)
        {
        }
    }
}
