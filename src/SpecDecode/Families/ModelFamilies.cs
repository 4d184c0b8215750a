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

    /// <summary>The family that a config names.</summary>
    /// <exception cref="CheckpointException">It names none, or one that is unknown.</exception>
    public static IModelFamily Of(ConfigDocument config)
    {
        string type = config.RequiredString("model_type");
        return All.FirstOrDefault(candidate => candidate.Defaults.ModelType == type) ?? throw config.Error(
            "model_type", $"is '{CheckpointText.Shorten(type)}', a family that is not supported: use a checkpoint of {string.Join(", ", All.Select(f => f.Defaults.ModelType))}");
    }

    /// <summary>Describes the checkpoint with the family that its config names.</summary>
    /// <exception cref="CheckpointException">The family is unknown, or the checkpoint does not fit it.</exception>
    public static DecoderDescription Describe(Checkpoint checkpoint)
    {
        IModelFamily family = Of(checkpoint.Config);
        QuantizedCheckpoint.Refuse(checkpoint);
        return family.Describe(checkpoint);
    }
}
