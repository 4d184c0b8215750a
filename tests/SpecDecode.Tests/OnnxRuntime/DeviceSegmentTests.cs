using SpecDecode.Caching;
using SpecDecode.Descriptions;
using SpecDecode.Drafting;
using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.OnnxRuntime.Stages;
using SpecDecode.Plans;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;
using SpecDecode.Stages;

namespace SpecDecode.Tests.OnnxRuntime;

/// <summary>
/// Segments where attention runs on a device, as far as the CPU provider shows it: passes of one sequence compute in them what they compute block by block, in memory that the process must not touch, and
/// passes of several go block by block.
/// </summary>
public sealed class DeviceSegmentTests
{
    // Every run of blocks is known then.
    private const int Often = 20;

    private static readonly int[] Tokens = [5, 3, 8, 1, 2, 40, 9, 11, 30, 7, 6];

    [Theory]
    [InlineData("llama_base", ComputePrecision.Fp32, Precision.Stored)]
    [InlineData("llama_base", ComputePrecision.Fp32, Precision.Int8)]
    [InlineData("qwen3", ComputePrecision.Fp32, Precision.Int4)]
    [InlineData("gemma2", ComputePrecision.Fp32, Precision.Stored)]
    [InlineData("olmo2", ComputePrecision.Fp32, Precision.Stored)]
    [InlineData("smollm3_types", ComputePrecision.Fp32, Precision.Stored)]
    [InlineData("phi3_longrope_between", ComputePrecision.Fp32, Precision.Stored)]
    [InlineData("llama_base", ComputePrecision.Fp16, Precision.Stored)]
    [InlineData("llama_base", ComputePrecision.Fp16, Precision.Int8)]
    public void Logits_are_the_same_to_the_bit(string fixture, ComputePrecision compute, Precision precision)
    {
        FakeDeviceMemory memory = new();
        using (DeviceModel model = new(fixture, ElementTypes.Of(compute), memory, precision, attends: true, segments: true))
        {
            using DeviceModel plain = new(fixture, ElementTypes.Of(compute), new FakeDeviceMemory(), precision, attends: true);
            int layers = model.Stages.LayerCount;
            LayerPlan full = LayerPlan.Full(layers);
            LayerPlan exit = LayerPlan.EarlyExit(layers, 1);
            LayerPlan skip = LayerPlan.LayerSkip(layers, [1], [0]);
            (LayerPlan Plan, int[] Cuts)[] passes = [(full, []), (exit, []), (full, [exit.ExactDepth]), (skip, [skip.ExactDepth]), (full, [skip.ExactDepth])];
            float[][] wanted = [.. passes.Select(pass => Pieces(plain.Stages, pass.Plan, pass.Cuts))];
            long served = 0;
            for (int turn = 0; turn < Often; turn++)
            {
                served = model.Sessions.Segments!.Served;
                for (int i = 0; i < passes.Length; i++)
                {
                    AssertSame(wanted[i], Pieces(model.Stages, passes[i].Plan, passes[i].Cuts), $"{passes[i].Plan}, turn {turn}");
                }
            }

            // All that ran at last was segments: three pieces of each pass, in as many runs as it is cut in.
            Assert.Equal(3 * passes.Sum(pass => pass.Cuts.Length + 1), model.Sessions.Segments!.Served - served);
            Assert.InRange(model.Sessions.Segments.Count, 3, 2 * layers);
            TestContext.Current.TestOutputHelper?.WriteLine($"a single row is run as {model.Sessions.BlockRows.RowsToRun(1)}");
        }

        Assert.Equal((0, true), (memory.LiveBytes, memory.IsDisposed));
    }

