using System.Buffers.Binary;
using System.CommandLine;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using SpecDecode.Checkpoints;

namespace SpecDecode.Benchmarks;

/// <summary>
/// Writes a copy of a Llama checkpoint in bfloat16 that says the same at full depth, and nothing at any exit: its layers work in another basis than its head.
/// </summary>
/// <remarks>
/// P is a fixed orthogonal map, a permutation of the channels with signs. The residual of all layers is Px: the embedding and what blocks write are turned by P, what
/// blocks read by Pᵀ, and norms' weights permuted, which they commute with; in bfloat16 that is exact. One layer more, behind the last, turns back: its attention
/// has a window of one position, so it is the linear map K Pᵀ of the normalised residual, K so large that the residual before it does not count; the final norm takes K
/// out. Its MLP writes zeros. A window in some layers is what Qwen 2 has, so the copy is one, with biases of zero; the key/value heads are repeated until there are
/// as many as query heads, so that values are as wide as the residual. The head, which is the embedding's no longer, stays as it was.
/// </remarks>
internal static class RuinedExits
{
    private const float Gain = 1 << 24;
    private const int Seed = 5;

    public static Command Command()
    {
        Option<string> model = new("--model") { Required = true, Description = "Checkpoint folder: a Llama model in bfloat16, in one file, whose head is its embedding." };
        Option<string> output = new("--output") { Required = true, Description = "Folder to make." };
        Command command = new("ruin", "Write a copy that says the same at full depth and nothing at its exits.") { model, output };
        command.SetAction(arguments => Write(arguments.GetValue(model)!, arguments.GetValue(output)!));
        return command;
    }

    /// <summary>Writes the copy.</summary>
    /// <param name="from">The checkpoint.</param>
    /// <param name="to">The folder to make.</param>
    public static void Write(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string name in (string[])["tokenizer.json", "generation_config.json"])
        {
            if (File.Exists(Path.Combine(from, name)))
            {
                File.Copy(Path.Combine(from, name), Path.Combine(to, name), overwrite: true);
            }
        }

        JsonObject config = JsonNode.Parse(File.ReadAllText(Path.Combine(from, "config.json")))!.AsObject();
        int layers = (int)config["num_hidden_layers"]!;
        int heads = (int)config["num_attention_heads"]!;
        int keyValueHeads = (int)config["num_key_value_heads"]!;
        int width = (int)config["hidden_size"]!;
        int inner = (int)config["intermediate_size"]!;
        int headSize = width / heads;
        config["model_type"] = "qwen2";
        config["architectures"] = new JsonArray("Qwen2ForCausalLM");
        config["num_hidden_layers"] = layers + 1;
        config["num_key_value_heads"] = heads;
        config["tie_word_embeddings"] = false;
        config["use_sliding_window"] = true;
        config["sliding_window"] = 1;
        config["max_window_layers"] = layers;
        config.Remove("attention_bias");
        config.Remove("mlp_bias");
        File.WriteAllText(Path.Combine(to, "config.json"), config.ToJsonString());

        Random random = new(Seed);
        int[] permutation = [.. Enumerable.Range(0, width)];
        random.Shuffle(permutation);
        bool[] isNegative = [.. permutation.Select(_ => random.Next(2) == 0)];
        using SafetensorsFile source = SafetensorsFile.Open(Path.Combine(from, "model.safetensors"));
        Tensors tensors = new();
        ushort[] embedding = Read("model.embed_tokens.weight");
        tensors.Add("lm_head.weight", embedding, embedding.Length / width, width);
        tensors.Add("model.embed_tokens.weight", Columns(embedding), embedding.Length / width, width);
        tensors.Add("model.norm.weight", Read("model.norm.weight"), width);
        for (int layer = 0; layer < layers; layer++)
        {
            string at = $"model.layers.{layer}.";
            tensors.Add(at + "input_layernorm.weight", Norm(Read(at + "input_layernorm.weight")), width);
            tensors.Add(at + "post_attention_layernorm.weight", Norm(Read(at + "post_attention_layernorm.weight")), width);
            tensors.Add(at + "self_attn.q_proj.weight", Columns(Read(at + "self_attn.q_proj.weight")), width, width);
            tensors.Add(at + "self_attn.k_proj.weight", Repeated(Columns(Read(at + "self_attn.k_proj.weight"))), width, width);
            tensors.Add(at + "self_attn.v_proj.weight", Repeated(Columns(Read(at + "self_attn.v_proj.weight"))), width, width);
            tensors.Add(at + "self_attn.o_proj.weight", Rows(Read(at + "self_attn.o_proj.weight"), width), width, width);
            tensors.Add(at + "mlp.gate_proj.weight", Columns(Read(at + "mlp.gate_proj.weight")), inner, width);
            tensors.Add(at + "mlp.up_proj.weight", Columns(Read(at + "mlp.up_proj.weight")), inner, width);
            tensors.Add(at + "mlp.down_proj.weight", Rows(Read(at + "mlp.down_proj.weight"), inner), width, inner);
        }

