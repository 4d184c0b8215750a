using System.Text.Json.Nodes;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Families;

/// <summary>SmolLM 3: some layers without rotary embedding, by a list or at an interval; those may have a sliding window.</summary>
internal sealed class SmolLm3Family : IModelFamily
{
    private const string FlagsKey = "no_rope_layers";

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

    /// <inheritdoc/>
    /// <remarks>Without a list the rule is an interval, which layers that are left out would shift.</remarks>
    public IEnumerable<(string Key, JsonNode Value)> KeysByNumber(ConfigDocument config, DecoderDescription model, IReadOnlyList<int> layers) =>
        [(FlagsKey, new JsonArray([.. layers.Select(layer => JsonValue.Create(model.Layers[layer].Attention.Attend.Rotary is null ? 0 : 1))]))];

    // In no_rope_layers, 1 stands for a layer that does have the embedding.
    private static Func<int, bool> Rotated(ConfigDocument config)
    {
        IReadOnlyList<int> flags = config.IntOrInts(FlagsKey);
        if (flags.Count == 0)
        {
            int interval = config.NotNull("no_rope_layer_interval").PositiveInt("no_rope_layer_interval", 4);
            return layer => (layer + 1) % interval != 0;
        }

        WindowConfig.CheckLength(config, FlagsKey, flags.Count);
        return flags.All(flag => flag is 0 or 1)
            ? layer => flags[layer] == 1
            : throw config.Error(FlagsKey, "has a number other than 0 and 1: restore the published config.json");
    }
}
