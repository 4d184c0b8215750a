using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Families;

/// <summary>The families that this library reads, by <c>model_type</c>.</summary>
internal static class ModelFamilies
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<IModelFamily> All { get; } =
    [
        new LlamaFamily(), new MistralFamily(), new Qwen2Family(), new Qwen3Family(), new Phi3Family(), new Gemma2Family(),
        new SmolLm3Family(), new Olmo2Family(), new GptNeoXFamily(),
    ];

    /// <summary>Describes the checkpoint with the family that its config names.</summary>
    /// <exception cref="CheckpointException">The family is unknown, or the checkpoint does not fit it.</exception>
    public static DecoderDescription Describe(Checkpoint checkpoint)
    {
        string type = checkpoint.Config.RequiredString("model_type");
        if (All.FirstOrDefault(candidate => candidate.Defaults.ModelType == type) is not { } family)
        {
            throw checkpoint.Config.Error(
                "model_type", $"is '{type}', a family that is not supported: use a checkpoint of {string.Join(", ", All.Select(f => f.Defaults.ModelType))}");
        }

        QuantizedCheckpoint.Refuse(checkpoint);
        return family.Describe(checkpoint);
    }
}
