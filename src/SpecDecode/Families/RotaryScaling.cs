using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Families;

/// <summary>Reads the scaling of a rotary embedding, as transformers defines each type, and applies it.</summary>
/// <param name="config">config.json.</param>
/// <param name="scaling">The object that has the type and its numbers.</param>
/// <param name="family">The family's defaults.</param>
internal sealed class RotaryScaling(ConfigDocument config, ConfigDocument scaling, FamilyDefaults family)
{
    private const string Type = "rope_type";
    private const string OlderType = "type";
    private const string OriginalContext = "original_max_position_embeddings";
    private const string MaxPositions = "max_position_embeddings";

    // What says that an embedding is scaled, whatever its type; and what does not, where there is no type.
    private static readonly string[] Signs = ["low_freq_factor", "high_freq_factor", "short_factor", "long_factor", "beta_fast", "beta_slow"];
    private static readonly string[] NoSigns = ["rope_theta", "partial_rotary_factor", OriginalContext, "factor"];

    // Numbers of the original implementation of YaRN, which some engines apply and transformers does not.
    private static readonly string[] ReadByFew = ["attn_factor", "extrapolation_factor"];

    /// <summary>Applies the scaling that <c>rope_type</c>, or <c>type</c> in older files, names.</summary>
    /// <param name="rotary">The embedding without it.</param>
    /// <param name="theta">The embedding's base.</param>
    /// <param name="dimensions">Rotated channels, from which the embedding was made.</param>
    /// <exception cref="CheckpointException">An unknown type, a missing or impossible number.</exception>
    public RotaryDescription Apply(RotaryDescription rotary, double theta, int dimensions)
    {
        string type = ReadType(out string key);
        foreach (string number in ReadByFew.Where(number => scaling.Has(number) && scaling.PositiveNumber(number) != 1))
        {
            throw scaling.Error(number, "is a number that engines read differently, and it is not 1: use a checkpoint without it");
        }

        return type switch
        {
            "default" => Unscaled(rotary, key),
            "linear" => rotary.ScaledLinearly(scaling.PositiveNumber("factor")),
            "llama3" => Bands(rotary),
            "longrope" => ByPair(rotary),
            "yarn" => Ramp(rotary, theta, dimensions),
            _ => throw scaling.Error(
                key, $"is '{type}', a rotary scaling that is not supported: use a checkpoint with default, linear, llama3, yarn or longrope"),
        };
    }

    /// <summary>The name of the scaling, older names in today's words.</summary>
    /// <param name="key">Where it stands, or would stand.</param>
    public string ReadType(out string key)
    {
        key = scaling.Has(Type) || !scaling.Has(OlderType) ? Type : OlderType;
        string type = Canonical(scaling.String(key, "default")!);
        return !scaling.Has(OlderType) || Canonical(scaling.String(OlderType, null)!) == type
            ? type
            : throw scaling.Error(OlderType, $"names another rotary scaling than {scaling.NameOf(Type)}: {Agreement.Mend}");
    }

    // Phi-3's older files call LongRoPE so.
    private string Canonical(string type) => type is "su" || (type is "yarn" && family.CallsLongRopeYarn) ? "longrope" : type;

    private RotaryDescription Unscaled(RotaryDescription rotary, string key)
    {
        bool isTyped = scaling.Has(key);
        string? sign = scaling.Has("factor") && scaling.PositiveNumber("factor") != 1
            ? "factor"
            : scaling.Keys.Where(scaling.Has).FirstOrDefault(name => isTyped ? Signs.Contains(name) : !NoSigns.Contains(name));
        return sign is null
            ? rotary
            : throw scaling.Error(sign, $"is there, but {scaling.NameOf(key)} is {(isTyped ? "default" : "absent")}, which scales nothing: {Agreement.Mend}");
    }

    private RotaryDescription Bands(RotaryDescription rotary)
    {
        double low = scaling.PositiveNumber("low_freq_factor");
        double high = scaling.PositiveNumber("high_freq_factor");
        return high > low
            ? rotary.ScaledByBands(scaling.PositiveNumber("factor"), low, high, Original() ?? scaling.PositiveInt(OriginalContext))
            : throw scaling.Error("high_freq_factor", "is not greater than low_freq_factor: restore the published config.json");
    }

