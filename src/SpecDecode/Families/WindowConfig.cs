using SpecDecode.Checkpoints;

namespace SpecDecode.Families;

/// <summary>Reads which layers see only the last so many positions, and how many.</summary>
internal static class WindowConfig
{
    private const string Sliding = "sliding_attention";
    private const string Full = "full_attention";

    /// <summary>What <c>layer_types</c> may hold.</summary>
    public static IReadOnlyList<string> LayerTypeNames { get; } = [Full, Sliding];

    /// <summary>How many positions a row sees, its own included.</summary>
    /// <returns>The number in <c>sliding_window</c>; null where the key is absent or null: all.</returns>
    public static int? Size(ConfigDocument config) => config.Has("sliding_window") ? config.PositiveInt("sliding_window") : null;

    /// <summary>The window of each layer: those that <c>layer_types</c> names have it, or without that key those of a rule.</summary>
    /// <param name="config">config.json.</param>
    /// <param name="size">The window; null for none in any layer.</param>
    /// <param name="rule">Whether a layer has it where <c>layer_types</c> is absent.</param>
    /// <exception cref="CheckpointException">An unknown layer type, or not one for each layer.</exception>
    public static Func<int, int?> ByLayer(ConfigDocument config, int? size, Func<int, bool> rule)
    {
        if (config.Has("layer_types"))
        {
            IReadOnlyList<string> types = config.Strings("layer_types");
            CheckLength(config, "layer_types", types.Count);
            string? unknown = types.FirstOrDefault(type => !LayerTypeNames.Contains(type));
            if (unknown is not null)
            {
                throw config.Error("layer_types", $"has '{unknown}', a kind of layer that is not supported: use a checkpoint with {Full} and {Sliding}");
            }

            rule = layer => types[layer] == Sliding;
        }

        return layer => rule(layer) ? size : null;
    }

    /// <summary>Refuses a list that has not one entry for each layer.</summary>
    public static void CheckLength(ConfigDocument config, string key, int count)
    {
        int layers = config.PositiveInt("num_hidden_layers");
        if (count != layers)
        {
            throw config.Error(key, $"has {count} entries, but num_hidden_layers is {layers}: restore the published config.json");
        }
    }
}
