using SpecDecode.Models.Checkpoints;
using SpecDecode.Models.Descriptions;

namespace SpecDecode.Models.Families;

/// <summary>
/// Reads the rotary embedding from a config: the newer <c>rope_parameters</c> object, or <c>rope_theta</c> with
/// <c>rope_scaling</c>.
/// </summary>
internal static class RotaryConfig
{
    private const double DefaultTheta = 10000.0;

    /// <summary>Reads base, rotated part and scaling.</summary>
    /// <param name="config">config.json.</param>
    /// <param name="headSize">Channels of a head.</param>
    /// <exception cref="CheckpointException">An unknown scaling type, a missing or impossible number.</exception>
    public static RotaryDescription Read(ConfigDocument config, int headSize)
    {
        ConfigDocument? parameters = config.Object("rope_parameters");
        ConfigDocument? scaling = parameters ?? config.Object("rope_scaling");
        double theta = config.PositiveNumber("rope_theta", DefaultTheta);
        double part = config.PositiveNumber("partial_rotary_factor", 1.0);
        if (parameters is not null)
        {
            theta = parameters.PositiveNumber("rope_theta", theta);
            part = parameters.PositiveNumber("partial_rotary_factor", part);
        }

        int rotated = part <= 1.0 ? (int)(headSize * part) : 0;
        if (rotated < 2 || rotated % 2 != 0)
        {
            throw config.Error(
                "head_dim",
                FormattableString.Invariant(
                    $"is {headSize}, of which the rotary part {part} is no even number of channels: restore the published config.json"));
        }

        return Scale(RotaryDescription.Default(theta, rotated), scaling);
    }

    private static RotaryDescription Scale(RotaryDescription rotary, ConfigDocument? scaling)
    {
        if (scaling is null)
        {
            return rotary;
        }

        string key = scaling.Has("rope_type") || !scaling.Has("type") ? "rope_type" : "type";
        string type = scaling.String(key, "default")!;
        switch (type)
        {
            case "default":
                return rotary;
            case "linear":
                return rotary.ScaledLinearly(scaling.PositiveNumber("factor"));
            case "llama3":
                double low = scaling.PositiveNumber("low_freq_factor");
                double high = scaling.PositiveNumber("high_freq_factor");
                if (high <= low)
                {
                    throw scaling.Error("high_freq_factor", "is not greater than low_freq_factor: restore the published config.json");
                }

                return rotary.ScaledByBands(
                    scaling.PositiveNumber("factor"), low, high, scaling.PositiveInt("original_max_position_embeddings"));
            default:
                throw scaling.Error(key, $"is '{type}', a rotary scaling that is not supported: use a checkpoint with default, linear or llama3");
        }
    }
}
