using System.Buffers.Binary;
using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace SpecDecode.Benchmarks;

/// <summary>
/// Writes a Llama checkpoint with random bfloat16 weights, for measuring what does not depend on what they say. With a tokenizer, whose tokens are bytes, it
/// writes texts; with a head of its own what an exit chooses in them has nothing to do with what the model chooses.
/// </summary>
internal static class RandomCheckpoint
{
    private static readonly Dictionary<string, Shape> Shapes = new()
    {
        ["smollm2-135m"] = new(576, 1536, 30, 9, 3, 49_152),
        ["smollm2-360m"] = new(960, 2560, 32, 15, 5, 49_152),
        ["qwen2.5-0.5b"] = new(896, 4864, 24, 14, 2, 151_936),
        ["llama-3.2-1b"] = new(2048, 8192, 16, 32, 8, 128_256),
    };

    public static Command Command()
    {
        Option<string> output = new("--output") { Required = true, Description = "Folder to make." };
        Option<string> shape = new("--shape") { DefaultValueFactory = _ => "smollm2-135m", Description = "One of " + string.Join(", ", Shapes.Keys) + "." };
        shape.AcceptOnlyFromAmong([.. Shapes.Keys]);
        Option<int> positions = new("--positions") { DefaultValueFactory = _ => 8192, Description = "Positions that the model knows." };
        Option<bool> tokenizer = new("--tokenizer") { Description = "Give it a tokenizer, with a token for each byte." };
        Option<bool> untied = new("--untied") { Description = "Give it a head of its own." };
        Command command = new("random", "Write a checkpoint of a published shape with random weights.") { output, shape, positions, tokenizer, untied };
        command.SetAction(arguments =>
            Write(arguments.GetValue(output)!, Shapes[arguments.GetValue(shape)!], arguments.GetValue(positions), arguments.GetValue(tokenizer), arguments.GetValue(untied)));
        return command;
    }

    private static void Write(string folder, Shape shape, int positions, bool hasTokenizer, bool isUntied)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "config.json"), string.Create(CultureInfo.InvariantCulture, $$"""
            {
              "model_type": "llama", "hidden_size": {{shape.Hidden}}, "intermediate_size": {{shape.Intermediate}}, "num_hidden_layers": {{shape.Layers}},
              "num_attention_heads": {{shape.Heads}}, "num_key_value_heads": {{shape.KeyValueHeads}}, "head_dim": 64, "vocab_size": {{shape.Vocabulary}},
              "max_position_embeddings": {{positions}}, "rms_norm_eps": 1e-05, "rope_theta": 100000, "hidden_act": "silu", "tie_word_embeddings": {{(isUntied ? "false" : "true")}}
            }
            """));
        List<(string Name, long[] Shape)> tensors = [("model.embed_tokens.weight", [shape.Vocabulary, shape.Hidden]), ("model.norm.weight", [shape.Hidden])];
        for (int i = 0; i < shape.Layers; i++)
        {
            string layer = $"model.layers.{i}.";
            tensors.AddRange(
            [
                (layer + "input_layernorm.weight", [shape.Hidden]), (layer + "post_attention_layernorm.weight", [shape.Hidden]),
                (layer + "self_attn.q_proj.weight", [64 * shape.Heads, shape.Hidden]), (layer + "self_attn.k_proj.weight", [64 * shape.KeyValueHeads, shape.Hidden]),
                (layer + "self_attn.v_proj.weight", [64 * shape.KeyValueHeads, shape.Hidden]), (layer + "self_attn.o_proj.weight", [shape.Hidden, 64 * shape.Heads]),
                (layer + "mlp.gate_proj.weight", [shape.Intermediate, shape.Hidden]), (layer + "mlp.up_proj.weight", [shape.Intermediate, shape.Hidden]),
                (layer + "mlp.down_proj.weight", [shape.Hidden, shape.Intermediate]),
            ]);
        }

        if (isUntied)
        {
            tensors.Add(("lm_head.weight", [shape.Vocabulary, shape.Hidden]));
        }

        if (hasTokenizer)
        {
            File.WriteAllText(Path.Combine(folder, "tokenizer.json"), Tokenizer(shape.Vocabulary));
        }

        StringBuilder header = new("{");
        long offset = 0;
        foreach ((string name, long[] dimensions) in tensors)
        {
            long length = 2 * dimensions.Aggregate(1L, (product, dimension) => product * dimension);
            header.Append(CultureInfo.InvariantCulture, $"{(offset > 0 ? "," : "")}\"{name}\":{{\"dtype\":\"BF16\",\"shape\":[{string.Join(',', dimensions)}],\"data_offsets\":[{offset},{offset + length}]}}");
            offset += length;
        }

        byte[] json = Encoding.UTF8.GetBytes(header.Append('}').ToString());
        using FileStream stream = File.Create(Path.Combine(folder, "model.safetensors"));
        byte[] length8 = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length8, json.Length);
        stream.Write(length8);
        stream.Write(json);
        Random random = new(1);
        foreach ((string name, long[] dimensions) in tensors)
        {
            byte[] weights = new byte[2 * dimensions.Aggregate(1L, (product, dimension) => product * dimension)];
            for (int i = 0; i < weights.Length; i += 2)
            {
                // Nearly normal, of the size that trained matrices have; norms around 1.
                float weight = dimensions.Length == 1 ? 1 : (random.NextSingle() + random.NextSingle() + random.NextSingle() - 1.5f) * 0.06f;
                BinaryPrimitives.WriteUInt16LittleEndian(weights.AsSpan(i), (ushort)(BitConverter.SingleToUInt32Bits(weight) >> 16));
            }

            stream.Write(weights);
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{folder}: {offset / 2e6:f0} M parameters"));
    }

    // Byte-level BPE without merges: 256 tokens for bytes, and names for the rest of the vocabulary.
    private static string Tokenizer(int vocabulary)
    {
        Dictionary<string, int> tokens = [];
        int unprintable = 256;
        for (int value = 0; value < 256; value++)
        {
            bool isPrintable = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            tokens[((char)(isPrintable ? value : unprintable++)).ToString()] = value;
        }

        for (int token = 256; token < vocabulary; token++)
        {
            tokens[string.Create(CultureInfo.InvariantCulture, $"<{token}>")] = token;
        }

        var bytes = new { type = "ByteLevel", add_prefix_space = false, trim_offsets = true, use_regex = true };
        return JsonSerializer.Serialize(new
        {
            version = "1.0", added_tokens = Array.Empty<object>(), pre_tokenizer = bytes, decoder = bytes,
            model = new { type = "BPE", vocab = tokens, merges = Array.Empty<string>() },
        });
    }

    private sealed record Shape(int Hidden, int Intermediate, int Layers, int Heads, int KeyValueHeads, int Vocabulary);
}
