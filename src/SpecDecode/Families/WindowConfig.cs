using System.Text.Json.Nodes;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Families;

/// <summary>Reads which layers see only the last so many positions, and how many.</summary>
/// <param name="config">config.json.</param>
/// <param name="family">The family's defaults.</param>
internal sealed class WindowConfig(ConfigDocument config, FamilyDefaults family)
{
    /// <summary>The key with a kind for each layer.</summary>
    public const string TypesKey = "layer_types";

    private const string SizeKey = "sliding_window";
    private const string SwitchKey = "use_sliding_window";
    private const string Sliding = "sliding_attention";
    private const string Full = "full_attention";

    /// <summary>No layer has a window: the family does not read the key, so one that would cut something off is refused.</summary>
    /// <exception cref="CheckpointException">The config asks for windows.</exception>
    public Func<int, int?> None()
    {
        int longest = config.PositiveInt("max_position_embeddings", family.MaxPositions);
        if (config.Has(SizeKey) && config.PositiveInt(SizeKey) < longest && config.Bool(SwitchKey, true))
        {
            throw config.Error(SizeKey, $"is there, but {config.NameOf("model_type")} is {family.ModelType}, a family without windows: {Agreement.Mend}");
        }

        return Confirmed(null, config.NameOf("model_type"));
    }

    /// <summary>Every layer has the window, where there is one.</summary>
    /// <exception cref="CheckpointException">The config asks for other windows.</exception>
    public Func<int, int?> Everywhere()
    {
        int? size = Size();
        if (size is not null && !config.Bool(SwitchKey, true))
        {
            throw config.Error(SwitchKey, $"is false, but {config.NameOf(SizeKey)} is {size}, which this family reads without it: {Agreement.Mend}");
        }

        return Confirmed(size, config.NameOf(SizeKey));
    }

    /// <summary>
    /// The layers that <c>layer_types</c> names have the window, or without that key those of a rule.
    /// </summary>
    /// <param name="rule">Whether a layer has it where <c>layer_types</c> is absent.</param>
    /// <param name="isSwitched">Whether <c>use_sliding_window</c>, which is false where it is absent, turns all windows on or off.</param>
    /// <exception cref="CheckpointException">An unknown layer type, not one for each layer, or a type that needs a window that there is not.</exception>
    public Func<int, int?> ByLayer(Func<int, bool> rule, bool isSwitched)
    {
        bool isOn = !isSwitched || config.Bool(SwitchKey, false);
        int? size = isOn ? Size() : null;
        if (Types() is not { } types)
        {
            return layer => rule(layer) ? size : null;
        }

        return size is not null || !types.Contains(Sliding)
            ? layer => types[layer] == Sliding ? size : null
            : throw config.Error(
                TypesKey, $"has {Sliding}, but {config.NameOf(isOn ? SizeKey : SwitchKey)} says that there is no window: {Agreement.Mend}");
    }

    /// <summary>The kinds of some layers of a model, as <see cref="TypesKey"/> has them.</summary>
    /// <param name="model">The model.</param>
    /// <param name="layers">The layers.</param>
    public static JsonArray TypesOf(DecoderDescription model, IReadOnlyList<int> layers) =>
        [.. layers.Select(layer => JsonValue.Create(model.Layers[layer].Attention.Attend.Window is null ? Full : Sliding))];

    /// <summary>Refuses a list that has not one entry for each layer.</summary>
    public static void CheckLength(ConfigDocument config, string key, int count)
    {
        int layers = config.PositiveInt("num_hidden_layers");
        if (count != layers)
        {
            throw config.Error(key, $"has {count} entries, but num_hidden_layers is {layers}: restore the published config.json");
        }
    }

    // Null is no window in every family; what absence means is the family's matter.
    private int? Size() =>
        config.Has(SizeKey) ? config.PositiveInt(SizeKey) : config.IsNull(SizeKey) ? null : family.Window;

    // Layer types that the family does not read, but that say what it does.
    private Func<int, int?> Confirmed(int? size, string read)
    {
        string every = size is null ? Full : Sliding;
        return Types() is not { } types || types.All(type => type == every)
            ? _ => size
            : throw config.Error(TypesKey, $"gives some layer another window than {read}, by which all layers of this family are {every}: {Agreement.Mend}");
    }

    private IReadOnlyList<string>? Types()
    {
        if (!config.Has(TypesKey))
        {
            return null;
        }

        IReadOnlyList<string> types = config.Strings(TypesKey);
        CheckLength(config, TypesKey, types.Count);
        return types.FirstOrDefault(type => type is not (Full or Sliding)) is { } unknown
            ? throw config.Error(TypesKey, $"has '{unknown}', a kind of layer that is not supported: use a checkpoint with {Full} and {Sliding}")
            : types;
    }
}
