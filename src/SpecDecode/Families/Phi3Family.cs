using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Families;

/// <summary>Phi 3, 3.5 and 4: fused projections, a partial rotary embedding, LongRoPE, a sliding window in every layer.</summary>
internal sealed class Phi3Family : IModelFamily
{
    /// <inheritdoc/>
    public FamilyDefaults Defaults { get; } = new("phi3")
    {
        MaxPositions = 4096, OriginalContext = 4096, CallsLongRopeYarn = true, Epsilon = 1e-5,
    };

    /// <inheritdoc/>
    public DecoderDescription Describe(Checkpoint checkpoint) => new StandardDecoder(checkpoint, Defaults)
    {
        IsFused = true,
        Window = new WindowConfig(checkpoint.Config, Defaults).Everywhere(),
    }.Describe();
}
