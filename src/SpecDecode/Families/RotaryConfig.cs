using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Families;

/// <summary>The older keys of a rotary embedding, which families name differently.</summary>
/// <param name="Theta">Key of the base.</param>
/// <param name="Part">Key of the rotated part of a head.</param>
/// <param name="DefaultPart">The part where no key says.</param>
internal sealed record RotaryKeys(string Theta, string Part, double DefaultPart)
{
    /// <summary>What most families have.</summary>
    public static RotaryKeys Usual { get; } = new("rope_theta", "partial_rotary_factor", 1.0);
}

/// <summary>
/// Reads the rotary embedding from a config: the newer <c>rope_parameters</c> object, or a base and a rotated part beside
/// <c>rope_scaling</c>.
/// </summary>
internal static class RotaryConfig
{
    private const double DefaultTheta = 10000.0;

    /// <summary>Reads base, rotated part and scaling.</summary>
    /// <param name="config">config.json.</param>
    /// <param name="headSize">Channels of a head.</param>
    /// <param name="keys">The family's older keys; null for <see cref="RotaryKeys.Usual"/>.</param>
    /// <exception cref="CheckpointException">An unknown scaling type, a missing or impossible number.</exception>
    public static RotaryDescription Read(ConfigDocument config, int headSize, RotaryKeys? keys = null)
    {
        keys ??= RotaryKeys.Usual;
        ConfigDocument? parameters = config.Object("rope_parameters");
        ConfigDocument? scaling = parameters ?? config.Object("rope_scaling");
        double theta = config.PositiveNumber(keys.Theta, DefaultTheta);
        double part = config.PositiveNumber(keys.Part, keys.DefaultPart);
        if (parameters is not null)
        {
            RefuseOnesByLayer(parameters);
            theta = parameters.PositiveNumber("rope_theta", theta);
            part = parameters.PositiveNumber("partial_rotary_factor", part);
        }

        int dimensions = part <= 1.0 ? (int)(headSize * part) : 0;
        RotaryDescription rotary = RotaryDescription.Default(theta, dimensions);
        if (dimensions < 1 || 2 * rotary.InverseFrequencies.Length > headSize)
        {
            throw config.Error(
                "head_dim",
                FormattableString.Invariant(
                    $"is {headSize}, of which the rotary part {part} holds no pairs of channels: restore the published config.json"));
        }

        return scaling is null ? rotary : RotaryScaling.Apply(rotary, config, scaling, theta, dimensions);
    }

    private static void RefuseOnesByLayer(ConfigDocument parameters)
    {
        foreach (string type in WindowConfig.LayerTypeNames)
        {
            if (parameters.Has(type))
            {
                throw parameters.Error(type, "gives layers of one type a rotary embedding of their own, which is not supported: use a checkpoint with one for all");
            }
        }
    }
}
