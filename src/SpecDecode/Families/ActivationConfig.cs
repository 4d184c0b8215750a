using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Families;

/// <summary>Reads an activation's name.</summary>
internal static class ActivationConfig
{
    // Gemma reads the second and every other family the first.
    private static readonly string[] Keys = ["hidden_act", "hidden_activation"];

    /// <summary>The function that the family's key names.</summary>
    /// <param name="config">config.json.</param>
    /// <param name="family">The family's key and default.</param>
    /// <exception cref="CheckpointException">The name is unknown, or the key of other families names another function.</exception>
    public static Activation Read(ConfigDocument config, FamilyDefaults family)
    {
        string name = config.NotNull(family.ActivationKey).String(family.ActivationKey, family.Activation)!;
        Activation activation = Named(config, family.ActivationKey, name);
        string other = Keys.Single(key => key != family.ActivationKey);
        Agreement.Confirm(config, other, () => Named(config, other, config.RequiredString(other)) == activation, family.ActivationKey, name);
        return activation;
    }

    private static Activation Named(ConfigDocument config, string key, string name) => name switch
    {
        "silu" or "swish" => Activation.Silu,
        "gelu" => Activation.Gelu,
        "gelu_new" or "gelu_pytorch_tanh" or "gelu_fast" => Activation.GeluTanh,
        "relu" => Activation.Relu,
        _ => throw config.Error(
            key, $"is '{name}', an activation that is not supported: use a checkpoint with silu, gelu, gelu_new, gelu_fast, gelu_pytorch_tanh or relu"),
    };
}
