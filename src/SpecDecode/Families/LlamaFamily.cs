using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Families;

/// <summary>
/// Llama 2 and 3, TinyLlama, SmolLM2, the LayerSkip checkpoints: RMS norms before each block, grouped or multi-query
/// attention with rotary embedding, gated MLP, head tied to the embedding or its own.
/// </summary>
internal sealed class LlamaFamily : IModelFamily
{
    /// <inheritdoc/>
    public FamilyDefaults Defaults { get; } = new("llama") { MaxPositions = 2048 };

    /// <inheritdoc/>
    public DecoderDescription Describe(Checkpoint checkpoint) => new StandardDecoder(checkpoint, Defaults).Describe();
}
