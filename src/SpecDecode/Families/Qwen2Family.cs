using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Families;

/// <summary>Qwen 2 and 2.5: biases on q, k and v alone, and a sliding window that a switch turns on for the later layers.</summary>
internal sealed class Qwen2Family : IModelFamily
{
    /// <inheritdoc/>
    public string ModelType => "qwen2";

    /// <inheritdoc/>
    public DecoderDescription Describe(Checkpoint checkpoint) => new StandardDecoder(checkpoint, ModelType)
    {
        QueryKeyValueBias = checkpoint.Config.Bool("attention_bias", true),
        OutputBias = null,
        Window = Windows(checkpoint.Config),
    }.Describe();

    /// <summary>The window that <c>use_sliding_window</c> turns on: by <c>layer_types</c>, or from layer <c>max_window_layers</c> on.</summary>
    public static Func<int, int?> Windows(ConfigDocument config)
    {
        int? size = config.Bool("use_sliding_window", false) ? WindowConfig.Size(config) : null;
        int first = config.NonNegativeInt("max_window_layers", 28);
        return WindowConfig.ByLayer(config, size, layer => layer >= first);
    }
}
