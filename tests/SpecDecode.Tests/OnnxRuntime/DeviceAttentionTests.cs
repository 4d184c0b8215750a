using System.Text.Json;
using SpecDecode.Caching;
using SpecDecode.Descriptions;
using SpecDecode.Drafting;
using SpecDecode.Evaluation;
using SpecDecode.OnnxRuntime.Stages;
using SpecDecode.Plans;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;
using SpecDecode.Stages;
using SpecDecode.Tests.Reference;

namespace SpecDecode.Tests.OnnxRuntime;

/// <summary>
/// Attention as a device gets it, ONNX Runtime's own operator, on the CPU provider: its keys, values, queries and outputs lie in memory that the process must not touch.
/// </summary>
public sealed class DeviceAttentionTests
{
    public static TheoryData<string> Folders => DeviceGraphTests.Folders;

    [Theory]
    [MemberData(nameof(Folders))]
    public void All_families_stay_near_the_reference_in_float16_and_drafts_change_nothing(string fixture)
    {
        FakeDeviceMemory memory = new();
        using (DeviceModel model = new(fixture, ElementType.Float16, memory, attends: true))
        {
            DeviceGraphTests.Check(model.Stages, model.Path, 0.015, fixture);
            TestContext.Current.TestOutputHelper?.WriteLine($"attention is alike: {model.AttentionIsAlike}, all: {model.Stages.RowsAreAlike}");
        }

        Assert.Equal((0, true), (memory.LiveBytes, memory.IsDisposed));
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void All_families_stay_at_the_reference_and_at_attention_on_the_CPU_in_float32(string fixture)
    {
        using DeviceModel device = new(fixture, ElementType.Float32, new FakeDeviceMemory(), attends: true);
        using DeviceModel own = new(fixture, ElementType.Float32, new FakeDeviceMemory());
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(device.Path, "expected.json")));
        int[] tokens = Expectation.Integers(json.RootElement.GetProperty("tokens"));
        double[] wanted = Expectation.Numbers(json.RootElement.GetProperty("logits_last"));
        double spread = Spread(wanted);
        foreach (LayerPlan plan in (IEnumerable<LayerPlan>)[LayerPlan.Full(device.Stages.LayerCount), .. ComputePrecisionFixtureTests.Plans(json.RootElement, device.Stages.LayerCount)])
        {
            IReadOnlyList<float> there = PlanEvaluation.Run(device.Stages, plan, tokens, TestContext.Current.CancellationToken).LastLogits;
            IReadOnlyList<float> here = PlanEvaluation.Run(own.Stages, plan, tokens, TestContext.Current.CancellationToken).LastLogits;
            double moved = there.Zip(here, (a, b) => Math.Abs((double)a - b)).Max() / spread;
            Assert.True(moved <= 1e-4, $"{fixture}, {plan}: {moved:e1} of the spread from attention on the CPU");
            if (plan == LayerPlan.Full(device.Stages.LayerCount))
            {
                moved = there.Zip(wanted, (a, b) => Math.Abs(a - b)).Max() / spread;
                Assert.True(moved <= 1e-4, $"{fixture}: {moved:e1} of the spread from the reference");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void Texts_are_those_of_attention_on_the_CPU_but_for_near_ties(string fixture)
    {
        using DeviceModel device = new(fixture, ElementType.Float32, new FakeDeviceMemory(), attends: true);
        using DeviceModel own = new(fixture, ElementType.Float32, new FakeDeviceMemory());
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(device.Path, "expected.json")));
        int[] prompt = Expectation.Integers(json.RootElement.GetProperty("tokens"))[..json.RootElement.GetProperty("greedy_prompt_length").GetInt32()];
        LayerPlan[] plans = [.. ComputePrecisionFixtureTests.Plans(json.RootElement, device.Stages.LayerCount).TakeLast(3)];
        int[] plain = Texts(own.Stages, prompt, [null])[0];
        foreach (int[] text in Texts(device.Stages, prompt, [null, .. plans]))
        {
            int same = text.Zip(plain).TakeWhile(pair => pair.First == pair.Second).Count();
            if (same < plain.Length)
            {
                IReadOnlyList<float> logits = PlanEvaluation.Run(
                    own.Stages, LayerPlan.Full(own.Stages.LayerCount), [.. prompt, .. plain[..same]], TestContext.Current.CancellationToken).LastLogits;
                float gap = Math.Abs(logits[plain[same]] - logits[text[same]]);
                TestContext.Current.TestOutputHelper?.WriteLine($"{fixture}: parted at token {same}, {gap} apart");
                Assert.True(gap <= 1e-3, $"{fixture}: token {same} is {text[same]} and not {plain[same]}, {gap} below it");
            }
        }
    }

