using System.Runtime.InteropServices;
using SpecDecode.OnnxRuntime.ModelFormat;

namespace SpecDecode.Peers.Exports;

/// <summary>
/// A whole decoder as one graph, with the operators that ONNX Runtime GenAI's own model builder writes for the CPU: packed queries, keys and values,
/// rotary embedding inside GroupQueryAttention, the sums of residuals inside the norms, gate and up as two products. The head sees the last row alone.
/// </summary>
/// <param name="model">The checkpoint.</param>
/// <param name="precision">What matrices are rounded to; the head has 8 bits with int4. The embedding stays float32.</param>
/// <param name="data">Where weights go.</param>
internal sealed class GenAiGraph(LlamaCheckpoint model, Precision precision, OnnxDataFile data)
{
    private const int IrVersion = 10;
    private const int OnnxOpset = 21;
    private const int RowsInInt8 = 4;
    private const string MicrosoftDomain = "com.microsoft";

    private readonly GraphProto _graph = new() { Name = "main_graph" };
    private readonly WeightBlocks _blocks = new(data);
    private readonly long _queries = (long)model.Heads * model.HeadSize;
    private readonly long _keys = (long)model.KeyValueHeads * model.HeadSize;

    /// <summary>Writes the weights and gives the model's own file.</summary>
    public byte[] Build()
    {
        Declare(_graph.Input, "input_ids", OnnxType.Int64, "batch_size", "sequence_length");
        Declare(_graph.Input, "attention_mask", OnnxType.Int64, "batch_size", "total_sequence_length");
        (string lastPosition, string totalLength) = Lengths();
        (string cosines, string sines) = RotaryTables();
        _graph.Initializer.Add(data.Add("embed_tokens", model.Read(LlamaCheckpoint.Embedding, model.Vocabulary, model.Hidden), model.Vocabulary, model.Hidden));

        string residual = Node("Gather", "embed", ["embed_tokens", "input_ids"]);
        string normed = Node(
            "SimplifiedLayerNormalization", "layers.0.input_norm", [residual, Norm("layers.0.input_norm.weight", LlamaCheckpoint.InLayer(0, "input_layernorm"))],
            "", Integer("axis", -1), Integer("stash_type", 1), Float("epsilon", model.Epsilon));
        for (int i = 0; i < model.Layers; i++)
        {
            string layer = FormattableString.Invariant($"layers.{i}.");
            string attended = Attention(i, layer, normed, lastPosition, totalLength, cosines, sines);
            (normed, residual) = AddAndNorm(layer + "post_norm", residual, attended, LlamaCheckpoint.InLayer(i, "post_attention_layernorm"));
            string added = Mlp(i, layer, normed);
            bool isLast = i == model.Layers - 1;
            (normed, residual) = AddAndNorm(
                isLast ? "final_norm" : FormattableString.Invariant($"layers.{i + 1}.input_norm"), residual, added,
                isLast ? "model.norm.weight" : LlamaCheckpoint.InLayer(i + 1, "input_layernorm"));
        }

        string last = Node("Gather", "last_row", [normed, Constant("last", [-1], 1)], "", Integer("axis", 1));
        Linear("lm_head", last, precision == Precision.Int4 ? Precision.Int8 : precision, "logits", model.Hidden, (model.Head, model.Vocabulary));
        Declare(_graph.Output, "logits", OnnxType.Float32, "batch_size", 1, model.Vocabulary);
        return new ModelProto
        {
            IrVersion = IrVersion,
            ProducerName = "SpecDecode.Peers",
            Graph = _graph,
            OpsetImport = [new OperatorSetIdProto("", OnnxOpset), new OperatorSetIdProto(MicrosoftDomain, 1)],
        }.ToByteArray();
    }

    // The length of the sequence with its new rows, from the mask, minus 1 and as it is.
    private (string LastPosition, string TotalLength) Lengths()
    {
        string sum = Node("ReduceSum", "mask_sum", ["attention_mask", Constant("mask_axis", [1], 1)], "", Integer("keepdims", 0));
        string last = Node("Sub", "mask_last", [sum, Constant("one", [1], 1)]);
        string shape = Node("Shape", "mask_shape", ["attention_mask"]);
        string total = Node("Gather", "mask_length", [shape, Constant("second", [1])], "", Integer("axis", 0));
        return (
            Node("Cast", "seqlens_k", [last], "", Integer("to", (int)OnnxType.Int32)),
            Node("Cast", "total_seq_len", [total], "", Integer("to", (int)OnnxType.Int32)));
    }

    private (string Cosines, string Sines) RotaryTables()
    {
        int half = model.HeadSize / 2;
        float[] cosines = new float[model.Context * half];
        float[] sines = new float[cosines.Length];
        for (int i = 0; i < cosines.Length; i++)
        {
            double angle = i / half * Math.Pow(model.RotaryBase, -2.0 * (i % half) / model.HeadSize);
            (sines[i], cosines[i]) = ((float)Math.Sin(angle), (float)Math.Cos(angle));
        }

        _graph.Initializer.Add(data.Add("cos_cache", cosines, model.Context, half));
        _graph.Initializer.Add(data.Add("sin_cache", sines, model.Context, half));
        return ("cos_cache", "sin_cache");
    }

