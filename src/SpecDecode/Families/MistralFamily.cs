using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Families;

/// <summary>Mistral: a Llama of which every layer sees a sliding window, where the config has one.</summary>
internal sealed class MistralFamily : IModelFamily
{
    /// <inheritdoc/>
    public string ModelType => "mistral";

    /// <inheritdoc/>
    public DecoderDescription Describe(Checkpoint checkpoint)
    {
        int? window = WindowConfig.Size(checkpoint.Config);
        return new StandardDecoder(checkpoint, ModelType) { Window = _ => window }.Describe();
    }
}
