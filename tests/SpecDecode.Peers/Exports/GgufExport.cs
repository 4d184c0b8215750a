namespace SpecDecode.Peers.Exports;

/// <summary>A checkpoint as llama.cpp reads it. There is no vocabulary in it: engines are given token ids.</summary>
internal static class GgufExport
{
    private const int QuantizationVersion = 2;

    /// <summary>Writes the file.</summary>
    /// <param name="model">The checkpoint.</param>
    /// <param name="precision">What matrices are rounded to. With int4 the embedding, which is the head too where they are tied, and the head have 8 bits.</param>
    /// <param name="path">The file.</param>
    public static void Write(LlamaCheckpoint model, Precision precision, string path)
    {
        GgufFile file = new();
        file.Add("general.architecture", "llama");
        file.Add("general.quantization_version", QuantizationVersion);
        file.Add("tokenizer.ggml.model", "no_vocab");
        file.Add("llama.vocab_size", model.Vocabulary);
        file.Add("llama.context_length", model.Context);
        file.Add("llama.embedding_length", model.Hidden);
        file.Add("llama.block_count", model.Layers);
        file.Add("llama.feed_forward_length", model.Intermediate);
        file.Add("llama.attention.head_count", model.Heads);
        file.Add("llama.attention.head_count_kv", model.KeyValueHeads);
        file.Add("llama.attention.key_length", model.HeadSize);
        file.Add("llama.attention.value_length", model.HeadSize);
        file.Add("llama.attention.layer_norm_rms_epsilon", model.Epsilon);
        file.Add("llama.rope.dimension_count", model.HeadSize);
        file.Add("llama.rope.freq_base", model.RotaryBase);

        GgufTensorType matrix = TypeOf(precision);
        GgufTensorType head = TypeOf(precision == Precision.Int4 ? Precision.Int8 : precision);
        void Vector(string name, string source) => file.Add(name, GgufTensorType.Float32, [model.Hidden], () => model.Read(source, model.Hidden));
        void Matrix(string name, string source, GgufTensorType type, long rows, long columns) =>
            file.Add(name, type, [rows, columns], () => model.Read(source, rows, columns));

        Matrix("token_embd.weight", LlamaCheckpoint.Embedding, head, model.Vocabulary, model.Hidden);
        Vector("output_norm.weight", "model.norm.weight");
        if (!model.IsTied)
        {
            Matrix("output.weight", model.Head, head, model.Vocabulary, model.Hidden);
        }

        long queries = (long)model.Heads * model.HeadSize;
        long keys = (long)model.KeyValueHeads * model.HeadSize;
        for (int i = 0; i < model.Layers; i++)
        {
            int layer = i;
            string Source(string name) => LlamaCheckpoint.InLayer(layer, name);
            string Name(string name) => FormattableString.Invariant($"blk.{layer}.{name}.weight");
            Vector(Name("attn_norm"), Source("input_layernorm"));
            file.Add(Name("attn_q"), matrix, [queries, model.Hidden], () => Interleaved(model, Source("self_attn.q_proj"), model.Heads));
            file.Add(Name("attn_k"), matrix, [keys, model.Hidden], () => Interleaved(model, Source("self_attn.k_proj"), model.KeyValueHeads));
            Matrix(Name("attn_v"), Source("self_attn.v_proj"), matrix, keys, model.Hidden);
            Matrix(Name("attn_output"), Source("self_attn.o_proj"), matrix, model.Hidden, queries);
            Vector(Name("ffn_norm"), Source("post_attention_layernorm"));
            Matrix(Name("ffn_gate"), Source("mlp.gate_proj"), matrix, model.Intermediate, model.Hidden);
            Matrix(Name("ffn_up"), Source("mlp.up_proj"), matrix, model.Intermediate, model.Hidden);
            Matrix(Name("ffn_down"), Source("mlp.down_proj"), matrix, model.Hidden, model.Intermediate);
        }

        file.Write(path);
    }

    private static GgufTensorType TypeOf(Precision precision) => precision switch
    {
        Precision.Fp32 => GgufTensorType.Float32,
        Precision.Bf16 => GgufTensorType.BFloat16,
        Precision.Fp16 => GgufTensorType.Float16,
        Precision.Int8 => GgufTensorType.Q8,
        Precision.Int4 => GgufTensorType.Q4,
        _ => throw new ArgumentOutOfRangeException(nameof(precision), precision, "No type of llama.cpp is known for this precision."),
    };

    // llama.cpp rotates channel 2i of a head with 2i + 1, the checkpoint i with i + half of the head.
    private static float[] Interleaved(LlamaCheckpoint model, string source, int heads)
    {
        float[] weights = model.Read(source, (long)heads * model.HeadSize, model.Hidden);
        float[] result = new float[weights.Length];
        int half = model.HeadSize / 2;
        for (int row = 0; row < heads * model.HeadSize; row++)
        {
            int channel = row % model.HeadSize;
            int from = row - channel + channel % 2 * half + channel / 2;
            weights.AsSpan(from * model.Hidden, model.Hidden).CopyTo(result.AsSpan(row * model.Hidden));
        }

        return result;
    }
}