    [Fact]
    public void Sequences_of_both_kinds_of_LongRoPE_run_side_by_side()
    {
        using DeviceModel device = new("phi3_longrope_between", ElementType.Float32, new FakeDeviceMemory(), attends: true);
        using DeviceModel own = new("phi3_longrope_between", ElementType.Float32, new FakeDeviceMemory());
        RotaryDescription rotary = device.Description.Layers[0].Attention.Attend.Rotary!;
        Assert.True(rotary.Long is not null && rotary.OriginalContext is > 12 and < DeviceModel.MaxSequenceLength);
        float[] there = Run(device.Stages);
        float[] here = Run(own.Stages);
        double spread = Spread([.. here.Select(logit => (double)logit)]);

        Assert.True(there.Zip(here, (a, b) => Math.Abs(a - b)).Max() <= 1e-4 * spread);
        Assert.NotEqual(here[..(here.Length / 2)], here[(here.Length / 2)..]);

        float[] Run(OnnxStages stages)
        {
            using KvCache small = new(stages.Pages, rotary.OriginalContext);
            using KvCache large = new(stages.Pages, DeviceModel.MaxSequenceLength);
            Assert.NotEqual(stages.KvKind(small.Capacity), stages.KvKind(large.Capacity));
            Step(stages, (small, 0, [5, 6, 7, 8, 9]), (large, 0, [5, 6, 7, 8, 9]));
            return Step(stages, (small, 5, [10]), (large, 5, [10]));
        }
    }

    [Theory]
    [InlineData(ComputePrecision.Fp32)]
    [InlineData(ComputePrecision.Fp16)]
    public void What_was_rolled_back_or_shared_leaves_no_trace(ComputePrecision precision)
    {
        using DeviceModel model = new("llama_base", ElementTypes.Of(precision), new FakeDeviceMemory(), attends: true);
        OnnxStages stages = model.Stages;
        float[] wanted;
        using (KvCache alone = new(stages.Pages, 32))
        {
            Step(stages, (alone, 0, [3, 4, 5, 6, 7]));
            wanted = Step(stages, (alone, 5, [8, 9]));
        }

        // A draft of other tokens is thrown away, and a second sequence begins with what the first has, and goes on otherwise.
        using KvCache first = new(stages.Pages, 32);
        using KvCache second = new(stages.Pages, 48);
        Step(stages, (first, 0, [3, 4, 5, 6, 7]));
        Commit(first, 5);
        Step(stages, (first, 5, [60, 61, 62, 63]));
        second.Take(first.Pages, first.CommittedLength);
        Assert.Equal(first.Pages[0], second.Pages[0]);
        Assert.Equal(2, stages.Pages.Users(first.Pages[0]));
        using (CacheTransaction transaction = new([]))
        {
            transaction.Enlist(second, 2);
            Assert.NotEqual(first.Pages[0], second.Pages[0]);
            Step(stages, (second, 5, [50, 51]));
        }

        Assert.Equal(wanted, Step(stages, (first, 5, [8, 9])));
        Assert.Equal(wanted, Step(stages, (second, 5, [8, 9])));
    }

    [Fact]
    public void Memory_that_comes_back_elsewhere_is_bound_anew()
    {
        FakeDeviceMemory memory = new();
        using DeviceModel model = new("llama_base", ElementType.Float32, memory, attends: true);
        OnnxStages stages = model.Stages;
        float[][] texts = [.. Enumerable.Range(0, 2).Select(_ =>
        {
            KvCache[] caches = [.. Enumerable.Range(0, 4).Select(_ => new KvCache(stages.Pages, 32))];
            float[] logits = Step(stages, [.. caches.Select((cache, i) => (cache, 0, new[] { 10 + i, 20, 30 }))]);
            Array.ForEach(caches, cache => cache.Dispose());
            return logits;
        })];

        Assert.Equal(texts[0], texts[1]);
        Assert.Equal(1, stages.Pages.Slabs);
    }

