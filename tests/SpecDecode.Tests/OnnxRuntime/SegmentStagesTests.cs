using Microsoft.ML.OnnxRuntime;
using SpecDecode.Caching;
using SpecDecode.Descriptions;
using SpecDecode.Families;
using SpecDecode.OnnxRuntime;
using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.OnnxRuntime.Stages;
using SpecDecode.Plans;
using SpecDecode.Stages;
using SpecDecode.Weights;

namespace SpecDecode.Tests.OnnxRuntime;

/// <summary>Blocks in segments compute what they compute one by one, and segments follow what passes ask for.</summary>
public sealed class SegmentStagesTests
{
    private const int Often = 20;

    [Theory]
    [InlineData("llama_base", ComputePrecision.Fp32)]
    [InlineData("llama_base", ComputePrecision.Bf16)]
    [InlineData("gemma2", ComputePrecision.Fp16)]
    [InlineData("qwen3_bias_head_24", ComputePrecision.Fp32)]
    [InlineData("olmo2", ComputePrecision.Bf16)]
    [InlineData("smollm3_types", ComputePrecision.Fp32)]
    [InlineData("phi3_longrope_between", ComputePrecision.Fp16)]
    public void Logits_are_the_same_to_the_bit(string fixture, ComputePrecision compute)
    {
        using ModelFolder folder = ModelFolder.Open(
            Path.Combine(TestFolders.Fixtures, fixture), new ModelOptions { Kernels = KernelChoice.Own, CacheFolder = TestFolders.WeightCache });
        DecoderDescription model = ModelFamilies.Describe(folder.Checkpoint) with { ElementType = ElementTypes.Of(compute) };
        using PreparedWeights weights = folder.OpenWeights(model, null, TestContext.Current.CancellationToken);
        RuntimeOptions runtime = new() { MaxRowsPerPass = 32 };
        RuntimeEnvironment environment = RuntimeEnvironment.Get(runtime, _ => { });
        CpuBufferAllocator buffers = new();
        StageSessions sessions = StageSessions.Create(model, weights, environment, runtime, null, TestContext.Current.CancellationToken);
        sessions.ProbeRows(model, buffers);
        AttentionStages attention = sessions.CreateAttention(model, weights, environment, runtime, buffers, maxSequenceLength: 64);
        sessions.AddSegments(model, weights, environment, runtime, attention);
        using OnnxStages stages = new(model, sessions, null, attention, sessions.CreateBridges(model, weights, environment, runtime, buffers, canRun: true), buffers, maxSequenceLength: 64, maxRows: 32);

        int layers = stages.LayerCount;
        LayerPlan exit = LayerPlan.EarlyExit(layers, 1);
        LayerPlan skip = LayerPlan.LayerSkip(layers, [1], [0]);
        (LayerPlan Plan, int[] Cuts)[] passes = [(LayerPlan.Full(layers), []), (exit, []), (LayerPlan.Full(layers), [exit.ExactDepth]), (skip, [skip.ExactDepth]), (LayerPlan.Full(layers), [skip.ExactDepth])];
        float[][]? first = null;
        for (int turn = 0; turn < Often; turn++)
        {
            float[][] logits = [.. passes.Select(pass => Logits(stages, pass.Plan, pass.Cuts))];
            first ??= logits;
            for (int i = 0; i < passes.Length; i++)
            {
                Assert.True(
                    logits[i].Select(BitConverter.SingleToInt32Bits).SequenceEqual(first[i].Select(BitConverter.SingleToInt32Bits)), $"{passes[i].Plan}, turn {turn}");
            }
        }

        // All that ran is segments now, and no more of them than there are places to cut.
        Assert.InRange(sessions.Segments!.Count, 3, 2 * layers);
    }

    [Fact]
    public void A_run_that_is_known_beforehand_goes_in_a_segment_from_its_first_time_on()
    {
        RuntimeEnvironment.Get(new RuntimeOptions(), _ => { });
        using RunClock clock = new();
        using SessionOptions options = new();
        using SegmentStages segments = new(blocks => new StageSession(ProbeGraph.Build(), options, clock) { Blocks = blocks });
        Block[] full = [.. LayerPlan.Full(4).Blocks];
        segments.Know(full);
        Assert.Equal(full, Assert.Single(segments.Of(full)!).Blocks);

        // What comes to be known later is cut out of it.
        IReadOnlyList<StageSession>? exit = null;
        for (int i = 0; i < Often; i++)
        {
            exit = segments.Of(full.AsSpan(0, 4));
        }

        Assert.Equal(full[..4], Assert.Single(exit!).Blocks);
        Assert.Equal([string.Join(" ", full[..4]), string.Join(" ", full[4..])], segments.Of(full)!.Select(stage => string.Join(" ", stage.Blocks)));
    }

    [Fact]
    public void A_layers_session_is_made_once_where_it_is_first_asked_for()
    {
        RuntimeEnvironment.Get(new RuntimeOptions(), _ => { });
        using RunClock clock = new();
        using SessionOptions options = new();
        List<int> made = [];
        LayerStages stages = new(3, layer =>
        {
            made.Add(layer);
            return new StageSession(ProbeGraph.Build(), options, clock);
        });
        stages.Make(1);
        Assert.Equal([1], made);
        using StageSession first = stages[1];
        using StageSession other = stages[2];
        Assert.Same(other, stages[2]);
        Assert.Equal([1, 2], made);
    }