    private RotaryDescription Ramp(RotaryDescription rotary, double theta, int dimensions)
    {
        if (scaling.Has("long_factor"))
        {
            throw scaling.Error("long_factor", $"is there, but {scaling.NameOf(scaling.Has(Type) ? Type : OlderType)} is yarn, which has none: {Agreement.Mend}");
        }

        if (theta <= 1.0)
        {
            throw config.Error("rope_theta", "is not greater than 1, which yarn needs: restore the published config.json");
        }

        double factor = scaling.PositiveNumber("factor");
        int original = Original() ?? Longest();
        double fast = scaling.PositiveNumber("beta_fast", 32);
        double slow = scaling.PositiveNumber("beta_slow", 1);
        if (fast < slow)
        {
            throw scaling.Error("beta_fast", "is less than beta_slow: restore the published config.json");
        }

        // The channel pair that turns so many times within the original context.
        double PairOf(double turns) => dimensions * Math.Log(original / (turns * 2 * Math.PI)) / (2 * Math.Log(theta));
        bool whole = scaling.Bool("truncate", true);
        double first = Math.Max(whole ? Math.Floor(PairOf(fast)) : PairOf(fast), 0);
        double last = Math.Min(whole ? Math.Ceiling(PairOf(slow)) : PairOf(slow), dimensions - 1);
        if (last < first)
        {
            throw scaling.Error(OriginalContext, $"is {original}, within which no channel turns: restore the published config.json");
        }

        return rotary.ScaledByRamp(factor, first, first < last ? last : last + 0.001, RampAttentionFactor(factor));
    }

    private double RampAttentionFactor(double factor)
    {
        double Magnitude(double weight) => factor <= 1 ? 1 : 0.1 * weight * Math.Log(factor) + 1;
        double inferred = scaling.Has("mscale") && scaling.Has("mscale_all_dim")
            ? Magnitude(scaling.PositiveNumber("mscale")) / Magnitude(scaling.PositiveNumber("mscale_all_dim"))
            : Magnitude(1);
        return scaling.PositiveNumber("attention_factor", inferred);
    }

    private RotaryDescription ByPair(RotaryDescription rotary)
    {
        int? written = Original();
        int original = written ?? family.OriginalContext ?? Longest();
        double grown = (double)Longest() / original;
        double factor = scaling.PositiveNumber("factor", grown);
        bool inferred = !scaling.Has("attention_factor");
        if (inferred && written is not null && Math.Abs(factor - grown) > 1e-6 * grown)
        {
            throw scaling.Error("factor", FormattableString.Invariant(
                $"is {factor}, but {config.NameOf(MaxPositions)} is {grown} times the original context, {original}, and the attention factor follows from either: {Agreement.Mend}"));
        }

        double attentionFactor = scaling.PositiveNumber("attention_factor", factor <= 1 ? 1 : Math.Sqrt(1 + Math.Log(factor) / Math.Log(original)));
        return double.IsFinite(attentionFactor)
            ? rotary.ScaledByPair(Divisors("short_factor"), Divisors("long_factor"), attentionFactor, original)
            : throw config.Error(OriginalContext, $"is {original}, which longrope has no attention factor for: restore the published config.json");

        IReadOnlyList<double> Divisors(string key)
        {
            IReadOnlyList<double> divisors = scaling.Numbers(key);
            int pairs = rotary.InverseFrequencies.Length;
            return divisors.Count == pairs && divisors.All(divisor => divisor > 0)
                ? divisors
                : throw scaling.Error(key, $"has {divisors.Count} numbers; expected {pairs} above 0, one for each rotated pair of channels: restore the published config.json");
        }
    }

    private int Longest() => config.PositiveInt(MaxPositions, family.MaxPositions);

    // The top level and the object may both have it; null where neither does.
    private int? Original()
    {
        Agreement.Number((config, OriginalContext), (scaling, OriginalContext));
        ConfigDocument place = config.Has(OriginalContext) ? config : scaling;
        return place.Has(OriginalContext) ? place.PositiveInt(OriginalContext) : null;
    }
}
