using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using SpecDecode.Descriptions;
using SpecDecode.Kernels;
using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.OnnxRuntime.ModelFormat;
using SpecDecode.OnnxRuntime.Operators;
using RuntimeEnvironment = SpecDecode.OnnxRuntime.RuntimeEnvironment;

namespace SpecDecode.Benchmarks;

/// <summary>
/// Matrix products of this library against ONNX Runtime's operators for the same weights, on the same threads, in turn: Gemm for floats, MatMulNBits
/// with 8-bit rows for integers. A session has as many matrices as do not fit into the caches.
/// </summary>
internal static class ProductsBenchmark
{
    private const long MatrixBytes = 150L << 20;

    private static readonly (string Name, int Inputs, int Outputs)[] Shapes =
    [
        ("SmolLM2-135M qkv", 576, 960), ("SmolLM2-135M gate, up", 576, 3072), ("SmolLM2-135M down", 1536, 576),
        ("Llama-3.2-1B qkv", 2048, 3072), ("Llama-3.2-1B gate, up", 2048, 16_384), ("Llama-3.2-1B down", 8192, 2048),
        ("story, widened: gate, up", 1024, 5632), ("story, widened: down", 2816, 1024),
    ];

    public static Command Command()
    {
        Option<int> threads = new("--threads") { DefaultValueFactory = _ => 2, Description = "Threads that compute." };
        Option<int[]> rows = new("--rows") { DefaultValueFactory = _ => [1, 5, 9, 128, 512], AllowMultipleArgumentsPerToken = true, Description = "Numbers of rows." };
        Option<string[]> precisions = new("--precision") { DefaultValueFactory = _ => ["fp32", "bf16", "fp16", "int8", "int4"], AllowMultipleArgumentsPerToken = true, Description = "Precisions." };
        Option<string?> shape = new("--shape") { Description = "Only shapes whose name has this in it." };
        Option<int> repeat = new("--repeat") { DefaultValueFactory = _ => 9, Description = "Turns of each." };
        Command command = new("products", "Matrix products against ONNX Runtime's operators.") { threads, rows, precisions, shape, repeat };
        command.SetAction(arguments => Run(
            arguments.GetValue(threads), arguments.GetValue(rows)!, [.. arguments.GetValue(precisions)!.Select(name => Enum.Parse<Precision>(name, ignoreCase: true))],
            arguments.GetValue(shape) ?? "", arguments.GetValue(repeat)));
        return command;
    }

    private static void Run(int threads, int[] rowCounts, Precision[] precisions, string named, int repeat)
    {
        RuntimeOptions options = new() { Threads = threads };
        RuntimeEnvironment environment = RuntimeEnvironment.Get(options, Console.Error.WriteLine);
        Console.WriteLine($"kernels: {InstructionSets.Current.Name()}; {threads} threads; time of ours / of ONNX Runtime's, minimum median maximum of {repeat} turns");
        foreach ((string name, int inputs, int outputs) in Shapes.Where(shape => shape.Name.Contains(named, StringComparison.OrdinalIgnoreCase)))
        {
            foreach (Precision precision in precisions)
            {
                using Side ours = Side.Own(precision, inputs, outputs, environment);
                using Side theirs = Side.OnnxRuntime(precision, inputs, outputs, environment);
                foreach (int rows in rowCounts)
                {
                    Print(string.Create(CultureInfo.InvariantCulture, $"{name,-26} {precision.Name(),-5} {rows,4} rows"), Compare(ours, theirs, rows, repeat));
                }
            }
        }
    }

    private static (double[] Ratios, double OursMs, double TheirsMs) Compare(Side ours, Side theirs, int rows, int repeat)
    {
        Action runOurs = ours.Prepare(rows);
        Action runTheirs = theirs.Prepare(rows);
        List<double> oursMs = [];
        List<double> theirsMs = [];
        for (int turn = 0; turn <= repeat; turn++)
        {
            double first = Time(runOurs);
            double second = Time(runTheirs);
            if (turn > 0)
            {
                oursMs.Add(first / ours.Matrices);
                theirsMs.Add(second / theirs.Matrices);
            }
        }

        double[] ratios = [.. oursMs.Zip(theirsMs, (a, b) => a / b).Order()];
        return (ratios, oursMs.Order().ElementAt(repeat / 2), theirsMs.Order().ElementAt(repeat / 2));
    }

