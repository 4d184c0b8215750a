using System.Text.Json.Nodes;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Families;

/// <summary>Qwen 3: a norm on each query and key head, and the windows of Qwen 2.</summary>
internal sealed class Qwen3Family : IModelFamily
{
    /// <inheritdoc/>
    public FamilyDefaults Defaults { get; } = new("qwen3")
    {
        MaxPositions = 32_768, KeyValueHeads = 32, HeadSize = 128, Window = 4096,
    };

    /// <inheritdoc/>
    public DecoderDescription Describe(Checkpoint checkpoint) => new StandardDecoder(checkpoint, Defaults)
    {
        NormsEachHead = true,
        Window = Qwen2Family.Windows(checkpoint.Config, Defaults),
    }.Describe();

    /// <inheritdoc/>
    public IEnumerable<(string Key, JsonNode Value)> KeysByNumber(ConfigDocument config, DecoderDescription model, IReadOnlyList<int> layers) =>
        Qwen2Family.WindowKeys(config, model, layers);
}
