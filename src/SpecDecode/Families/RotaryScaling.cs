using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Families;

/// <summary>Reads the scaling of a rotary embedding, as transformers defines each type, and applies it.</summary>
internal static class RotaryScaling
{
    private const string OriginalContext = "original_max_position_embeddings";
    private const string MaxPositions = "max_position_embeddings";

    /// <summary>Applies the scaling that <c>rope_type</c>, or <c>type</c> in older files, names.</summary>
    /// <param name="rotary">The embedding without it.</param>
    /// <param name="config">config.json.</param>
    /// <param name="scaling">The object that has the type and its numbers.</param>
    /// <param name="theta">The embedding's base.</param>
    /// <param name="dimensions">Rotated channels, from which the embedding was made.</param>
    /// <exception cref="CheckpointException">An unknown type, a missing or impossible number.</exception>
    public static RotaryDescription Apply(
        RotaryDescription rotary, ConfigDocument config, ConfigDocument scaling, double theta, int dimensions)
    {
        string key = scaling.Has("rope_type") || !scaling.Has("type") ? "rope_type" : "type";
        string type = scaling.String(key, "default")!;
        return type switch
        {
            "default" => rotary,
            "linear" => rotary.ScaledLinearly(scaling.PositiveNumber("factor")),
            "llama3" => Bands(rotary, scaling),

            // Phi-3's older files call LongRoPE "su" or "yarn".
            "longrope" or "su" => ByPair(rotary, config, scaling),
            "yarn" when scaling.Has("long_factor") => ByPair(rotary, config, scaling),
            "yarn" => Ramp(rotary, config, scaling, theta, dimensions),
            _ => throw scaling.Error(
                key, $"is '{type}', a rotary scaling that is not supported: use a checkpoint with default, linear, llama3, yarn or longrope"),
        };
    }

    private static RotaryDescription Bands(RotaryDescription rotary, ConfigDocument scaling)
    {
        double low = scaling.PositiveNumber("low_freq_factor");
        double high = scaling.PositiveNumber("high_freq_factor");
        return high > low
            ? rotary.ScaledByBands(scaling.PositiveNumber("factor"), low, high, scaling.PositiveInt(OriginalContext))
            : throw scaling.Error("high_freq_factor", "is not greater than low_freq_factor: restore the published config.json");
    }

    private static RotaryDescription Ramp(
        RotaryDescription rotary, ConfigDocument config, ConfigDocument scaling, double theta, int dimensions)
    {
        if (theta <= 1.0)
        {
            throw config.Error("rope_theta", "is not greater than 1, which yarn needs: restore the published config.json");
        }

        double factor = scaling.PositiveNumber("factor");
        int original = scaling.PositiveInt(OriginalContext, config.PositiveInt(MaxPositions, DecoderDescriber.DefaultContext));
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

        return rotary.ScaledByRamp(factor, first, first < last ? last : last + 0.001, RampAttentionFactor(scaling, factor));
    }

    private static double RampAttentionFactor(ConfigDocument scaling, double factor)
    {
        double Magnitude(double weight) => factor <= 1 ? 1 : 0.1 * weight * Math.Log(factor) + 1;
        double inferred = scaling.Has("mscale") && scaling.Has("mscale_all_dim")
            ? Magnitude(scaling.PositiveNumber("mscale")) / Magnitude(scaling.PositiveNumber("mscale_all_dim"))
            : Magnitude(1);
        return scaling.PositiveNumber("attention_factor", inferred);
    }

    private static RotaryDescription ByPair(RotaryDescription rotary, ConfigDocument config, ConfigDocument scaling)
    {
        int max = config.PositiveInt(MaxPositions, DecoderDescriber.DefaultContext);
        int original = config.PositiveInt(OriginalContext, scaling.PositiveInt(OriginalContext, max));
        double factor = scaling.PositiveNumber("factor", (double)max / original);
        double inferred = factor <= 1 ? 1 : Math.Sqrt(1 + Math.Log(factor) / Math.Log(original));
        double attentionFactor = scaling.PositiveNumber("attention_factor", inferred);
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
}
