using System.Text.Json.Nodes;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Families;

/// <summary>
/// How one family's config keys and tensor names map onto a <see cref="DecoderDescription"/>. This is all that a new
/// family writes; <see cref="DecoderDescriber"/> holds what families have in common.
/// </summary>
internal interface IModelFamily
{
    /// <summary>The <c>model_type</c> in config.json that this family reads, and what it takes for keys that are absent.</summary>
    FamilyDefaults Defaults { get; }

    /// <summary>Reads the config and looks up every tensor that the model needs, in order of use.</summary>
    /// <param name="checkpoint">The opened folder.</param>
    /// <returns>The model as data.</returns>
    /// <exception cref="CheckpointException">A key or a tensor is missing or does not fit the others.</exception>
    DecoderDescription Describe(Checkpoint checkpoint);

    /// <summary>
    /// Keys of config.json by which a rule goes by a layer's number, as they must read in a model that has only some of the layers. Lists
    /// with an entry for each layer are not among them: whoever leaves out layers shortens those.
    /// </summary>
    /// <param name="config">config.json of the whole model.</param>
    /// <param name="model">The whole model.</param>
    /// <param name="layers">The layers that stay, in their order.</param>
    /// <returns>The keys and their new values; none where a layer's number decides nothing.</returns>
    IEnumerable<(string Key, JsonNode Value)> KeysByNumber(ConfigDocument config, DecoderDescription model, IReadOnlyList<int> layers) => [];
}
