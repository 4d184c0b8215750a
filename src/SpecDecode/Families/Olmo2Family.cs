using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Families;

/// <summary>OLMo 2: norms behind the blocks in place of before them, and on queries and keys over all their heads.</summary>
internal sealed class Olmo2Family : IModelFamily
{
    /// <inheritdoc/>
    public string ModelType => "olmo2";

    /// <inheritdoc/>
    public DecoderDescription Describe(Checkpoint checkpoint) => new StandardDecoder(checkpoint, ModelType)
    {
        AttentionInputNorm = null,
        AttentionOutputNorm = "post_attention_layernorm",
        MlpInputNorm = null,
        MlpOutputNorm = "post_feedforward_layernorm",
        NormsEachHead = false,
    }.Describe();
}