    [Fact]
    public void Parallel_layers_run_block_by_block()
    {
        using ModelFolder folder = ModelFolder.Open(
            Path.Combine(TestFolders.Fixtures, "gpt_neox"), new ModelOptions { Kernels = KernelChoice.Own, CacheFolder = TestFolders.WeightCache });
        DecoderDescription model = ModelFamilies.Describe(folder.Checkpoint);
        using PreparedWeights weights = folder.OpenWeights(model, null, TestContext.Current.CancellationToken);
        RuntimeOptions runtime = new();
        RuntimeEnvironment environment = RuntimeEnvironment.Get(runtime, _ => { });
        using StageSessions sessions = StageSessions.Create(model, weights, environment, runtime, null, TestContext.Current.CancellationToken);
        using AttentionStages attention = sessions.CreateAttention(model, weights, environment, runtime, new CpuBufferAllocator(), maxSequenceLength: 64);
        sessions.AddSegments(model, weights, environment, runtime, attention);
        Assert.Null(sessions.Segments);
    }

    [Fact]
    public void Whatever_passes_ask_for_is_run_whole_and_in_order_and_what_is_only_tried_makes_no_session()
    {
        RuntimeEnvironment.Get(new RuntimeOptions(), _ => { });
        using RunClock clock = new();
        using SessionOptions options = new();
        Random random = new(1);
        using (SegmentStages segments = new(blocks => new StageSession(ProbeGraph.Build(), options, clock) { Blocks = blocks }))
        {
            List<Block[]> runs = [];
            int times = 0;
            for (int i = 0; i < 6_000; i++)
            {
                if (runs.Count == 0 || random.Next(40) == 0)
                {
                    // A plan that stays for a while.
                    Block[] full = [.. LayerPlan.Full(8).Blocks];
                    int start = random.Next(full.Length);
                    runs.Add([.. full.Skip(start).Take(random.Next(1, full.Length - start + 1)).Where(_ => random.Next(8) > 0)]);
                }

                Block[] run = runs[Math.Max(0, runs.Count - 1 - random.Next(6))];
                if (run.Length > 0 && segments.Of(run) is { } stages)
                {
                    times++;
                    Assert.Equal(run, stages.SelectMany(stage => stage.Blocks));
                }

                Assert.InRange(segments.Count, 0, 16);
            }

            Assert.InRange(times, 300, 6_000);
        }

        int made = 0;
        using SegmentStages searched = new(blocks =>
        {
            made++;
            return new StageSession(ProbeGraph.Build(), options, clock) { Blocks = blocks };
        });
        for (int i = 0; i < 4_000; i++)
        {
            // A search tries each of many plans a few times; one plan stays.
            searched.Of(LayerPlan.Full(8).Blocks.AsSpan());
            searched.Of(LayerPlan.LayerSkip(8, [random.Next(8), random.Next(8), random.Next(8)], [random.Next(8), random.Next(8), random.Next(8)]).Blocks.AsSpan());
        }

        Assert.Equal((1, 1), (made, searched.Count));
    }

    [Fact]
    public void A_segment_that_cannot_be_made_leaves_all_runs_block_by_block_until_they_are_cut_anew()
    {
        RuntimeEnvironment.Get(new RuntimeOptions(), _ => { });
        using RunClock clock = new();
        using SessionOptions options = new();
        bool hasRoom = true;
        using SegmentStages segments = new(blocks => hasRoom ? new StageSession(ProbeGraph.Build(), options, clock) { Blocks = blocks } : throw new SpecDecodeException("No room."));
        Block[] full = [.. LayerPlan.Full(4).Blocks];
        Block[] begin = [.. full.Take(4)];
        Block[] end = [.. full.Skip(4)];
        Assert.Single(AskOften(full)!);
        hasRoom = false;
        Assert.Throws<SpecDecodeException>(() => AskOften(begin));

        // The session of all blocks is gone, and nobody gets it.
        Assert.Null(segments.Of(full));
        Assert.Null(segments.Of(begin));
        Assert.Equal(0, segments.Count);
        hasRoom = true;
        Assert.Single(AskOften(end)!);
        Assert.Equal(full, segments.Of(full)!.SelectMany(stage => stage.Blocks));
        Assert.Single(segments.Of(begin)!);
        Assert.Equal(2, segments.Count);

        IReadOnlyList<StageSession>? AskOften(Block[] blocks)
        {
            for (int i = 1; i < Often; i++)
            {
                segments.Of(blocks);
            }

            return segments.Of(blocks);
        }
    }

    private static float[] Logits(OnnxStages stages, LayerPlan plan, int[] cuts)
    {
        using KvCache cache = new(stages.Pages, 32);
        cache.Hold(7);
        RowBatch batch = new(7);
        batch.Add(cache, 0, 5, 3, 8, 1, 2, 40, 9);
        stages.Embed(batch);
        int first = 0;
        foreach (int cut in cuts.Append(plan.Blocks.Length))
        {
            Pass.Run(stages, plan.Blocks.AsSpan()[first..cut], batch);
            first = cut;
        }

        return [.. stages.Head([0, 3, 6])];
    }
}
