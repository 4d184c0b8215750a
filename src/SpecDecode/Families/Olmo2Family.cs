using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Families;

/// <summary>OLMo 2: norms behind the blocks in place of before them, and on queries and keys over all their heads.</summary>
internal sealed class Olmo2Family : IModelFamily
{
    /// <inheritdoc/>
    public FamilyDefaults Defaults { get; } = new("olmo2") { MaxPositions = 2048, Epsilon = 1e-5 };

    /// <inheritdoc/>
    public DecoderDescription Describe(Checkpoint checkpoint) => new StandardDecoder(checkpoint, Defaults)
    {
        AttentionInputNorm = null,
        AttentionOutputNorm = "post_attention_layernorm",
        MlpInputNorm = null,
        MlpOutputNorm = "post_feedforward_layernorm",
        NormsEachHead = false,
    }.Describe();
}