    private string Attention(int i, string layer, string x, string lastPosition, string totalLength, string cosines, string sines)
    {
        string packed = Linear(
            layer + "qkv", x, precision, null, model.Hidden,
            (LlamaCheckpoint.InLayer(i, "self_attn.q_proj"), _queries), (LlamaCheckpoint.InLayer(i, "self_attn.k_proj"), _keys),
            (LlamaCheckpoint.InLayer(i, "self_attn.v_proj"), _keys));
        string[] pasts = [FormattableString.Invariant($"past_key_values.{i}.key"), FormattableString.Invariant($"past_key_values.{i}.value")];
        string[] presents = [FormattableString.Invariant($"present.{i}.key"), FormattableString.Invariant($"present.{i}.value")];
        foreach ((string past, string present) in pasts.Zip(presents))
        {
            Declare(_graph.Input, past, OnnxType.Float32, "batch_size", model.KeyValueHeads, "past_sequence_length", model.HeadSize);
            Declare(_graph.Output, present, OnnxType.Float32, "batch_size", model.KeyValueHeads, "total_sequence_length", model.HeadSize);
        }

        _graph.Node.Add(new NodeProto
        {
            Name = layer + "attention",
            OpType = "GroupQueryAttention",
            Domain = MicrosoftDomain,
            Input = [packed, "", "", .. pasts, lastPosition, totalLength, cosines, sines],
            Output = [layer + "attention/output", .. presents],
            Attribute =
            [
                Integer("num_heads", model.Heads), Integer("kv_num_heads", model.KeyValueHeads), Integer("do_rotary", 1), Integer("rotary_interleaved", 0),
                Float("scale", 1 / MathF.Sqrt(model.HeadSize)),
            ],
        });
        return Linear(layer + "out", layer + "attention/output", precision, null, _queries, (LlamaCheckpoint.InLayer(i, "self_attn.o_proj"), model.Hidden));
    }

    private string Mlp(int i, string layer, string x)
    {
        string gate = Linear(layer + "gate", x, precision, null, model.Hidden, (LlamaCheckpoint.InLayer(i, "mlp.gate_proj"), model.Intermediate));
        string up = Linear(layer + "up", x, precision, null, model.Hidden, (LlamaCheckpoint.InLayer(i, "mlp.up_proj"), model.Intermediate));
        string activated = Node("Mul", layer + "silu", [gate, Node("Sigmoid", layer + "sigmoid", [gate])]);
        string inner = Node("Mul", layer + "gated", [activated, up]);
        return Linear(layer + "down", inner, precision, null, model.Intermediate, (LlamaCheckpoint.InLayer(i, "mlp.down_proj"), model.Hidden));
    }

    private (string Normed, string Sum) AddAndNorm(string name, string residual, string added, string source)
    {
        (string normed, string sum) = (name + "/output", name + "/sum");
        _graph.Node.Add(new NodeProto
        {
            Name = name,
            OpType = "SkipSimplifiedLayerNormalization",
            Domain = MicrosoftDomain,
            Input = [residual, added, Norm(name + ".weight", source)],
            Output = [normed, "", "", sum],
            Attribute = [Float("epsilon", model.Epsilon)],
        });
        return (normed, sum);
    }

    private string Norm(string name, string source)
    {
        _graph.Initializer.Add(data.Add(name, model.Read(source, model.Hidden), model.Hidden));
        return name;
    }

    // x Wᵀ, the rows of W being those of several matrices of the checkpoint, one under the other.
    private string Linear(string name, string x, Precision stored, string? output, long inputs, params (string Source, long Rows)[] parts)
    {
        float[] weights = [.. parts.SelectMany(part => model.Read(part.Source, part.Rows, inputs))];
        long outputs = parts.Sum(part => part.Rows);
        output ??= name + "/output";
        if (stored == Precision.Fp32)
        {
            _graph.Initializer.Add(_blocks.Transposed(name + ".weight", weights, outputs, inputs));
            _graph.Node.Add(new NodeProto { Name = name, OpType = "MatMul", Input = [x, name + ".weight"], Output = [output] });
            return output;
        }

        (TensorProto values, TensorProto scales, int bits) = _blocks.Rounded(name + ".weight", weights, outputs, inputs, stored);
        _graph.Initializer.AddRange([values, scales]);
        _graph.Node.Add(new NodeProto
        {
            Name = name,
            OpType = "MatMulNBits",
            Domain = MicrosoftDomain,
            Input = [x, values.Name, scales.Name],
            Output = [output],
            Attribute =
            [
                Integer("K", inputs), Integer("N", outputs), Integer("bits", bits), Integer("block_size", SymmetricBlocks.Size),
                Integer("accuracy_level", RowsInInt8),
            ],
        });
        return output;
    }

    private string Node(string type, string name, string[] inputs, string domain = "", params AttributeProto[] attributes)
    {
        _graph.Node.Add(new NodeProto { Name = name, OpType = type, Domain = domain, Input = inputs, Output = [name + "/output"], Attribute = attributes });
        return name + "/output";
    }

    private string Constant(string name, long[] values, params long[] dimensions)
    {
        _graph.Initializer.Add(new TensorProto { Name = name, DataType = (int)OnnxType.Int64, Dims = dimensions, RawData = MemoryMarshal.AsBytes(values.AsSpan()).ToArray() });
        return name;
    }

    private static void Declare(List<ValueInfoProto> values, string name, OnnxType type, params object[] dimensions) =>
        values.Add(new ValueInfoProto(name, new TypeProto(new TypeProto.Tensor((int)type, new TensorShapeProto(
            [.. dimensions.Select(dimension => dimension is string symbol ? new TensorShapeProto.Dimension(symbol) : new TensorShapeProto.Dimension((int)dimension))])))));

    private static AttributeProto Integer(string name, long value) => new() { Name = name, I = value, Type = AttributeType.Int };

    private static AttributeProto Float(string name, float value) => new() { Name = name, F = value, Type = AttributeType.Float };
}
