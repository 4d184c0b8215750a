using SpecDecode.Models.Checkpoints;
using SpecDecode.Models.Descriptions;

namespace SpecDecode.Models.Families;

/// <summary>Reads an activation's name.</summary>
internal static class ActivationConfig
{
    /// <summary>The function that <paramref name="key"/> names; SiLU where the key is absent.</summary>
    /// <exception cref="CheckpointException">The name is unknown.</exception>
    public static Activation Read(ConfigDocument config, string key)
    {
        string name = config.String(key, "silu")!;
        return name switch
        {
            "silu" or "swish" => Activation.Silu,
            "gelu" => Activation.Gelu,
            "gelu_new" or "gelu_pytorch_tanh" => Activation.GeluTanh,
            "relu" => Activation.Relu,
            _ => throw config.Error(
                key, $"is '{name}', an activation that is not supported: use a checkpoint with silu, gelu, gelu_new, gelu_pytorch_tanh or relu"),
        };
    }
}