    [Theory]
    [InlineData(ComputePrecision.Fp32, Precision.Stored)]
    [InlineData(ComputePrecision.Fp32, Precision.Int8)]
    [InlineData(ComputePrecision.Fp16, Precision.Stored)]
    public void Texts_plain_and_drafted_are_the_same_token_for_token(ComputePrecision compute, Precision precision)
    {
        using DeviceModel model = new("llama_base", ElementTypes.Of(compute), new FakeDeviceMemory(), precision, attends: true, segments: true);
        using DeviceModel plain = new("llama_base", ElementTypes.Of(compute), new FakeDeviceMemory(), precision, attends: true);
        int layers = model.Stages.LayerCount;
        foreach (LayerPlan? plan in (LayerPlan?[])[null, LayerPlan.EarlyExit(layers, 1), LayerPlan.LayerSkip(layers, [1], [0])])
        {
            long before = model.Sessions.Segments!.Served;
            Assert.Equal(Text(plain.Stages, plan), Text(model.Stages, plan));
            Assert.True(model.Sessions.Segments.Served - before > 20, $"{plan}: {model.Sessions.Segments.Served - before} runs in segments");
        }
    }

    [Fact]
    public void Passes_of_several_sequences_run_block_by_block_and_the_same()
    {
        using DeviceModel model = new("llama_base", ElementType.Float32, new FakeDeviceMemory(), attends: true, segments: true);
        LayerPlan full = LayerPlan.Full(model.Stages.LayerCount);
        float[] before = Two();
        for (int turn = 0; turn < Often; turn++)
        {
            AssertSame(before, Two(), "before there are segments");
        }

        Assert.Equal((0, 0), (model.Sessions.Segments!.Count, model.Sessions.Segments.Served));
        Repeat(Often, () => Pieces(model.Stages, full, []));
        long served = model.Sessions.Segments.Served;
        Assert.True(served > 0);
        AssertSame(before, Two(), "with segments");
        Assert.Equal(served, model.Sessions.Segments.Served);

        float[] Two()
        {
            using KvCache first = new(model.Stages.Pages, 32);
            using KvCache second = new(model.Stages.Pages, 32);
            return Run(model.Stages, full, [], (first, 0, Tokens), (second, 0, Tokens[2..]));
        }
    }

    [Fact]
    public void Sequences_go_from_blocks_to_segments_each_with_its_own_memory_and_rotary_embedding_and_memory_that_moved_is_bound_anew()
    {
        FakeDeviceMemory memory = new();
        using DeviceModel model = new("phi3_longrope_between", ElementType.Float32, memory, attends: true, segments: true);
        using DeviceModel plain = new("phi3_longrope_between", ElementType.Float32, new FakeDeviceMemory(), attends: true);
        int original = model.Description.Layers[0].Attention.Attend.Rotary!.OriginalContext;
        LayerPlan full = LayerPlan.Full(model.Stages.LayerCount);
        float[] wanted = Turns(plain.Stages);
        Repeat(Often, () => Turns(model.Stages));

        // Memory goes when its last sequence does; here others then take it, so that the next sequence has it elsewhere.
        Assert.Equal(1, model.Stages.Pages.Slabs);
        int buffers = 2 * model.Stages.LayerCount;
        StageBuffer[] taken = [.. Enumerable.Range(0, buffers).Select(_ => memory.Reserve(model.Stages.Pages.PageBytes / buffers, "what was a sequence's"))];
        long served = model.Sessions.Segments!.Served;
        AssertSame(wanted, Turns(model.Stages), "in segments");
        Assert.Equal(6, model.Sessions.Segments.Served - served);
        Array.ForEach(taken, buffer => buffer.Dispose());

        float[] Turns(OnnxStages stages)
        {
            using KvCache small = new(stages.Pages, original);
            using KvCache large = new(stages.Pages, DeviceModel.MaxSequenceLength);
            Assert.NotEqual(stages.KvKind(small.Capacity), stages.KvKind(large.Capacity));
            List<float> logits = [.. Run(stages, full, [], (small, 0, Tokens[..4]), (large, 0, Tokens[..4]))];
            foreach ((int first, int count) in ((int, int)[])[(4, 1), (5, 1), (6, 3)])
            {
                logits.AddRange(Run(stages, full, [], (small, first, Tokens[first..(first + count)])));
                logits.AddRange(Run(stages, full, [], (large, first, Tokens[first..(first + count)])));
            }

            return [.. logits];
        }
    }

