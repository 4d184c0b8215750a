using static SpecDecode.Checkpoints.CheckpointText;

namespace SpecDecode.Checkpoints;

/// <summary>Knows checkpoints whose weights are quantised, by config.json, by the files of tools, or by the tensors themselves.</summary>
internal static class QuantizedCheckpoint
{
    private const string MethodKey = "quant_method";

    // Files in which tools say how they quantised.
    private static readonly string[] Files = ["quantize_config.json", "quant_config.json", "hf_quant_config.json"];

    // Endings of tensor names that only a quantised checkpoint has, and whose they are; the more particular ones first.
    private static readonly (string Ending, string Method)[] Endings =
    [
        (".qzeros", "GPTQ or AWQ"),
        (".g_idx", "GPTQ"),
        (".qweight", "GPTQ, AWQ or EETQ"),
        (".weight.absmax", "bitsandbytes"),
        (".SCB", "bitsandbytes"),
        (".weight_scale_2", "NVFP4"),
        (".weight_packed", "compressed-tensors"),
        (".weight_scale_inv", "FP8"),
        (".weight_scale", "FP8 or compressed-tensors"),
        (".W_q", "HQQ"),
        (".weight._data", "quanto"),
        (".weight_qdata", "torchao"),
        (".trellis", "EXL3"),
        (".q_weight", "EXL2"),
        ("_blocks", "MXFP4"),
    ];

    /// <summary>Refuses a checkpoint whose weights are quantised, and says with what.</summary>
    /// <param name="checkpoint">The opened folder.</param>
    /// <exception cref="CheckpointException">They are.</exception>
    public static void Refuse(Checkpoint checkpoint)
    {
        if (Method(checkpoint) is { } method)
        {
            throw new CheckpointException(checkpoint.Folder, $"is a checkpoint quantised with {method}, which is not read; "
                + "use the unquantised checkpoint that it was made of, and quantise it here with the precision int8 or int4");
        }
    }

    private static string? Method(Checkpoint checkpoint) => OfConfig(checkpoint.Config) ?? OfFile(checkpoint.Folder) ?? OfTensors(checkpoint.Tensors);

    private static string? OfConfig(ConfigDocument config)
    {
        foreach (string key in (string[])["quantization_config", "compression_config", "quantization"])
        {
            if (config.Object(key) is { IsEmpty: false } settings)
            {
                // MLX writes how many bits a weight has, and no name.
                string name = settings.Has(MethodKey) ? Shorten(settings.RequiredString(MethodKey)) : settings.Has("group_size") ? "MLX" : "an unnamed method";
                string algorithm = settings.String("quant_algo", null) is { } written ? $" {Shorten(written)}" : "";
                return $"{name}{algorithm} (\"{key}\" in {CheckpointFolder.Config})";
            }
        }

        return null;
    }

    private static string? OfFile(string folder) =>
        Files.FirstOrDefault(name => CheckpointFolder.IsThere(Path.Combine(folder, name))) is { } file ? $"the settings in {file}" : null;

    private static string? OfTensors(IReadOnlyDictionary<string, TensorEntry> tensors)
    {
        foreach ((string ending, string method) in Endings)
        {
            if (tensors.Keys.FirstOrDefault(name => name.EndsWith(ending, StringComparison.Ordinal)) is { } found)
            {
                return $"{method} (tensor {Quote(found)})";
            }
        }

        // MLX packs eight 4-bit weights into a word and has a scale and a bias for each group.
        return tensors.Values.FirstOrDefault(tensor => tensor.ElementType == TensorElementType.UInt32
            && tensor.Name.EndsWith(".weight", StringComparison.Ordinal)
            && tensors.ContainsKey(tensor.Name[..^".weight".Length] + ".scales")) is { } packed
            ? $"MLX (tensor {Quote(packed.Name)})"
            : null;
    }
}
