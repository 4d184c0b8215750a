using SpecDecode.Checkpoints;

namespace SpecDecode.Families;

/// <summary>Whether projections have a bias, and what says so.</summary>
/// <param name="Wanted">Whether they have.</param>
/// <param name="Reason">What says so, for the message about a bias that is there all the same.</param>
internal readonly record struct BiasSetting(bool Wanted, string Reason)
{
    /// <summary>They have one in every checkpoint of the family.</summary>
    public static BiasSetting Always => new(true, "");

    /// <summary>They have none in any checkpoint of the family.</summary>
    public static BiasSetting Never => new(false, "such a projection has no bias in this family");

    /// <summary>Reads a switch.</summary>
    /// <param name="config">config.json.</param>
    /// <param name="key">The switch.</param>
    /// <param name="absent">What holds where it is absent.</param>
    public static BiasSetting Read(ConfigDocument config, string key, bool absent) => new(
        (absent ? config.NotNull(key) : config).Bool(key, absent),
        config.Has(key)
            ? $"config.json says that its projection has no bias (\"{key}\")"
            : $"config.json has no \"{key}\", without which its projection has no bias");
}
