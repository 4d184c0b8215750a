using Microsoft.ML.OnnxRuntime;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;
using SpecDecode.Families;
using SpecDecode.Kernels;
using SpecDecode.OnnxRuntime;
using SpecDecode.OnnxRuntime.Graphs;
using SpecDecode.OnnxRuntime.Operators;
using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.OnnxRuntime.Stages;
using SpecDecode.Weights;

namespace SpecDecode.Tests.OnnxRuntime;

/// <summary>What the probe says of attention must be true of other numbers of heads, behind other positions and in longer calls.</summary>
public sealed class AttentionProbeTests : IDisposable
{
    private const int KeyValueHeads = 2;
    private const int LongestPast = 330;
    private const int MostRows = 300;

    private readonly TemporaryFolder _cache = new();
    private readonly CpuBufferAllocator _allocator = new();
    private readonly RunClock _run = new();

    public void Dispose()
    {
        _run.Dispose();
        _cache.Dispose();
    }

    [Theory]
    [InlineData(16, null)]
    [InlineData(16, 20)]
    [InlineData(32, null)]
    [InlineData(48, null)]
    [InlineData(64, null)]
    [InlineData(80, 100)]
    [InlineData(96, null)]
    [InlineData(112, null)]
    [InlineData(128, null)]
    [InlineData(256, null)]
    public void Where_the_probe_says_so_rows_are_alike_in_calls_of_every_length(int headSize, int? window)
    {
        AttendDescription attend = new(2 * KeyValueHeads, KeyValueHeads, headSize, 1 / MathF.Sqrt(headSize), Rotary: null, window);
        using Checkpoint checkpoint = Checkpoint.Open(Path.Combine(TestFolders.Fixtures, "llama_base"));
        DecoderDescription model = ModelFamilies.Describe(checkpoint);
        using PreparedWeights weights = new WeightCache(_cache.Path).Open(
            checkpoint, model, WeightSettings.Float32, null, TestContext.Current.CancellationToken);
        RuntimeOptions options = new();
        using SessionOptions sessionOptions = StageSessions.SessionOptionsFor(RuntimeEnvironment.Get(options, _ => { }), options, weights);
        using ProductSet products = new(weights, InstructionSets.Current);
        StageGraphs graphs = new(model, weights, products);
        AttendDescription narrow = AttentionProbe.Narrow(attend);
        using StageSession narrowStage = new(graphs.Attend(narrow), sessionOptions, _run);
        RowRule rule = AttentionProbe.Run(narrow, narrowStage, _allocator);
        TestContext.Current.SendDiagnosticMessage($"heads of {headSize}: {rule}");
        Assert.SkipUnless(rule.IsAlike, "With heads of this size the kernel rounds by the length of the call, and the model says so.");

        using StageSession stage = new(graphs.Attend(attend), sessionOptions, _run);
        using AttendedSequence sequence = new(stage, attend, _allocator);
        foreach (int past in (int[])[0, 37, LongestPast])
        {
            for (int rows = 1; rows <= MostRows; rows++)
            {
                sequence.Run(past, rule.RowsToRun(rows));
                Assert.True(sequence.IsAsInTwos(past, rows), $"{rows} rows behind {past} differ.");
            }
        }
    }

    [Fact]
    public void Heads_larger_than_any_published_ones_are_not_asked_about_and_count_as_unlike()
    {
        AttendDescription attend = AttentionProbe.Narrow(new AttendDescription(1, 1, HeadSize: 1 << 14, Scale: 1, Rotary: null, Window: null));
        Assert.False(AttentionProbe.Run(attend, null!, new NoBuffers()).IsAlike);
    }

    private sealed class NoBuffers : IBufferAllocator
    {
        public StageBuffer Reserve(long bytes, string purpose) => throw new InvalidOperationException($"{bytes} bytes are asked for.");
    }

    /// <summary>Rows of a sequence and what attention makes of them, computed in twos at first.</summary>
    private sealed class AttendedSequence : IDisposable
    {
        private const int Positions = LongestPast + MostRows + 2;
        private const int Seed = 3;

        private readonly StageSession _stage;
        private readonly AttendDescription _attend;
        private readonly StageBuffer _packed;
        private readonly StageBuffer _attended;
        private readonly StageBuffer _keys;
        private readonly StageBuffer _values;
        private readonly StageBuffer _lengths;
        private readonly int[] _inTwos;

        public AttendedSequence(StageSession stage, AttendDescription attend, CpuBufferAllocator allocator)
        {
            _stage = stage;
            _attend = attend;
            _packed = allocator.Reserve((long)Positions * attend.PackedWidth * sizeof(float), "rows");
            _attended = allocator.Reserve((long)Positions * attend.OutputWidth * sizeof(float), "attended rows");
            _keys = allocator.Reserve((long)KeyValueHeads * Positions * attend.HeadSize * sizeof(float), "keys");
            _values = allocator.Reserve((long)KeyValueHeads * Positions * attend.HeadSize * sizeof(float), "values");
            _lengths = allocator.Reserve(2 * sizeof(int), "lengths");
            Random random = new(Seed);
            foreach (ref float number in _packed.Span<float>(0, Positions * attend.PackedWidth))
            {
                number = random.NextSingle() * 2 - 1;
            }

            for (int row = 0; row < Positions; row += 2)
            {
                Run(row, 2);
            }

            _inTwos = _attended.Span<int>(0, Positions * attend.OutputWidth).ToArray();
        }

        public bool IsAsInTwos(int first, int rows) => _attended.Span<int>(first * _attend.OutputWidth, rows * _attend.OutputWidth)
            .SequenceEqual(_inTwos.AsSpan(first * _attend.OutputWidth, rows * _attend.OutputWidth));

        public void Run(int first, int rows)
        {
            _lengths.Span<int>(0, 2)[0] = first + rows - 1;
            _lengths.Span<int>(0, 2)[1] = first + rows;
            using OrtIoBinding binding = _stage.NewBinding();
            using OrtValue packed = _packed.View(ElementType.Float32, (long)first * _attend.PackedWidth, 1, rows, _attend.PackedWidth);
            using OrtValue attended = _attended.View(ElementType.Float32, (long)first * _attend.OutputWidth, 1, rows, _attend.OutputWidth);
            using OrtValue keys = _keys.View(ElementType.Float32, 0, 1, KeyValueHeads, Positions, _attend.HeadSize);
            using OrtValue values = _values.View(ElementType.Float32, 0, 1, KeyValueHeads, Positions, _attend.HeadSize);
            using OrtValue last = _lengths.View(ElementType.Int32, 0, 1);
            using OrtValue total = _lengths.View(ElementType.Int32, 1, 1);
            binding.BindInput(StageNames.QueryKeyValue, packed);
            binding.BindInput(KvNames.Single.PastKeys, keys);
            binding.BindInput(KvNames.Single.PastValues, values);
            binding.BindInput(StageNames.LastPosition, last);
            binding.BindInput(StageNames.TotalLength, total);
            binding.BindOutput(StageNames.Output, attended);
            binding.BindOutput(KvNames.Single.PresentKeys, keys);
            binding.BindOutput(KvNames.Single.PresentValues, values);
            _stage.Run(binding);
        }

        public void Dispose()
        {
            foreach (StageBuffer buffer in (StageBuffer[])[_packed, _attended, _keys, _values, _lengths])
            {
                buffer.Dispose();
            }
        }
    }
}
