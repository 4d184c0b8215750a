using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Families;

/// <summary>Mistral: a Llama of which every layer sees a sliding window, where the config has one.</summary>
internal sealed class MistralFamily : IModelFamily
{
    /// <inheritdoc/>
    public FamilyDefaults Defaults { get; } = new("mistral") { MaxPositions = 131_072, KeyValueHeads = 8, Window = 4096 };

    /// <inheritdoc/>
    public DecoderDescription Describe(Checkpoint checkpoint) => new StandardDecoder(checkpoint, Defaults)
    {
        Window = new WindowConfig(checkpoint.Config, Defaults).Everywhere(),
    }.Describe();
}