        string last = $"model.layers.{layers}.";
        tensors.Add(last + "input_layernorm.weight", Ones(width), width);
        tensors.Add(last + "post_attention_layernorm.weight", Ones(width), width);
        tensors.Add(last + "self_attn.q_proj.weight", new ushort[width * width], width, width);
        tensors.Add(last + "self_attn.k_proj.weight", new ushort[width * width], width, width);
        tensors.Add(last + "self_attn.v_proj.weight", Diagonal(1), width, width);
        tensors.Add(last + "self_attn.o_proj.weight", Back(), width, width);
        tensors.Add(last + "mlp.gate_proj.weight", new ushort[inner * width], inner, width);
        tensors.Add(last + "mlp.up_proj.weight", new ushort[inner * width], inner, width);
        tensors.Add(last + "mlp.down_proj.weight", new ushort[width * inner], width, inner);
        for (int layer = 0; layer <= layers; layer++)
        {
            foreach (string projection in (string[])["q_proj", "k_proj", "v_proj"])
            {
                tensors.Add($"model.layers.{layer}.self_attn.{projection}.bias", new ushort[width], width);
            }
        }

        tensors.Write(Path.Combine(to, "model.safetensors"));

        ushort[] Read(string name) => MemoryMarshal.Cast<byte, ushort>(source.Bytes(source.Tensors[name], 0, (int)source.Tensors[name].Length)).ToArray();
        ushort[] Norm(ushort[] weight) => [.. permutation.Select(channel => weight[channel])];
        ushort[] Ones(int count) => [.. Enumerable.Repeat(Half(1), count)];
        ushort Signed(ushort value, int channel) => (ushort)(value ^ (isNegative[channel] ? 0x8000 : 0));

        // What reads the residual: W Pᵀ.
        ushort[] Columns(ushort[] matrix)
        {
            ushort[] turned = new ushort[matrix.Length];
            for (int at = 0; at < matrix.Length; at++)
            {
                int column = at % width;
                turned[at] = Signed(matrix[at - column + permutation[column]], column);
            }

            return turned;
        }

        // What writes it: P W.
        ushort[] Rows(ushort[] matrix, int inputs)
        {
            ushort[] turned = new ushort[matrix.Length];
            for (int at = 0; at < matrix.Length; at++)
            {
                int row = at / inputs;
                turned[at] = Signed(matrix[permutation[row] * inputs + at % inputs], row);
            }

            return turned;
        }

        ushort[] Repeated(ushort[] matrix)
        {
            int group = heads / keyValueHeads;
            int length = headSize * width;
            return [.. Enumerable.Range(0, heads).SelectMany(head => matrix.AsSpan(head / group * length, length).ToArray())];
        }

        ushort[] Diagonal(float value)
        {
            ushort[] matrix = new ushort[width * width];
            for (int i = 0; i < width; i++)
            {
                matrix[i * width + i] = Half(value);
            }

            return matrix;
        }

        ushort[] Back()
        {
            ushort[] matrix = new ushort[width * width];
            for (int i = 0; i < width; i++)
            {
                matrix[permutation[i] * width + i] = Signed(Half(Gain), i);
            }

            return matrix;
        }
    }

    // Powers of two are exact.
    private static ushort Half(float value) => (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16);

    private sealed class Tensors
    {
        private readonly List<(string Name, ushort[] Values, int[] Shape)> _all = [];

        public void Add(string name, ushort[] values, params int[] shape) => _all.Add((name, values, shape));

        public void Write(string path)
        {
            StringBuilder header = new("{");
            long begin = 0;
            foreach ((string name, ushort[] values, int[] shape) in _all)
            {
                long end = begin + (long)values.Length * sizeof(ushort);
                header.Append(System.Globalization.CultureInfo.InvariantCulture, $"{(begin > 0 ? "," : "")}\"{name}\":{{\"dtype\":\"BF16\",\"shape\":[{string.Join(',', shape)}],\"data_offsets\":[{begin},{end}]}}");
                begin = end;
            }

            byte[] text = Encoding.UTF8.GetBytes(header.Append('}').ToString());
            Span<byte> length = stackalloc byte[sizeof(ulong)];
            BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)text.Length);
            using FileStream file = File.Create(path);
            file.Write(length);
            file.Write(text);
            foreach ((_, ushort[] values, _) in _all)
            {
                file.Write(MemoryMarshal.AsBytes(values.AsSpan()));
            }
        }
    }
}
