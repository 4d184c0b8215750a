using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Families;

/// <summary>Reads an activation's name.</summary>
internal static class ActivationConfig
{
    /// <summary>The function that <paramref name="key"/> names.</summary>
    /// <param name="config">config.json.</param>
    /// <param name="key">The key.</param>
    /// <param name="fallback">The name that holds where the key is absent.</param>
    /// <exception cref="CheckpointException">The name is unknown.</exception>
    public static Activation Read(ConfigDocument config, string key, string fallback = "silu")
    {
        string name = config.String(key, fallback)!;
        return name switch
        {
            "silu" or "swish" => Activation.Silu,
            "gelu" => Activation.Gelu,
            "gelu_new" or "gelu_pytorch_tanh" or "gelu_fast" => Activation.GeluTanh,
            "relu" => Activation.Relu,
            _ => throw config.Error(
                key, $"is '{name}', an activation that is not supported: use a checkpoint with silu, gelu, gelu_new, gelu_fast, gelu_pytorch_tanh or relu"),
        };
    }
}