    [Fact]
    public void A_page_is_a_whole_sequence_in_the_memory_of_the_device()
    {
        FakeDeviceMemory memory = new();
        using DeviceModel model = new("llama_base", ElementType.Float16, memory, attends: true);
        KvPool pages = model.Stages.Pages;
        AttendDescription attend = model.Description.Layers[0].Attention.Attend;
        long before = memory.LiveBytes;
        using KvCache first = new(pages, 20);
        using KvCache second = new(pages, 20);
        first.Hold(20);
        second.Hold(20);

        Assert.Equal(DeviceModel.MaxSequenceLength, pages.PagePositions);
        Assert.Equal(2L * model.Description.Layers.Length * attend.KeyValueHeads * DeviceModel.MaxSequenceLength * attend.HeadSize * sizeof(ushort), pages.PageBytes);
        // One of them was there already, since the attention was probed.
        Assert.Equal(pages.PageBytes, memory.LiveBytes - before);
    }

    [Theory]
    [InlineData("llama_base")]
    [InlineData("gpt_neox_in_turn")]
    public void Runs_of_few_rows_are_captured_under_numbers_of_what_they_are_bound_to_and_change_nothing(string fixture)
    {
        using DeviceModel plain = new(fixture, ElementType.Float16, new FakeDeviceMemory(), attends: true);
        using DeviceModel captured = new(fixture, ElementType.Float16, new FakeDeviceMemory(), attends: true, captures: true);
        int[] prompt = [.. Enumerable.Range(1, 40)];
        LayerPlan[] plans = [LayerPlan.EarlyExit(plain.Stages.LayerCount, 1), LayerPlan.Full(plain.Stages.LayerCount)];

        Assert.Equal(Texts(plain.Stages, prompt, [null, .. plans]), Texts(captured.Stages, prompt, [null, .. plans]));
        Assert.Empty(plain.Sessions.Captured);

        // −1 for what is not: the prompts, and the rows with which the stages were probed. Several numbers for the two residual buffers and the layer's input.
        Assert.Contains(-1, captured.Sessions.Captured);
        int[] numbers = [.. captured.Sessions.Captured.Where(number => number > 0).Order()];
        Assert.True(numbers.Length > 2);
        Assert.All(numbers, number => Assert.InRange(number / 4, 1, 32));
    }

    [Fact]
    public void Texts_wait_for_memory_of_the_device_and_come_out_as_alone()
    {
        using DeviceModel model = new("llama_base", ElementType.Float16, new FakeDeviceMemory(), attends: true);
        OnnxStages stages = model.Stages;
        int[][] prompts = [[3, 4, 5], [3, 4, 5, 6], [60, 2], [9], [20, 21, 22, 23, 24]];
        Scheduler scheduler = new(stages, new SchedulerLimits(8, 2 * stages.Pages.PageBytes, 16));
        Sequence[] sequences = [.. prompts.Select(prompt => new Sequence(prompt, 24, new HashSet<int>(), cache: null))];
        Array.ForEach(sequences, scheduler.Add);
        int most = 0;
        while (sequences.Any(sequence => sequence.FinishReason is null))
        {
            scheduler.Step();
            most = Math.Max(most, stages.Pages.Used);
        }

        Assert.Equal(2, most);
        Assert.All(sequences.Zip(prompts), pair => Assert.Equal(Texts(stages, pair.Second, [null])[0], pair.First.NewTokens.ToArray()));
    }

    private static void Commit(KvCache cache, int length)
    {
        using CacheTransaction transaction = new([]);
        int place = transaction.Enlist(cache, length);
        transaction.Keep(place, length);
        transaction.Commit();
    }

    // Logits of the last row of each.
    private static float[] Step(OnnxStages stages, params (KvCache Cache, int Position, int[] Tokens)[] parts)
    {
        RowBatch batch = new(stages.MaxRows);
        List<int> last = [];
        foreach ((KvCache cache, int position, int[] tokens) in parts)
        {
            cache.Hold(position + tokens.Length);
            last.Add(batch.Add(cache, position, tokens) + tokens.Length - 1);
        }

        stages.Embed(batch);
        stages.Run(LayerPlan.Full(stages.LayerCount).Blocks.AsSpan(), batch);
        return stages.Head([.. last]).ToArray();
    }

    private static int[][] Texts(OnnxStages stages, int[] prompt, IReadOnlyList<LayerPlan?> plans) => WrittenTexts.Of(
        stages,
        [.. plans.Select((plan, i) => new Sequence(
            prompt, 24, new HashSet<int>(), new KvCache(stages.Pages, prompt.Length + 24), plan is null ? null : new DraftPlan { Plan = plan, Length = 1 + i }))]);

    private static double Spread(double[] logits) => Math.Sqrt(logits.Average(logit => Math.Pow(logit - logits.Average(), 2)));
}
