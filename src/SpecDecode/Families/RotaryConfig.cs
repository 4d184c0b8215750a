using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Families;

/// <summary>
/// Reads the rotary embedding from all places in which a config may have it: base and rotated part at the top, or in
/// <c>rope_scaling</c>, or in the newer <c>rope_parameters</c>, of which transformers reads <c>rope_scaling</c> where both
/// have something. What several of them say has to be the same.
/// </summary>
internal static class RotaryConfig
{
    private const string Scaling = "rope_scaling";
    private const string Parameters = "rope_parameters";
    private const string Base = "rope_theta";
    private const string Part = "partial_rotary_factor";

    /// <summary>Reads base, rotated part and scaling.</summary>
    /// <param name="config">config.json.</param>
    /// <param name="family">The family's keys and defaults.</param>
    /// <param name="headSize">Channels of a head.</param>
    /// <exception cref="CheckpointException">An unknown scaling type, a missing or impossible number, or places that contradict each other.</exception>
    public static RotaryDescription Read(ConfigDocument config, FamilyDefaults family, int headSize)
    {
        ConfigDocument? scaling = Filled(config, Scaling);
        ConfigDocument? parameters = Filled(config, Parameters);
        double theta = ReadBase(config, family);
        double part = Agreement.Number((config, family.RotaryPartKey), (scaling, Part), (parameters, Part)) ?? Default(family.RotaryPartKey, family.RotaryPart);
        Agreement.Confirm(config, Base, () => config.PositiveNumber(Base) == theta, family.RotaryBaseKey, theta);
        Agreement.Confirm(config, Part, () => config.PositiveNumber(Part) == part, family.RotaryPartKey, part);

        int dimensions = part <= 1.0 ? (int)(headSize * part) : 0;
        RotaryDescription plain = RotaryDescription.Default(theta, dimensions);
        if (dimensions < 1 || 2 * plain.InverseFrequencies.Length > headSize)
        {
            throw config.Error(
                "head_dim",
                FormattableString.Invariant(
                    $"is {headSize}, of which the rotary part {part} holds no pairs of channels: restore the published config.json"));
        }

        double Default(string key, double absent) => config.NotNull(key).PositiveNumber(key, absent);
        RotaryDescription Scaled(ConfigDocument from) => new RotaryScaling(config, from, family).Apply(plain, theta, dimensions);
        if (scaling is null || parameters is null)
        {
            return (scaling ?? parameters) is { } only ? Scaled(only) : plain;
        }

        // transformers 5 used to write a plain rope_parameters beside the scaling that it went on reading.
        RotaryDescription read = Scaled(scaling);
        RotaryDescription unread = Scaled(parameters);
        return unread.Equals(plain) || unread.Equals(read)
            ? read
            : throw config.Error(Parameters, $"describes another rotary embedding than {config.NameOf(Scaling)}: {Agreement.Mend}");
    }

    /// <summary>The base θ.</summary>
    /// <inheritdoc cref="Read" path="/param|/exception"/>
    public static double ReadBase(ConfigDocument config, FamilyDefaults family) =>
        Agreement.Number((config, family.RotaryBaseKey), (Filled(config, Scaling), Base), (Filled(config, Parameters), Base))
        ?? config.NotNull(family.RotaryBaseKey).PositiveNumber(family.RotaryBaseKey, family.RotaryBase);

    /// <summary>The name of the scaling; null where nothing is scaled.</summary>
    /// <inheritdoc cref="Read" path="/param|/exception"/>
    public static string? ReadScaling(ConfigDocument config, FamilyDefaults family) =>
        (Filled(config, Scaling) ?? Filled(config, Parameters)) is { } from && new RotaryScaling(config, from, family).ReadType(out _) is var type and not "default"
            ? type
            : null;

    /// <summary>An object that has something in it; null for one that is absent, null or empty, all of which say nothing.</summary>
    private static ConfigDocument? Filled(ConfigDocument config, string key)
    {
        if (config.Object(key) is not { IsEmpty: false } rotary)
        {
            return null;
        }

        // Keyed by layer type, as Gemma 3 and ModernBERT have them.
        return rotary.Keys.FirstOrDefault(rotary.IsObject) is { } type
            ? throw rotary.Error(type, "gives layers of one type a rotary embedding of their own, which is not supported: use a checkpoint with one for all")
            : rotary;
    }
}
