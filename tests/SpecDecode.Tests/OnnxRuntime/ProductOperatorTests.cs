using Microsoft.ML.OnnxRuntime;
using SpecDecode.Descriptions;
using SpecDecode.Kernels;
using SpecDecode.OnnxRuntime;
using SpecDecode.OnnxRuntime.Graphs;
using SpecDecode.OnnxRuntime.Operators;
using SpecDecode.OnnxRuntime.Stages;
using SpecDecode.Tests.Kernels;
using SpecDecode.Tests.OnnxRuntime.Generated;
using SpecDecode.Tests.Weights;
using SpecDecode.Weights;

namespace SpecDecode.Tests.OnnxRuntime;

/// <summary>Products as nodes of graphs: what the builder writes, and what sessions make of it.</summary>
public sealed class ProductOperatorTests
{
    private const int Inputs = 70;
    private const string Rows = "x";
    private const string Residual = "residual";
    private const string Result = "y";

    public static TheoryData<int, string> Kinds => ProductTests.Kinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_session_gives_what_the_product_gives_bit_for_bit(int kind, string name)
    {
        Assert.NotEmpty(name);
        (TensorFormat format, ActivationPrecision activations) = ProductCases.Kinds[kind];
        using Made made = new(format, outputs: 128, activations);
        foreach ((NormDescription? norm, Activation? activation, bool isGated, bool isAdded) in ((NormDescription?, Activation?, bool, bool)[])
            [
                (null, null, false, false), (null, null, false, true), (Made.Norm(NormKind.Rms), Activation.Silu, true, false),
                (Made.Norm(NormKind.RmsAroundOne), Activation.GeluTanh, true, true), (Made.Norm(NormKind.Layer), Activation.Relu, false, true),
            ])
        {
            byte[] graph = made.Graph(norm, activation, isGated, isAdded);
            Assert.Equal(["Product"], Operators(graph));
            int width = isGated ? 64 : 128;
            using InferenceSession session = new(graph, made.SessionOptions);
            foreach (int rows in (int[])[1, 2, 9, 40])
            {
                float[] input = ProductSetup.Numbers(rows * Inputs, new Random(rows));
                float[] residual = ProductSetup.Numbers(rows * width, new Random(-rows));
                float[] expected = made.Multiply(norm, activation, isGated, input, isAdded ? residual : null, rows, width);
                Bits.AssertSame(expected, Run(session, input, isAdded ? residual : null, rows, width), $"{format}, {norm?.Kind}, {activation}, {rows} rows");
            }
        }
    }

    [Fact]
    public void No_rows_are_no_results()
    {
        using Made made = new(ProductCase.Panels(Precision.Bf16), outputs: 128);
        using InferenceSession session = new(made.Graph(Made.Norm(NormKind.Rms), null, false, false), made.SessionOptions);
        Assert.Empty(Run(session, [], null, 0, 128));
    }

    [Theory]
    [InlineData("Gelu", true, 128, "Product Split Gelu Mul")]
    [InlineData("Gelu", false, 128, "Product Gelu")]
    [InlineData("Silu", true, 96, "Product Split QuickGelu Mul")]
    [InlineData("Silu", false, 97, "Product")]
    public void What_a_product_cannot_do_nodes_behind_it_do(string activation, bool isGated, int outputs, string operators)
    {
        Activation function = Enum.Parse<Activation>(activation);
        using Made made = new(ProductCase.Panels(Precision.Fp32), outputs);
        byte[] graph = made.Graph(Made.Norm(NormKind.Rms), function, isGated, isAdded: true);
        Assert.Equal(operators == "Product" ? ["Product"] : [.. operators.Split(' '), "Add"], Operators(graph));
        int width = isGated ? outputs / 2 : outputs;
        float[] input = ProductSetup.Numbers(5 * Inputs, new Random(1));
        float[] residual = ProductSetup.Numbers(5 * width, new Random(2));
        using InferenceSession whole = new(graph, made.SessionOptions);
        float[] found = Run(whole, input, residual, 5, width);
        if (operators == "Product")
        {
            Bits.AssertSame(made.Multiply(Made.Norm(NormKind.Rms), function, isGated, input, residual, 5, width), found, operators);
            return;
        }

        // The product alone, and the same operators over its result.
        using InferenceSession first = new(made.Graph(Made.Norm(NormKind.Rms), null, isGated: false, isAdded: false), made.SessionOptions);
        using InferenceSession second = new(made.Following(function, isGated), made.SessionOptions);
        Bits.AssertSame(Run(second, Run(first, input, null, 5, outputs), residual, 5, width), found, operators);
    }

