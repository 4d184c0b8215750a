using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Families;

/// <summary>Qwen 2 and 2.5: biases on q, k and v alone, and a sliding window that a switch turns on for the later layers.</summary>
internal sealed class Qwen2Family : IModelFamily
{
    /// <inheritdoc/>
    public FamilyDefaults Defaults { get; } = new("qwen2")
    {
        MaxPositions = 32_768, KeyValueHeads = 32, AttentionBias = true, Window = 4096,
    };

    /// <inheritdoc/>
    public DecoderDescription Describe(Checkpoint checkpoint) => new StandardDecoder(checkpoint, Defaults)
    {
        HasOutputBias = false,
        Window = Windows(checkpoint.Config, Defaults),
    }.Describe();

    /// <summary>The window that <c>use_sliding_window</c> turns on: by <c>layer_types</c>, or from layer <c>max_window_layers</c> on.</summary>
    /// <param name="config">config.json.</param>
    /// <param name="family">The defaults of Qwen 2 or 3.</param>
    public static Func<int, int?> Windows(ConfigDocument config, FamilyDefaults family)
    {
        int first = config.NotNull("max_window_layers").NonNegativeInt("max_window_layers", 28);
        return new WindowConfig(config, family).ByLayer(layer => layer >= first, isSwitched: true);
    }
}
