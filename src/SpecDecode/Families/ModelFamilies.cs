using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Families;

/// <summary>The families that this library reads, by <c>model_type</c>.</summary>
internal static class ModelFamilies
{
    private static readonly IModelFamily[] All =
    [
        new LlamaFamily(), new MistralFamily(), new Qwen2Family(), new Qwen3Family(), new Phi3Family(), new Gemma2Family(),
        new SmolLm3Family(), new Olmo2Family(), new GptNeoXFamily(),
    ];

    /// <summary>Describes the checkpoint with the family that its config names.</summary>
    /// <exception cref="CheckpointException">The family is unknown, or the checkpoint does not fit it.</exception>
    public static DecoderDescription Describe(Checkpoint checkpoint)
    {
        string type = checkpoint.Config.RequiredString("model_type");
        IModelFamily? family = Array.Find(All, candidate => candidate.ModelType == type);
        return family is not null
            ? family.Describe(checkpoint)
            : throw checkpoint.Config.Error(
                "model_type", $"is '{type}', a family that is not supported: use a checkpoint of {string.Join(", ", All.Select(f => f.ModelType))}");
    }
}