    [Theory]
    [InlineData(Precision.Fp32, 0)]
    [InlineData(Precision.Int8, 32)]
    [InlineData(Precision.Int8, 16)]
    [InlineData(Precision.Int4, 16)]
    [InlineData(Precision.Int4, 32)]
    [InlineData(Precision.Int4, 64)]
    [InlineData(Precision.Int4, 128)]
    public void Matrices_in_rows_are_left_to_ONNX_Runtimes_operators_and_the_results_are_near(Precision precision, int blockSize)
    {
        // The same numbers in both layouts; rows stay floats.
        const int Outputs = 96;
        using Made rows = new(new TensorFormat(precision, blockSize), Outputs, ActivationPrecision.Fp32);
        using Made panels = new(ProductCase.Panels(precision, blockSize), Outputs, ActivationPrecision.Fp32);
        byte[] graph = rows.Graph(null, null, false, isAdded: true);
        Assert.Equal(precision == Precision.Fp32 ? ["Gemm", "Add"] : ["MatMulNBits", "Add"], Operators(graph));
        float[] input = ProductSetup.Numbers(4 * Inputs, new Random(3));
        float[] residual = ProductSetup.Numbers(4 * Outputs, new Random(4));
        using InferenceSession other = new(graph, rows.SessionOptions);
        using InferenceSession own = new(panels.Graph(null, null, false, isAdded: true), panels.SessionOptions);
        float[] expected = Run(other, input, residual, 4, Outputs);
        float[] found = Run(own, input, residual, 4, Outputs);
        for (int row = 0; row < 4; row++)
        {
            for (int output = 0; output < Outputs; output++)
            {
                float[] weights = PreparedPanels.Row(panels.Weights, panels.Weights["w"], output);
                double magnitude = weights.Select((w, i) => (double)Math.Abs(w * input[row * Inputs + i])).Sum() + Math.Abs(residual[row * Outputs + output]) + 20;

                // Two sums in different orders; and scales that lie in rows may be no bfloat16 numbers, to which panels round them.
                double bound = magnitude * ((2 * Bounded.Gamma(Inputs + 4)) + (precision == Precision.Fp32 ? 0 : 1.01 / 512));
                Assert.InRange(Math.Abs((double)expected[row * Outputs + output] - found[row * Outputs + output]), 0, bound);
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(long.MaxValue)]
    [InlineData(long.MinValue)]
    public void A_product_that_there_is_not_ends_the_making_of_a_session(long wrong)
    {
        using Made made = new(ProductCase.Panels(Precision.Bf16), outputs: 128);
        byte[] sound = made.Graph(null, null, false, false);
        ModelProto model = ModelProto.Parser.ParseFrom(sound);
        model.Graph.Node[0].Attribute.Single().I = wrong;
        OnnxRuntimeException error = Assert.Throws<OnnxRuntimeException>(() => new InferenceSession(Google.Protobuf.MessageExtensions.ToByteArray(model), made.SessionOptions));
        Assert.Contains("There is no product", error.Message, StringComparison.Ordinal);

        using InferenceSession session = new(sound, made.SessionOptions);
        Assert.Equal(128, Run(session, new float[Inputs], null, 1, 128).Length);
    }

    [Fact]
    public void A_node_without_its_numbers_ends_the_making_of_a_session()
    {
        using Made made = new(ProductCase.Panels(Precision.Bf16), outputs: 128);
        ModelProto model = ModelProto.Parser.ParseFrom(made.Graph(null, null, false, false));
        model.Graph.Node[0].Attribute.Clear();
        Assert.Throws<OnnxRuntimeException>(() => new InferenceSession(Google.Protobuf.MessageExtensions.ToByteArray(model), made.SessionOptions));
    }

    [Fact]
    public void A_set_that_is_disposed_is_no_longer_found()
    {
        using Made made = new(ProductCase.Panels(Precision.Bf16), outputs: 128);
        byte[] graph = made.Graph(null, null, false, false);
        made.Products.Dispose();
        Assert.Throws<OnnxRuntimeException>(() => new InferenceSession(graph, made.SessionOptions));
        Assert.Throws<SpecDecodeException>(() => KernelTable<Product>.Find(Number(graph)));
    }

    [Fact]
    public void A_session_whose_product_fails_says_so_and_runs_again_afterwards()
    {
        using Made made = new(ProductCase.Panels(Precision.Int8, 32), outputs: 128);
        using InferenceSession session = new(made.Graph(null, null, false, false), made.SessionOptions);
        float[] input = ProductSetup.Numbers(3 * Inputs, new Random(1));
        float[] expected = Run(session, input, null, 3, 128);
        Take(made.Products);
        Assert.Contains("Two threads run the stages of one model at once", Assert.Throws<OnnxRuntimeException>(() => Run(session, input, null, 3, 128)).Message, StringComparison.Ordinal);
        made.Products.Scratch.Return();
        Bits.AssertSame(expected, Run(session, input, null, 3, 128), "after the failure");
    }

    private static unsafe void Take(ProductSet products) => products.Scratch.Take(1);

    private static long Number(byte[] graph) => ModelProto.Parser.ParseFrom(graph).Graph.Node[0].Attribute.Single().I;

    private static string[] Operators(byte[] graph) => [.. ModelProto.Parser.ParseFrom(graph).Graph.Node.Select(node => node.OpType).Where(type => type != "SimplifiedLayerNormalization")];

    private static float[] Run(InferenceSession session, float[] input, float[]? residual, int rows, int width)
    {
        using RunOptions run = new();
        using OrtValue x = OrtValue.CreateTensorValueFromMemory(input, [rows, rows == 0 ? Inputs : input.Length / rows]);
        using OrtValue? added = residual is null ? null : OrtValue.CreateTensorValueFromMemory(residual, [rows, width]);
        using IDisposableReadOnlyCollection<OrtValue> results = session.Run(
            run, residual is null ? [Rows] : [Rows, Residual], added is null ? [x] : [x, added], [Result]);
        return results[0].GetTensorDataAsSpan<float>().ToArray();
    }

    /// <summary>A matrix with bias and norms, its prepared weights, and the products over them.</summary>
    private sealed class Made : IDisposable
    {
        private readonly MadeCheckpoint _checkpoint = new();
        private readonly ActivationPrecision _activations;
        private readonly LinearDescription _linear;

        public Made(TensorFormat format, int outputs, ActivationPrecision activations = default)
        {
            Random random = new(outputs);
            _activations = activations;
            _linear = new LinearDescription("w", "b", Inputs, outputs);
            Weights = _checkpoint.Add("w", format, outputs, Inputs, ProductSetup.Numbers(outputs * Inputs, random))
                .Add("b", TensorFormat.Float32, outputs, 0, ProductSetup.Numbers(outputs, random))
                .Add("norm", TensorFormat.Float32, Inputs, 0, ProductSetup.Numbers(Inputs, random))
                .Add("norm_bias", TensorFormat.Float32, Inputs, 0, ProductSetup.Numbers(Inputs, random)).Prepare();
            Weights.Activations = activations;
            Products = new ProductSet(Weights, InstructionSets.Current);
            SessionOptions = StageSessions.SessionOptionsFor(RuntimeEnvironment.Get(new RuntimeOptions(), _ => { }), new RuntimeOptions(), Weights);
        }

        public PreparedWeights Weights { get; }

        public ProductSet Products { get; }

        public SessionOptions SessionOptions { get; }

        public static NormDescription Norm(NormKind kind) => new(kind, "norm", 1e-5f, kind == NormKind.Layer ? "norm_bias" : null);

        public byte[] Graph(NormDescription? norm, Activation? activation, bool isGated, bool isAdded)
        {
            int width = isGated ? _linear.Outputs / 2 : _linear.Outputs;
            GraphBuilder graph = new(Weights, Products, ElementType.Float32);
            string x = graph.Input(Rows, "rows", Inputs);
            string? residual = isAdded ? graph.Input(Residual, "rows", width) : null;
            graph.Output(graph.Linear(x, _linear, norm, residual, activation, isGated), Result, "rows", width);
            return graph.Build();
        }

        // What comes behind a product whose result it cannot compute.
        public byte[] Following(Activation activation, bool isGated)
        {
            int width = isGated ? _linear.Outputs / 2 : _linear.Outputs;
            GraphBuilder graph = new(Weights, Products, ElementType.Float32);
            string x = graph.Input(Rows, "rows", _linear.Outputs);
            string residual = graph.Input(Residual, "rows", width);
            if (isGated)
            {
                (string gate, string up) = graph.Halves(x, width);
                x = graph.Multiply(graph.Activate(gate, activation), up);
            }
            else
            {
                x = graph.Activate(x, activation);
            }

            graph.Output(graph.Add(x, residual), Result, "rows", width);
            return graph.Build();
        }

        // By a product made anew over the same weights.
        public unsafe float[] Multiply(NormDescription? norm, Activation? activation, bool isGated, float[] rows, float[]? residual, int count, int width)
        {
            using KernelScratch scratch = new();
            ProductParts parts = new()
            {
                Bias = (float*)Weights.Address(Weights["b"]), IsActivated = activation is not null, Activation = activation ?? default, IsGated = isGated, IsNormed = norm is not null,
            };
            if (norm is not null)
            {
                parts.Norm = new RowNorm
                {
                    Kind = norm.Kind, Epsilon = norm.Epsilon, Weight = (float*)Weights.Address(Weights["norm"]),
                    Bias = norm.Bias is null ? null : (float*)Weights.Address(Weights["norm_bias"]),
                };
            }

            Product product = new(
                Weights.Address(Weights["w"]), Weights["w"].Format, Inputs, _linear.Outputs, parts, _activations, InstructionSets.Current, scratch);
            float[] results = new float[count * width];
            fixed (float* from = rows, added = residual, to = results)
            {
                product.Run(from, count, residual is null ? null : added, to, ParallelRun.Serial);
            }

            return results;
        }

        public void Dispose()
        {
            SessionOptions.Dispose();
            Products.Dispose();
            Weights.Dispose();
            _checkpoint.Dispose();
        }
    }
}
