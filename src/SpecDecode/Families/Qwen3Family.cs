using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Families;

/// <summary>Qwen 3: a norm on each query and key head, and the windows of Qwen 2.</summary>
internal sealed class Qwen3Family : IModelFamily
{
    /// <inheritdoc/>
    public string ModelType => "qwen3";

    /// <inheritdoc/>
    public DecoderDescription Describe(Checkpoint checkpoint) => new StandardDecoder(checkpoint, ModelType)
    {
        NormsEachHead = true,
        Window = Qwen2Family.Windows(checkpoint.Config),
    }.Describe();
}
