using SpecDecode.Caching;
using SpecDecode.Constraints;
using SpecDecode.Descriptions;
using SpecDecode.Drafting;
using SpecDecode.Plans;
using SpecDecode.Sampling;
using SpecDecode.Sequences;
using SpecDecode.Stages;

namespace SpecDecode.Tests.OnnxRuntime;

/// <summary>Greedy texts of stages whose logits stay on a device: the same as where rows are looked at, and no row is copied for them; whoever needs rows gets them.</summary>
public sealed class DeviceChoiceTests
{
    private static readonly int[] Prompt = [3, 14, 15, 9, 26];

    [Theory]
    [InlineData(ComputePrecision.Fp32)]
    [InlineData(ComputePrecision.Fp16)]
    public void Greedy_texts_are_the_same_and_no_row_is_copied_for_them(ComputePrecision precision)
    {
        using DeviceModel model = new("llama_base", ElementTypes.Of(precision), new FakeDeviceMemory(), attends: true);
        Watched chooses = new(model.Stages, keepsLogits: true);
        Watched copies = new(model.Stages, keepsLogits: false);
        LayerPlan exit = LayerPlan.EarlyExit(model.Stages.LayerCount, 1);
        int[][] there = Texts(chooses, SamplingOptions.Greedy, [null, exit, exit]);
        int[][] here = Texts(copies, SamplingOptions.Greedy, [null, exit, exit]);

        Assert.Equal(here, there);
        Assert.True(chooses.Choices > 0);
        Assert.Equal((0, 0), (chooses.Heads, chooses.Rows));
        Assert.Equal(0, copies.Choices);
    }

    [Fact]
    public void Rules_that_need_rows_get_them_and_those_beside_them_do_not_change()
    {
        using DeviceModel model = new("llama_base", ElementType.Float32, new FakeDeviceMemory(), attends: true);
        Watched chooses = new(model.Stages, keepsLogits: true);
        Watched copies = new(model.Stages, keepsLogits: false);
        SamplingOptions sampled = new() { Temperature = 0.8f, Seed = 7 };

        Assert.Equal(Texts(copies, sampled, [null]), Texts(chooses, sampled, [null]));
        Assert.Equal((0, 0), (chooses.Choices, chooses.Rows));
        Assert.True(chooses.Heads > 0);

        Assert.Equal(Mixed(copies), Mixed(chooses));
        Assert.True(chooses.Rows > 0 && chooses.Choices > 0 && chooses.Heads < copies.Heads);

        int[][] Mixed(Watched stages)
        {
            Sequence[] sequences =
            [
                Sequence(stages, SamplingOptions.Greedy, null),
                Sequence(stages, SamplingOptions.Greedy, LayerPlan.EarlyExit(model.Stages.LayerCount, 1)),
                Sequence(stages, SamplingOptions.Greedy, LayerPlan.EarlyExit(model.Stages.LayerCount, 1), isBiased: true),
                Sequence(stages, sampled, LayerPlan.EarlyExit(model.Stages.LayerCount, 1)),
            ];
            return WrittenTexts.Of(stages, sequences);
        }
    }

    private static int[][] Texts(Watched stages, SamplingOptions sampling, IReadOnlyList<LayerPlan?> plans) =>
        WrittenTexts.Of(stages, [.. plans.Select(plan => Sequence(stages, sampling, plan))]);

    private static Sequence Sequence(Watched stages, SamplingOptions sampling, LayerPlan? plan, bool isBiased = false) => new(
        Prompt, 20, new HashSet<int>(), new KvCache(stages.Pages, Prompt.Length + 20), plan is null ? null : new DraftPlan { Plan = plan, Length = 3 }, new Sampler(sampling))
    {
        Constraints = isBiased
            ? new SequenceConstraints(
                [new LogitBias(new Dictionary<int, float> { [40] = 3f })], new TokenConstraintContext(Prompt, stages.VocabularySize, new HashSet<int>(), null))
            : null,
    };

    /// <summary>Stages that count who asks for what.</summary>
    private sealed class Watched(IStages inner, bool keepsLogits) : IStages
    {
        public int Heads { get; private set; }

        public int Choices { get; private set; }

        public int Rows { get; private set; }

        public bool KeepsLogits => keepsLogits;

        public int LayerCount => inner.LayerCount;

        public int VocabularySize => inner.VocabularySize;

        public int MaxSequenceLength => inner.MaxSequenceLength;

        public int ResidualWidth => inner.ResidualWidth;

        public int MaxRows => inner.MaxRows;

        public int MaxScoredRows => inner.MaxScoredRows;

        public long RuntimeTicks => inner.RuntimeTicks;

        public KvPool Pages => inner.Pages;

        public Precision? DraftPrecision => inner.DraftPrecision;

        public void Embed(RowBatch batch, WeightSet weights = WeightSet.Verifier) => inner.Embed(batch, weights);

        public void Run(Block block, RowBatch batch) => inner.Run(block, batch);

        public void Keep(int row, int slot) => inner.Keep(row, slot);

        public void ReadResidual(int row, Span<float> destination) => inner.ReadResidual(row, destination);

        public void Arrange(IReadOnlyList<RowSource> sources, RowBatch batch) => inner.Arrange(sources, batch);

        public Span<float> Head(ReadOnlySpan<int> rows)
        {
            Heads++;
            return inner.Head(rows);
        }

        public ReadOnlySpan<RowChoice> Choose(ReadOnlySpan<int> rows)
        {
            Choices++;
            return inner.Choose(rows);
        }

        public Span<float> ChosenLogits(int index)
        {
            Rows++;
            return inner.ChosenLogits(index);
        }

        public void Dispose()
        {
        }
    }
}
