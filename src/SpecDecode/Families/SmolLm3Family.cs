using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Families;

/// <summary>SmolLM 3: some layers without rotary embedding, by a list or at an interval; those may have a sliding window.</summary>
internal sealed class SmolLm3Family : IModelFamily
{
    /// <inheritdoc/>
    public FamilyDefaults Defaults { get; } = new("smollm3")
    {
        MaxPositions = 32_768, KeyValueHeads = 4, RotaryBase = 2_000_000, TiesHead = true,
    };

    /// <inheritdoc/>
    public DecoderDescription Describe(Checkpoint checkpoint)
    {
        ConfigDocument config = checkpoint.Config;
        Func<int, bool> isRotated = Rotated(config);
        return new StandardDecoder(checkpoint, Defaults)
        {
            IsRotated = isRotated,
            Window = new WindowConfig(config, Defaults).ByLayer(layer => !isRotated(layer), isSwitched: true),
        }.Describe();
    }

    // In no_rope_layers, 1 stands for a layer that does have the embedding.
    private static Func<int, bool> Rotated(ConfigDocument config)
    {
        IReadOnlyList<int> flags = config.IntOrInts("no_rope_layers");
        if (flags.Count == 0)
        {
            int interval = config.NotNull("no_rope_layer_interval").PositiveInt("no_rope_layer_interval", 4);
            return layer => (layer + 1) % interval != 0;
        }

        WindowConfig.CheckLength(config, "no_rope_layers", flags.Count);
        return flags.All(flag => flag is 0 or 1)
            ? layer => flags[layer] == 1
            : throw config.Error("no_rope_layers", "has a number other than 0 and 1: restore the published config.json");
    }
}
