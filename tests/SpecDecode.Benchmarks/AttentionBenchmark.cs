using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Microsoft.ML.OnnxRuntime;
using SpecDecode.Caching;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;
using SpecDecode.Families;
using SpecDecode.Kernels;
using SpecDecode.OnnxRuntime.Graphs;
using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.OnnxRuntime.Operators;
using SpecDecode.OnnxRuntime.Stages;
using SpecDecode.Stages;
using SpecDecode.Weights;
using RuntimeEnvironment = SpecDecode.OnnxRuntime.RuntimeEnvironment;

namespace SpecDecode.Benchmarks;

/// <summary>
/// Attention over pages against ONNX Runtime's GroupQueryAttention for the same rows, on the same threads, in turn. Several sequences are one call of ours and
/// a call each of the other, as that is what each can do.
/// </summary>
internal static class AttentionBenchmark
{
    // Attention of many layers, so that keys and values do not stay in the caches from run to run as they would not in a model.
    private const int Layers = 16;

    private static readonly (string Name, int QueryHeads, int KeyValueHeads, int HeadSize)[] Shapes =
    [
        ("SmolLM2-135M", 9, 3, 64), ("Llama-3.2-1B", 32, 8, 64), ("Qwen3-0.6B", 16, 8, 128),
    ];

    private static readonly (int Sequences, int Past, int Rows)[] Calls =
    [
        (1, 256, 1), (1, 2_000, 1), (1, 8_000, 1), (1, 256, 5), (1, 2_000, 5), (1, 0, 512), (1, 0, 2_048), (8, 256, 1), (8, 2_000, 1), (8, 256, 5),
    ];

    public static Command Command()
    {
        Option<int> threads = new("--threads") { DefaultValueFactory = _ => 2, Description = "Threads that compute." };
        Option<int> repeat = new("--repeat") { DefaultValueFactory = _ => 15, Description = "Turns of each." };
        Option<KvPrecision> precision = new("--precision") { DefaultValueFactory = _ => KvPrecision.Fp32, Description = "What keys and values are stored as." };
        Option<string> shape = new("--shape") { DefaultValueFactory = _ => "", Description = "Only shapes whose name has this in it." };
        Argument<DirectoryInfo> folder = new("folder") { Description = "Any checkpoint: sessions want weights, though attention has none." };
        Command command = new("attention", "Attention over pages against ONNX Runtime's operator.") { folder, threads, repeat, precision, shape };
        command.SetAction(arguments => Run(
            arguments.GetValue(folder)!.FullName, arguments.GetValue(threads), arguments.GetValue(repeat), arguments.GetValue(precision), arguments.GetValue(shape)!));
        return command;
    }

    private static void Run(string folder, int threads, int repeat, KvPrecision precision, string named)
    {
        RuntimeOptions options = new() { Threads = threads, MaxRowsPerPass = 2_048 };
        RuntimeEnvironment environment = RuntimeEnvironment.Get(options, Console.Error.WriteLine);
        using Checkpoint checkpoint = Checkpoint.Open(folder);
        DecoderDescription model = ModelFamilies.Describe(checkpoint);
        using PreparedWeights weights = new WeightCache(null).Open(
            checkpoint, model, WeightSettings.Of(new ModelOptions(), checkpoint.Tensors.Values), null, default);
        using ProductSet products = new(weights, InstructionSets.Current);
        Console.WriteLine($"kernels: {InstructionSets.Current.Name()}; {threads} threads; keys and values in {precision}; time of ours / of ONNX Runtime's in float32, minimum median maximum of {repeat} turns");
        foreach ((string name, int queryHeads, int keyValueHeads, int headSize) in Shapes.Where(shape => shape.Name.Contains(named, StringComparison.OrdinalIgnoreCase)))
        {
            AttendDescription attend = new(queryHeads, keyValueHeads, headSize, 1 / MathF.Sqrt(headSize), RotaryDescription.Default(10_000, headSize));
            DecoderDescription attending = model with { Layers = [.. Enumerable.Repeat(model.Layers[0] with { Attention = model.Layers[0].Attention with { Attend = attend } }, Layers)] };
            using SessionOptions sessionOptions = StageSessions.SessionOptionsFor(environment, options, weights);
            foreach ((int sequences, int past, int rows) in Calls)
            {
                using Ours ours = new(attending, precision, new StageGraphs(attending, weights, products), sessionOptions, sequences, past, rows);
                using Theirs theirs = new(attend, new GraphBuilder(weights, products, model.ElementType), sessionOptions, sequences, past, rows);
                List<double> oursMs = [];
                List<double> theirsMs = [];
                for (int turn = -20; turn < repeat; turn++)
                {
                    double first = Time(ours.Run), second = Time(theirs.Run);
                    if (turn >= 0)
                    {
                        oursMs.Add(first / Layers);
                        theirsMs.Add(second / Layers);
                    }
                }

                double[] ratios = [.. oursMs.Zip(theirsMs, (a, b) => a / b).Order()];
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{name,-14} {sequences} sequences, past {past,5}, {rows,4} rows each: {ratios[0]:f2} {ratios[ratios.Length / 2]:f2} {ratios[^1]:f2}   ({oursMs.Order().ElementAt(repeat / 2) * 1000:f1} and {theirsMs.Order().ElementAt(repeat / 2) * 1000:f1} µs a layer)"));
            }
        }
    }

