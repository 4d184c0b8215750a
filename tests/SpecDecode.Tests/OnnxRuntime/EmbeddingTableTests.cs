using Google.Protobuf;
using Microsoft.ML.OnnxRuntime;
using SpecDecode.Descriptions;
using SpecDecode.Families;
using SpecDecode.OnnxRuntime.Stages;
using SpecDecode.Tests.OnnxRuntime.Generated;
using SpecDecode.Tests.Tool;
using SpecDecode.Weights;

namespace SpecDecode.Tests.OnnxRuntime;

public sealed class EmbeddingTableTests : IDisposable
{
    private const int Uint8 = 2;
    private const int Float = 1;
    private const int Int32 = 6;

    // 96 wide: three blocks of 32, which is odd, and one and a half of 64.
    private readonly FixtureCheckpoint _checkpoint = new("llama_tied_bias_f32");

    public void Dispose() => _checkpoint.Dispose();

    [Fact]
    public void Rows_in_float32_are_the_checkpoints_times_the_models_factor()
    {
        using ModelFolder folder = Open(new ModelOptions());
        DecoderDescription model = ModelFamilies.Describe(folder.Checkpoint) with { EmbeddingScale = 3.25f };
        using PreparedWeights weights = OpenWeights(folder, model);
        float[] expected = new float[96];
        folder.Checkpoint.ReadFloats(folder.Checkpoint.Tensors["model.embed_tokens.weight"], 255 * 96, expected);

        float[] rows = new float[2 * 96];
        new EmbeddingTable(model, weights).Read([3, 255], rows);

        Assert.Equal(expected.Select(weight => weight * 3.25f), rows[96..]);
    }

    [Theory]
    [InlineData(Precision.Int8, 16)]
    [InlineData(Precision.Int8, 32)]
    [InlineData(Precision.Int8, 64)]
    [InlineData(Precision.Int8, 256)]
    [InlineData(Precision.Int4, 16)]
    [InlineData(Precision.Int4, 32)]
    [InlineData(Precision.Int4, 64)]
    [InlineData(Precision.Int4, 256)]
    public void Quantised_rows_are_those_of_the_operator_that_reads_the_same_bytes(Precision precision, int blockSize)
    {
        using ModelFolder folder = Open(new ModelOptions { Precision = Precision.Int8, HeadPrecision = precision, BlockSize = blockSize, Kernels = KernelChoice.OnnxRuntime });
        DecoderDescription model = ModelFamilies.Describe(folder.Checkpoint);
        using PreparedWeights weights = OpenWeights(folder, model);
        int[] tokens = [.. Enumerable.Range(0, model.VocabularySize).Reverse()];

        float[] rows = new float[tokens.Length * model.HiddenSize];
        new EmbeddingTable(model, weights).Read(tokens, rows);

        Assert.Equal(precision, weights[model.Embedding].Format.Precision);
        Assert.Equal(GatherBlockQuantized(weights, weights[model.Embedding], tokens), rows);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(256)]
    [InlineData(int.MaxValue)]
    public void A_token_that_the_table_lacks_is_refused(int token)
    {
        using ModelFolder folder = Open(new ModelOptions());
        DecoderDescription model = ModelFamilies.Describe(folder.Checkpoint);
        using PreparedWeights weights = OpenWeights(folder, model);
        EmbeddingTable table = new(model, weights);

        Assert.Throws<ArgumentOutOfRangeException>(() => table.Read([token], new float[96]));
    }

    [Fact]
    public void A_file_that_was_cut_short_meanwhile_is_named()
    {
        using ModelFolder folder = Open(new ModelOptions());
        DecoderDescription model = ModelFamilies.Describe(folder.Checkpoint);
        using PreparedWeights weights = OpenWeights(folder, model);
        EmbeddingTable table = new(model, weights);
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There an open file cannot be cut short.");
        using (FileStream file = new(weights.Path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            file.SetLength(weights[model.Embedding].Offset + 100);
        }

        SpecDecodeException error = Assert.Throws<SpecDecodeException>(() => table.Read([0], new float[96]));
        Assert.Contains(weights.Path, error.Message, StringComparison.Ordinal);
        Assert.Contains("bytes when it was loaded and has", error.Message, StringComparison.Ordinal);
    }

    // The whole table by ONNX Runtime's operator, without the padding of the last block.
    private static float[] GatherBlockQuantized(PreparedWeights weights, PreparedTensor table, int[] tokens)
    {
        TensorFormat format = table.Format;
        (int rows, int columns) = ((int)table.Shape[0], (int)table.Shape[1]);
        int blocks = (int)format.Blocks(columns);
        NodeProto node = new() { OpType = "GatherBlockQuantized", Domain = "com.microsoft" };
        node.Input.AddRange(["values", "tokens", "scales"]);
        node.Output.Add("rows");
        foreach ((string name, long value) in (ReadOnlySpan<(string, long)>)
            [("bits", format.Bits), ("block_size", format.BlockSize), ("gather_axis", 0), ("quantize_axis", 1)])
        {
            node.Attribute.Add(new AttributeProto { Name = name, I = value, Type = AttributeProto.Types.AttributeType.Int });
        }

        GraphProto graph = new() { Name = "table" };
        graph.Input.Add(Value("tokens", Int32));
        graph.Output.Add(Value("rows", Float));
        graph.Initializer.Add(Initializer("values", Uint8, table.Offset, table.Length, rows, blocks * format.BlockSize * format.Bits / 8));
        graph.Initializer.Add(Initializer("scales", Float, table.ScalesOffset, table.ScalesLength, rows, blocks));
        if (format.HasZeroPoints)
        {
            node.Input.Add("zero_points");
            graph.Initializer.Add(Initializer("zero_points", Uint8, table.ZeroPointsOffset, table.ZeroPointsLength, rows, (blocks + 1) / 2));
        }

        graph.Node.Add(node);
        ModelProto model = new() { IrVersion = 10, Graph = graph };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = 21 });
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "com.microsoft", Version = 1 });
        using InferenceSession session = new(model.ToByteArray());
        using RunOptions run = new();
        using OrtValue input = OrtValue.CreateTensorValueFromMemory(tokens, [tokens.Length]);
        using IDisposableReadOnlyCollection<OrtValue> output = session.Run(run, ["tokens"], [input], ["rows"]);
        int padded = blocks * format.BlockSize;
        float[] all = output[0].GetTensorDataAsSpan<float>().ToArray();
        return [.. Enumerable.Range(0, tokens.Length).SelectMany(row => all.AsSpan(row * padded, columns).ToArray())];

        TensorProto Initializer(string name, int type, long offset, long length, params ReadOnlySpan<long> dimensions)
        {
            byte[] bytes = new byte[length];
            weights.Read(offset, bytes);
            TensorProto tensor = new() { Name = name, DataType = type, RawData = ByteString.CopyFrom(bytes) };
            tensor.Dims.AddRange(dimensions.ToArray());
            return tensor;
        }
    }

    private static ValueInfoProto Value(string name, int type) =>
        new() { Name = name, Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = type } } };

    private static PreparedWeights OpenWeights(ModelFolder folder, DecoderDescription model) =>
        folder.OpenWeights(model, progress: null, TestContext.Current.CancellationToken);

    private ModelFolder Open(ModelOptions options)
    {
        options.CacheFolder = _checkpoint.Cache;
        return ModelFolder.Open(_checkpoint.Folder, options);
    }
}
