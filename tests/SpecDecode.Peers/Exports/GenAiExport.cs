using System.Text.Json.Nodes;

namespace SpecDecode.Peers.Exports;

/// <summary>A checkpoint as ONNX Runtime GenAI reads it: a graph, its weights and a configuration. There is no tokenizer in it: engines are given token ids.</summary>
internal static class GenAiExport
{
    /// <summary>Writes the files.</summary>
    /// <param name="model">The checkpoint.</param>
    /// <param name="precision">What matrices are rounded to.</param>
    /// <param name="folder">The folder, which is there.</param>
    public static void Write(LlamaCheckpoint model, Precision precision, string folder)
    {
        using OnnxDataFile data = new(Path.Combine(folder, "model.onnx.data"));
        File.WriteAllBytes(Path.Combine(folder, "model.onnx"), new GenAiGraph(model, precision, data).Build());
        File.WriteAllText(Path.Combine(folder, "genai_config.json"), Configuration(model).ToJsonString());
    }

    private static JsonObject Configuration(LlamaCheckpoint model) => new()
    {
        ["model"] = new JsonObject
        {
            ["type"] = "llama",
            ["vocab_size"] = model.Vocabulary,
            ["context_length"] = model.Context,
            ["bos_token_id"] = 0,

            // Nothing ends a text: all are written to their full length.
            ["eos_token_id"] = new JsonArray(),
            ["pad_token_id"] = 0,
            ["decoder"] = new JsonObject
            {
                ["session_options"] = new JsonObject { ["log_id"] = "onnxruntime-genai", ["provider_options"] = new JsonArray() },
                ["filename"] = "model.onnx",
                ["head_size"] = model.HeadSize,
                ["hidden_size"] = model.Hidden,
                ["num_attention_heads"] = model.Heads,
                ["num_hidden_layers"] = model.Layers,
                ["num_key_value_heads"] = model.KeyValueHeads,
                ["inputs"] = new JsonObject
                {
                    ["input_ids"] = "input_ids",
                    ["attention_mask"] = "attention_mask",
                    ["past_key_names"] = "past_key_values.%d.key",
                    ["past_value_names"] = "past_key_values.%d.value",
                },
                ["outputs"] = new JsonObject
                {
                    ["logits"] = "logits",
                    ["present_key_names"] = "present.%d.key",
                    ["present_value_names"] = "present.%d.value",
                },
            },
        },
        ["search"] = new JsonObject
        {
            ["do_sample"] = false,
            ["num_beams"] = 1,
            ["max_length"] = model.Context,
            ["past_present_share_buffer"] = true,
        },
    };
}