    // In float16 a single row is run beside a copy of itself, for whose keys and values there is no room behind the last position.
    [Theory]
    [InlineData(ComputePrecision.Fp32)]
    [InlineData(ComputePrecision.Fp16)]
    public void A_sequence_can_be_as_long_as_its_memory(ComputePrecision compute)
    {
        using DeviceModel model = new("llama_base", ElementTypes.Of(compute), new FakeDeviceMemory(), attends: true, segments: true);
        using DeviceModel plain = new("llama_base", ElementTypes.Of(compute), new FakeDeviceMemory(), attends: true);
        AssertSame(ToTheEnd(plain.Stages), ToTheEnd(model.Stages), "to the last position");
        Assert.True(model.Sessions.Segments!.Served > DeviceModel.MaxSequenceLength / 2);

        static float[] ToTheEnd(OnnxStages stages)
        {
            using KvCache cache = new(stages.Pages, DeviceModel.MaxSequenceLength);
            LayerPlan full = LayerPlan.Full(stages.LayerCount);
            float[] logits = [];
            for (int position = 0; position < DeviceModel.MaxSequenceLength; position++)
            {
                logits = Run(stages, full, [], (cache, position, [Tokens[position % Tokens.Length]]));
            }

            return logits;
        }
    }

    [Fact]
    public void Segments_are_not_captured()
    {
        using DeviceModel model = new("llama_base", ElementType.Float16, new FakeDeviceMemory(), attends: true, captures: true, segments: true);
        LayerPlan full = LayerPlan.Full(model.Stages.LayerCount);
        Repeat(Often, () => Pieces(model.Stages, full, []));
        int[] captured = [.. model.Sessions.Captured];
        using KvCache cache = new(model.Stages.Pages, 32);
        Run(model.Stages, full, [], (cache, 0, Tokens[..6]));

        // Six rows were never there before: block by block they would be captured under numbers of their own.
        Assert.Equal(captured, model.Sessions.Captured);
        Assert.Contains(captured, number => number > 0);
    }

    private static void Repeat(int times, Action action)
    {
        for (int i = 0; i < times; i++)
        {
            action();
        }
    }

    private static void AssertSame(float[] wanted, float[] got, string what) =>
        Assert.True(wanted.Select(BitConverter.SingleToInt32Bits).SequenceEqual(got.Select(BitConverter.SingleToInt32Bits)), what);

    // Logits of all rows, where a prompt comes in pieces of seven, three and one.
    private static float[] Pieces(OnnxStages stages, LayerPlan plan, int[] cuts)
    {
        using KvCache cache = new(stages.Pages, 32);
        return [.. Run(stages, plan, cuts, (cache, 0, Tokens[..7])), .. Run(stages, plan, cuts, (cache, 7, Tokens[7..10])), .. Run(stages, plan, cuts, (cache, 10, Tokens[10..]))];
    }

    private static float[] Run(OnnxStages stages, LayerPlan plan, int[] cuts, params (KvCache Cache, int Position, int[] Tokens)[] parts)
    {
        RowBatch batch = new(stages.MaxRows);
        foreach ((KvCache cache, int position, int[] tokens) in parts)
        {
            cache.Hold(position + tokens.Length);
            batch.Add(cache, position, tokens);
        }

        stages.Embed(batch);
        int first = 0;
        foreach (int cut in cuts.Append(plan.Blocks.Length))
        {
            Pass.Run(stages, plan.Blocks.AsSpan()[first..cut], batch);
            first = cut;
        }

        return [.. stages.Head([.. Enumerable.Range(0, batch.Rows)])];
    }

    private static int[] Text(OnnxStages stages, LayerPlan? plan)
    {
        using Sequence sequence = new(
            Tokens, 40, new HashSet<int>(), new KvCache(stages.Pages, Tokens.Length + 40), plan is null ? null : new DraftPlan { Plan = plan, Length = 3 });
        EngineStep step = new(stages);
        while (sequence.FinishReason is null)
        {
            step.Run([sequence]);
        }

        return [.. sequence.NewTokens];
    }
}