    private static double Time(Action run)
    {
        long start = Stopwatch.GetTimestamp();
        run();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static void Print(string what, (double[] Ratios, double OursMs, double TheirsMs) result) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{what}  {result.Ratios[0]:f2} {result.Ratios[result.Ratios.Length / 2]:f2} {result.Ratios[^1]:f2}   {1000 * result.OursMs:f0} and {1000 * result.TheirsMs:f0} µs"));

    /// <summary>A session with products of one shape, and memory for its rows.</summary>
    private sealed unsafe class Side : IDisposable
    {
        private const int Float = 1;
        private const int UInt8 = 2;

        private readonly int _inputs;
        private readonly int _outputs;
        private readonly InferenceSession _session;
        private readonly RunOptions _run = new();
        private readonly KernelScratch _scratch;
        private readonly List<long> _numbers;
        private readonly List<nint> _weights;
        private StageBuffer? _input;
        private StageBuffer? _output;
        private OrtIoBinding? _binding;

        private Side(int inputs, int outputs, int matrices, GraphProto graph, RuntimeEnvironment environment, KernelScratch scratch, List<long> numbers, List<nint> weights)
        {
            _inputs = inputs;
            _outputs = outputs;
            Matrices = matrices;
            _scratch = scratch;
            _numbers = numbers;
            _weights = weights;
            ModelProto model = new()
            {
                IrVersion = 10, ProducerName = "SpecDecode", Graph = graph,
                OpsetImport = [new OperatorSetIdProto("", 21), new OperatorSetIdProto("com.microsoft", 1), new OperatorSetIdProto(OperatorDomain.Name, 1)],
            };
            using SessionOptions options = new() { GraphOptimizationLevel = GraphOptimizationLevel.ORT_DISABLE_ALL };
            options.DisablePerSessionThreads();
            options.AddSessionConfigEntry("session.use_device_allocator_for_initializers", "1");
            OperatorDomain.Register(options);
            _session = environment.HasPool ? new InferenceSession(model.ToByteArray(), options) : throw new InvalidOperationException("No pool.");
        }

        public int Matrices { get; }

        public static Side Own(Precision precision, int inputs, int outputs, RuntimeEnvironment environment)
        {
            TensorFormat format = new(precision, precision.IsQuantized() ? 32 : 0, TensorLayout.Panels);
            long bytes = format.PanelsBytes(outputs, inputs);
            int matrices = Count(format, inputs, outputs);
            KernelScratch scratch = new();
            List<long> numbers = [];
            List<nint> weights = [];
            GraphProto graph = Graph(inputs);
            for (int i = 0; i < matrices; i++)
            {
                byte* memory = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, 4096);
                Fill(memory, bytes, precision, i);
                if (precision.IsQuantized())
                {
                    FillScales(memory, format, inputs, outputs, i);
                }

                weights.Add((nint)memory);
                Product product = new(memory, format, inputs, outputs, new ProductParts(), ActivationPrecision.Int8, InstructionSets.Current, scratch);
                numbers.Add(KernelTable<Product>.Add(product));
                AddNode(graph, i, outputs, ["x"], ProductOperator.OperatorName, OperatorDomain.Name, Integer(OperatorDomain.NumberAttribute, numbers[^1]));
            }

            return new Side(inputs, outputs, matrices, graph, environment, scratch, numbers, weights);
        }

        public static Side OnnxRuntime(Precision precision, int inputs, int outputs, RuntimeEnvironment environment)
        {
            TensorFormat format = new(precision.IsQuantized() ? precision : Precision.Fp32, precision.IsQuantized() ? 32 : 0);
            int matrices = Count(format, inputs, outputs);
            GraphProto graph = Graph(inputs);
            for (int i = 0; i < matrices; i++)
            {
                byte[] values = new byte[outputs * format.ValueBytes(inputs)];
                fixed (byte* memory = values)
                {
                    Fill(memory, values.Length, format.Precision, i);
                }

                graph.Initializer.Add(new TensorProto
                {
                    Name = $"w{i}", DataType = format.IsQuantized ? UInt8 : Float, RawData = values,
                    Dims = format.IsQuantized ? [outputs, format.Blocks(inputs), format.BlockSize * format.Bits / 8] : [outputs, inputs],
                });
                if (!format.IsQuantized)
                {
                    AddNode(graph, i, outputs, ["x", $"w{i}"], "Gemm", "", Integer("transB", 1));
                    continue;
                }

                byte[] scales = new byte[outputs * format.ScaleBytes(inputs)];
                MemoryMarshal.Cast<byte, float>(scales.AsSpan()).Fill(0.001f + i * 1e-6f);
                graph.Initializer.Add(new TensorProto { Name = $"s{i}", DataType = Float, RawData = scales, Dims = [outputs, format.Blocks(inputs)] });
                List<string> names = ["x", $"w{i}", $"s{i}"];
                if (format.HasZeroPoints)
                {
                    byte[] zeros = new byte[outputs * format.ZeroPointBytes(inputs)];
                    zeros.AsSpan().Fill(0x88);
                    graph.Initializer.Add(new TensorProto { Name = $"z{i}", DataType = UInt8, RawData = zeros, Dims = [outputs, format.ZeroPointBytes(inputs)] });
                    names.Add($"z{i}");
                }

                AddNode(
                    graph, i, outputs, [.. names], "MatMulNBits", "com.microsoft", Integer("K", inputs), Integer("N", outputs), Integer("bits", format.Bits),
                    Integer("block_size", format.BlockSize), Integer("accuracy_level", 4));
            }

            return new Side(inputs, outputs, matrices, graph, environment, new KernelScratch(), [], []);
        }

        public Action Prepare(int rows)
        {
            Release();
            CpuBufferAllocator buffers = new();
            _input = buffers.Reserve((long)rows * _inputs * sizeof(float), "rows");
            _output = buffers.Reserve((long)rows * _outputs * sizeof(float), "results");
            Random random = new(1);
            foreach (ref float x in _input.Span<float>(0, rows * _inputs))
            {
                x = random.NextSingle() - 0.5f;
            }

            _binding = _session.CreateIoBinding();
            using OrtValue input = _input.View(ElementType.Float32, 0, rows, _inputs);
            using OrtValue output = _output.View(ElementType.Float32, 0, rows, _outputs);
            _binding.BindInput("x", input);
            for (int i = 0; i < Matrices; i++)
            {
                _binding.BindOutput($"y{i}", output);
            }

            return () => _session.RunWithBinding(_run, _binding);
        }

        public void Dispose()
        {
            Release();
            _session.Dispose();
            _run.Dispose();
            _numbers.ForEach(KernelTable<Product>.Remove);
            _scratch.Dispose();
            _weights.ForEach(memory => NativeMemory.AlignedFree((void*)memory));
        }

        private static int Count(TensorFormat format, int inputs, int outputs) => (int)Math.Clamp(MatrixBytes / (outputs * format.ValueBytes(inputs)), 2, 400);

        private static GraphProto Graph(int inputs) => new() { Name = "products", Input = { Value("x", inputs) } };

        private static void AddNode(GraphProto graph, int i, int outputs, string[] inputs, string type, string domain, params AttributeProto[] attributes)
        {
            graph.Node.Add(new NodeProto { Name = $"n{i}", OpType = type, Domain = domain, Input = inputs, Output = [$"y{i}"], Attribute = attributes });
            graph.Output.Add(Value($"y{i}", outputs));
        }

        private static ValueInfoProto Value(string name, int width) => new(
            name, new TypeProto(new TypeProto.Tensor(Float, new TensorShapeProto([new TensorShapeProto.Dimension("rows"), new TensorShapeProto.Dimension(width)]))));

        private static AttributeProto Integer(string name, long value) => new() { Name = name, I = value, Type = AttributeType.Int };

        // Small numbers, different in every matrix: equal ones ONNX Runtime would share.
        private static void Fill(byte* memory, long bytes, Precision precision, int matrix)
        {
            Random random = new(matrix);
            if (precision == Precision.Fp32)
            {
                foreach (ref float x in MemoryMarshal.Cast<byte, float>(new Span<byte>(memory, (int)bytes)))
                {
                    x = random.NextSingle() - 0.5f;
                }
            }
            else if (precision.IsQuantized())
            {
                random.NextBytes(new Span<byte>(memory, (int)bytes));
            }
            else
            {
                foreach (ref ushort x in MemoryMarshal.Cast<byte, ushort>(new Span<byte>(memory, (int)bytes)))
                {
                    x = (ushort)(random.Next(0x3000, 0x3C00));
                }
            }
        }

        // As large as those of the other side: random bits would be subnormal numbers, or make some, which processors take a hundred times as long for.
        private static void FillScales(byte* memory, TensorFormat format, int inputs, int outputs, int matrix)
        {
            ushort scale = (ushort)(BitConverter.SingleToUInt32Bits(0.001f + matrix * 1e-5f) >> 16);
            long panels = PanelLayout.Panels(outputs);
            long blocks = format.Blocks(inputs);
            long blockBytes = PanelLayout.PanelBytes(format, inputs) / blocks;
            for (long block = 0; block < panels * blocks; block++)
            {
                byte* head = memory + block * blockBytes;
                new Span<ushort>(head, PanelLayout.ScaleBytes / sizeof(ushort)).Fill(scale);
                if (format.HasZeroPoints)
                {
                    new Span<byte>(head + PanelLayout.ScaleBytes, PanelLayout.ZeroPointBytes).Fill(8);
                }
            }
        }

        private void Release()
        {
            _binding?.Dispose();
            _input?.Dispose();
            _output?.Dispose();
        }
    }
}
