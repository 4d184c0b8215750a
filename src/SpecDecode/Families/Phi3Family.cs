using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Families;

/// <summary>Phi 3, 3.5 and 4: fused projections, a partial rotary embedding, LongRoPE, a sliding window in every layer.</summary>
internal sealed class Phi3Family : IModelFamily
{
    /// <inheritdoc/>
    public string ModelType => "phi3";

    /// <inheritdoc/>
    public DecoderDescription Describe(Checkpoint checkpoint)
    {
        int? window = WindowConfig.Size(checkpoint.Config);
        return new StandardDecoder(checkpoint, ModelType) { IsFused = true, Window = _ => window }.Describe();
    }
}