    private static double Time(Action run)
    {
        long start = Stopwatch.GetTimestamp();
        run();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static void Fill(Span<float> numbers)
    {
        Random random = new(1);
        foreach (ref float number in numbers)
        {
            number = random.NextSingle() * 2 - 1;
        }
    }

    private sealed class Ours : IDisposable
    {
        private readonly AttentionStages _stages;
        private readonly List<KvCache> _caches = [];
        private readonly RowBatch _batch;
        private readonly RowBuffer _packed;
        private readonly RowBuffer _attended;

        public Ours(DecoderDescription model, KvPrecision precision, StageGraphs graphs, SessionOptions options, int sequences, int past, int rows)
        {
            CpuBufferAllocator buffers = new();
            AttendDescription attend = model.Layers[0].Attention.Attend;
            int most = Math.Max(sequences * rows, 256);
            _stages = new AttentionStages(model, precision, graphs, options, buffers, past + rows, most);
            _packed = new RowBuffer(buffers, ElementType.Float32, most, attend.PackedWidth, "rows");
            _attended = new RowBuffer(buffers, ElementType.Float32, most, attend.OutputWidth, "attended rows");
            Fill(_packed.Floats(most));
            _batch = new RowBatch(most);
            for (int i = 0; i < sequences; i++)
            {
                _caches.Add(new KvCache(_stages.Pages, past + rows));
                _caches[^1].Hold(past + rows);
            }

            // What lies in the past is written, as many rows at a time as there are.
            for (int read = 0; read < past; read += most / sequences)
            {
                Prepare(read, Math.Min(most / sequences, past - read));
                Run();
            }

            Prepare(past, rows);
        }

        public void Run()
        {
            for (int layer = 0; layer < Layers; layer++)
            {
                _stages.Run(layer, _packed, _attended, _batch.Rows);
            }
        }

        public void Dispose()
        {
            _caches.ForEach(cache => cache.Dispose());
            _stages.Dispose();
            _packed.Dispose();
            _attended.Dispose();
        }

        private void Prepare(int first, int rows)
        {
            _batch.Clear();
            _caches.ForEach(cache => _batch.AddRows(cache, first, rows));
            _stages.SetRows(_batch);
        }
    }

    private sealed class Theirs : IDisposable
    {
        private readonly InferenceSession _session;
        private readonly RunOptions _run = new();
        private readonly List<(FusedAttention Attention, OrtIoBinding Binding)> _calls = [];
        private readonly StageBuffer _packed;
        private readonly StageBuffer _attended;
        private readonly int _length;

        public Theirs(AttendDescription attend, GraphBuilder graph, SessionOptions options, int sequences, int past, int rows)
        {
            CpuBufferAllocator buffers = new();
            _length = past + rows;
            _packed = buffers.Reserve((long)rows * attend.PackedWidth * sizeof(float), "rows");
            _attended = buffers.Reserve((long)rows * attend.OutputWidth * sizeof(float), "attended rows");
            Fill(_packed.Span<float>(0, (int)(_packed.Bytes / sizeof(float))));
            for (int i = 0; i < sequences * Layers; i++)
            {
                FusedAttention attention = new([attend], _length);
                attention.KeysAndValues.ToList().ForEach(buffer => Fill(buffer.Span<float>(0, (int)(buffer.Bytes / sizeof(float)))));
                if (i == 0)
                {
                    string packed = graph.Input(StageNames.QueryKeyValue, 1, "rows", attend.PackedWidth);
                    graph.Output(attention.AddTo(graph, 0, packed), StageNames.Output, 1, "rows", attend.OutputWidth);
                    _session = new InferenceSession(graph.Build(), options);
                }

                OrtIoBinding binding = _session!.CreateIoBinding();
                using OrtValue packedView = _packed.View(ElementType.Float32, 0, 1, rows, attend.PackedWidth);
                using OrtValue attendedView = _attended.View(ElementType.Float32, 0, 1, rows, attend.OutputWidth);
                binding.BindInput(StageNames.QueryKeyValue, packedView);
                binding.BindOutput(StageNames.Output, attendedView);
                attention.Bind(binding);
                attention.SetLength(_length);
                _calls.Add((attention, binding));
            }

            _session ??= null!; // for the compiler, which does not know that there is a first call
        }

        public void Run()
        {
            foreach ((FusedAttention attention, OrtIoBinding binding) in _calls)
            {
                attention.SetLength(_length);
                _session.RunWithBinding(_run, binding);
            }
        }

        public void Dispose()
        {
            foreach ((FusedAttention attention, OrtIoBinding binding) in _calls)
            {
                binding.Dispose();
                attention.Dispose();
            }

            _session.Dispose();
            _run.Dispose();
            _packed.Dispose();
            _attended.Dispose();
        }
    }
}
