using System.Text.Json.Nodes;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Families;

/// <summary>Qwen 2 and 2.5: biases on q, k and v alone, and a sliding window that a switch turns on for the later layers.</summary>
internal sealed class Qwen2Family : IModelFamily
{
    private const string FirstKey = "max_window_layers";

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
        int first = FirstWithWindow(config);
        return new WindowConfig(config, family).ByLayer(layer => layer >= first, isSwitched: true);
    }

    /// <inheritdoc/>
    public IEnumerable<(string Key, JsonNode Value)> KeysByNumber(ConfigDocument config, DecoderDescription model, IReadOnlyList<int> layers) =>
        WindowKeys(config, model, layers);

    /// <summary>From which of the layers that stay the window is on, where <c>layer_types</c> does not say it.</summary>
    /// <param name="config">config.json of the whole model, a Qwen 2 or 3.</param>
    /// <param name="model">The whole model.</param>
    /// <param name="layers">The layers that stay, in their order.</param>
    public static IEnumerable<(string Key, JsonNode Value)> WindowKeys(ConfigDocument config, DecoderDescription model, IReadOnlyList<int> layers)
    {
        bool isAsked = config.Has(FirstKey) || model.Layers.Any(layer => layer.Attention.Attend.Window is not null);
        return config.Has(WindowConfig.TypesKey) || !isAsked ? [] : [(FirstKey, layers.Count(layer => layer < FirstWithWindow(config)))];
    }

    private static int FirstWithWindow(ConfigDocument config) => config.NotNull(FirstKey).NonNegativeInt(FirstKey, 28);
}
