using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;
using SpecDecode.Families;

namespace SpecDecode.Tests.Families;

public sealed class RotaryConfigTests : IDisposable
{
    private const string Bands = """ "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64 """;
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Frequencies_without_scaling_are_powers_of_theta()
    {
        AssertFrequencies(Read("{}", 32), 32, 10000, f => f);
        AssertFrequencies(Read("""{ "rope_theta": 500000.0 }""", 32), 32, 500000, f => f);
        AssertFrequencies(Read("""{ "rope_theta": 500000.0, "rope_scaling": { "rope_type": "default" } }""", 32), 32, 500000, f => f);
    }

    [Fact]
    public void Only_the_rotary_part_of_a_head_is_rotated() =>
        AssertFrequencies(Read("""{ "partial_rotary_factor": 0.75 }""", 32), 24, 10000, f => f);

    [Fact]
    public void Linear_scaling_divides_every_frequency() =>
        AssertFrequencies(Read("""{ "rope_scaling": { "type": "linear", "factor": 2.5 } }""", 8), 8, 10000, f => f / 2.5);

    [Fact]
    public void Llama3_scaling_follows_the_wavelengths()
    {
        RotaryDescription rotary = Read($$"""{ "rope_theta": 500000.0, "rope_scaling": { "rope_type": "llama3", {{Bands}} } }""", 64);

        int[] bands = new int[3];
        AssertFrequencies(rotary, 64, 500000, f =>
        {
            // As transformers writes it: by wavelength, with the original context 64, factor 8, low 1, high 4.
            double wavelength = 2 * Math.PI / f;
            int band = wavelength < 64 / 4.0 ? 0 : wavelength > 64 / 1.0 ? 2 : 1;
            bands[band]++;
            double smooth = (64 / wavelength - 1.0) / (4.0 - 1.0);
            return band switch { 0 => f, 2 => f / 8, _ => (1 - smooth) * f / 8 + smooth * f };
        });
        Assert.DoesNotContain(0, bands);
    }

    [Fact]
    public void An_odd_rotary_part_takes_one_channel_more_along()
    {
        RotaryDescription rotary = Read("""{ "partial_rotary_factor": 0.1 }""", 32);

        Assert.Equal([1.0, Math.Pow(10000, -2.0 / 3)], rotary.InverseFrequencies.AsEnumerable());
        Assert.Contains("holds no pairs", Assert.Throws<CheckpointException>(() => Read("{}", 3)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Yarn_keeps_fast_channels_divides_slow_ones_and_blends_between()
    {
        RotaryDescription rotary = Read("""{ "rope_scaling": { "type": "yarn", "factor": 4, "original_max_position_embeddings": 4096 } }""", 64);

        // 32 turns in 4096 positions fall on pair 10.4, one turn on pair 22.5: outwards to whole pairs, 10 and 23.
        AssertFrequencies(rotary, 64, 10000, f =>
        {
            double pair = -Math.Log(f) / Math.Log(10000) * 32;
            double scaled = Math.Clamp((pair - 10) / 13, 0, 1);
            return f * (1 - scaled) + f / 4 * scaled;
        });
        Assert.Equal(0.1 * Math.Log(4) + 1, rotary.AttentionFactor, 1e-12);
        Assert.Equal(1.0, Read("""{ "rope_scaling": { "type": "yarn", "factor": 0.5 } }""", 64).AttentionFactor);
        Assert.Equal(0.7, Read("""{ "rope_scaling": { "type": "yarn", "factor": 4, "attention_factor": 0.7 } }""", 64).AttentionFactor);
        Assert.Equal(
            (0.1 * 0.5 * Math.Log(4) + 1) / (0.1 * 0.8 * Math.Log(4) + 1),
            Read("""{ "rope_scaling": { "type": "yarn", "factor": 4, "mscale": 0.5, "mscale_all_dim": 0.8 } }""", 64).AttentionFactor, 1e-12);
    }

    [Theory]
    [InlineData("""{ "max_position_embeddings": 400, "original_max_position_embeddings": 100, "rope_scaling": { "type": "longrope", FACTORS } }""")]
    [InlineData("""{ "max_position_embeddings": 400, "original_max_position_embeddings": 100, "rope_scaling": { "type": "su", FACTORS } }""")]
    [InlineData("""{ "max_position_embeddings": 400, "original_max_position_embeddings": 100, "rope_scaling": { "type": "yarn", FACTORS } }""", "phi3")]
    [InlineData("""{ "max_position_embeddings": 400, "original_max_position_embeddings": 100, "rope_scaling": { "rope_type": "longrope", "type": "su", FACTORS } }""", "phi3")]
    [InlineData("""{ "max_position_embeddings": 400, "original_max_position_embeddings": 100, "rope_scaling": { "type": "su", "original_max_position_embeddings": 100, FACTORS } }""")]
    [InlineData("""{ "max_position_embeddings": 100, "rope_scaling": { "rope_type": "longrope", "factor": 4, FACTORS } }""")]
    [InlineData("""{ "max_position_embeddings": 400, "rope_parameters": { "rope_type": "longrope", "original_max_position_embeddings": 100, FACTORS } }""")]
    public void Longrope_has_one_set_of_divisors_up_to_the_original_context_and_another_beyond(string config, string family = "llama")
    {
        RotaryDescription rotary = Read(config.Replace("FACTORS", """ "short_factor": [1, 2], "long_factor": [3, 5] """, StringComparison.Ordinal), 4, family);

        Assert.Same(rotary, rotary.For(100));
        Assert.Equal([1.0, 0.01 / 2], rotary.For(1).InverseFrequencies.AsEnumerable());
        Assert.Equal([1.0 / 3, 0.01 / 5], rotary.For(101).InverseFrequencies.AsEnumerable());
        Assert.Equal(Math.Sqrt(1 + Math.Log(4) / Math.Log(100)), rotary.AttentionFactor, 1e-12);
        Assert.Equal(rotary.AttentionFactor, rotary.For(101).AttentionFactor);
        Assert.NotEqual(rotary, rotary.For(101));
    }

    [Theory]
    [InlineData("""{ "rope_theta": 5e5 }""", """{ "rope_parameters": { "rope_type": "default", "rope_theta": 5e5 } }""")]
    [InlineData("""{ "rope_theta": 5e5 }""", """{ "rope_parameters": { "rope_theta": 5e5 } }""")]
    [InlineData("""{ "partial_rotary_factor": 0.5 }""", """{ "rope_parameters": { "rope_theta": 10000, "partial_rotary_factor": 0.5 } }""")]
    [InlineData("""{ "partial_rotary_factor": 0.5 }""", """{ "partial_rotary_factor": 0.5, "rope_parameters": { "rope_theta": 10000 } }""")]
    [InlineData(
        """{ "rope_theta": 5e5, "rope_scaling": { "type": "linear", "factor": 4 } }""",
        """{ "rope_parameters": { "rope_type": "linear", "rope_theta": 5e5, "factor": 4 } }""")]
    [InlineData(
        """{ "rope_scaling": { "type": "linear", "factor": 4 } }""",
        """{ "rope_scaling": { "rope_type": "linear", "type": "linear", "factor": 4 }, "rope_parameters": {} }""")]
    [InlineData(
        """{ "rope_theta": 5e5, "rope_scaling": { "type": "linear", "factor": 4 } }""",
        """{ "rope_scaling": { "rope_type": "linear", "factor": 4, "rope_theta": 5e5 }, "rope_parameters": { "rope_type": "default", "rope_theta": 5e5 } }""")]
    [InlineData(
        """{ "rope_scaling": { "type": "linear", "factor": 4 } }""",
        """{ "rope_scaling": {}, "rope_parameters": { "rope_type": "linear", "factor": 4 } }""")]
    [InlineData(
        """{ "rope_scaling": { "type": "linear", "factor": 4 } }""",
        """{ "rope_scaling": null, "rope_theta": 10000, "rope_parameters": { "rope_type": "linear", "factor": 4, "rope_theta": 10000.0 } }""")]
    [InlineData(
        """{ "rope_scaling": { "rope_type": "llama3", BANDS } }""",
        """{ "rope_scaling": { "rope_type": "llama3", BANDS }, "rope_parameters": { "type": "llama3", "rope_theta": 10000, BANDS } }""")]
    [InlineData("{}", """{ "rope_scaling": { "rope_type": "default", "factor": 1.0 }, "rope_parameters": null }""")]
    [InlineData(
        """{ "rope_theta": 5e5, "rope_scaling": { "rope_type": "llama3", BANDS } }""",
        """{ "rope_parameters": { "rope_type": "llama3", "rope_theta": 5e5, BANDS } }""")]
    public void Older_and_newer_keys_describe_the_same(string older, string newer)
    {
        RotaryDescription expected = Read(older.Replace("BANDS", Bands, StringComparison.Ordinal), 32);
        RotaryDescription found = Read(newer.Replace("BANDS", Bands, StringComparison.Ordinal), 32);

        Assert.Equal(expected, found);
        Assert.Equal(expected.GetHashCode(), found.GetHashCode());
        Assert.NotEqual(Read("{}", 30), found);
    }

    [Theory]
    [InlineData("""{ "rope_scaling": { "type": "dynamic", "factor": 2 } }""", "\"rope_scaling.type\"")]
    [InlineData("""{ "rope_parameters": { "rope_type": "dynamic" } }""", "\"rope_parameters.rope_type\"")]
    [InlineData("""{ "rope_parameters": { "rope_type": "yarn" } }""", "\"rope_parameters.factor\" is missing")]
    [InlineData("""{ "rope_scaling": { "type": "yarn", "factor": 4, "beta_fast": 1, "beta_slow": 2 } }""", "\"rope_scaling.beta_fast\" is less than")]
    [InlineData("""{ "rope_scaling": { "type": "yarn", "factor": 4, "original_max_position_embeddings": 1 } }""", "within which no channel turns")]
    [InlineData("""{ "rope_theta": 1, "rope_scaling": { "type": "yarn", "factor": 4 } }""", "\"rope_theta\" is not greater than 1")]
    [InlineData("""{ "rope_scaling": { "type": "longrope", "long_factor": [1] } }""", "\"rope_scaling.short_factor\" has 0 numbers; expected 16")]
    [InlineData(
        """{ "partial_rotary_factor": 0.1, "rope_scaling": { "type": "longrope", "short_factor": [1, 1], "long_factor": [1, 1, 1] } }""",
        "\"rope_scaling.long_factor\" has 3 numbers; expected 2")]
    [InlineData(
        """{ "partial_rotary_factor": 0.1, "rope_scaling": { "type": "longrope", "short_factor": [1, 0], "long_factor": [1, 1] } }""",
        "\"rope_scaling.short_factor\" has 2 numbers; expected 2 above 0")]
    [InlineData(
        """{ "partial_rotary_factor": 0.1, "rope_scaling": { "type": "longrope", "short_factor": [1, "2"], "long_factor": [1, 1] } }""",
        "\"rope_scaling.short_factor\" is")]
    [InlineData(
        """{ "partial_rotary_factor": 0.1, "original_max_position_embeddings": 1, "rope_scaling": { "type": "longrope", "short_factor": [1, 1], "long_factor": [1, 1] } }""",
        "\"original_max_position_embeddings\" is 1")]
    [InlineData("""{ "rope_theta": 5e5, "rope_parameters": { "rope_theta": 1e4 } }""", "\"rope_parameters.rope_theta\" is 10000, but \"rope_theta\" is 500000")]
    [InlineData("""{ "rope_theta": 5e5, "rope_scaling": { "rope_theta": 1e4 } }""", "\"rope_scaling.rope_theta\" is 10000, but \"rope_theta\" is 500000")]
    [InlineData(
        """{ "rope_scaling": { "rope_type": "linear", "factor": 2, "rope_theta": 5e5 }, "rope_parameters": { "rope_theta": 1e4 } }""",
        "\"rope_parameters.rope_theta\" is 10000, but \"rope_scaling.rope_theta\" is 500000")]
    [InlineData(
        """{ "partial_rotary_factor": 0.5, "rope_parameters": { "partial_rotary_factor": 0.75 } }""",
        "\"rope_parameters.partial_rotary_factor\" is 0.75, but \"partial_rotary_factor\" is 0.5")]
    [InlineData(
        """{ "rope_scaling": { "rope_type": "linear", "factor": 2 }, "rope_parameters": { "rope_type": "linear", "factor": 4 } }""",
        "\"rope_parameters\" describes another rotary embedding than \"rope_scaling\"")]
    [InlineData(
        """{ "rope_scaling": { "rope_type": "default" }, "rope_parameters": { "rope_type": "linear", "factor": 4 } }""",
        "\"rope_parameters\" describes another rotary embedding than \"rope_scaling\"")]
    [InlineData("""{ "rope_scaling": { "rope_type": "linear", "type": "yarn", "factor": 4 } }""", "\"rope_scaling.type\" names another rotary scaling than \"rope_scaling.rope_type\"")]
    [InlineData("""{ "rope_scaling": { "factor": 4 } }""", "\"rope_scaling.factor\" is there, but \"rope_scaling.rope_type\" is absent")]
    [InlineData("""{ "rope_scaling": { "type": "default", "factor": 4 } }""", "\"rope_scaling.factor\" is there, but \"rope_scaling.type\" is default")]
    [InlineData("""{ "rope_parameters": { "short_factor": [1] } }""", "\"rope_parameters.short_factor\" is there, but \"rope_parameters.rope_type\" is absent")]
    [InlineData("""{ "rope_scaling": { "type": "yarn", "factor": 4, "long_factor": [1] } }""", "\"rope_scaling.long_factor\" is there, but \"rope_scaling.type\" is yarn")]
    [InlineData("""{ "rope_scaling": { "type": "yarn", "factor": 4, "attn_factor": 2 } }""", "\"rope_scaling.attn_factor\" is a number that engines read differently")]
    [InlineData(
        """{ "original_max_position_embeddings": 64, "rope_scaling": { "type": "yarn", "factor": 4, "original_max_position_embeddings": 128 } }""",
        "\"rope_scaling.original_max_position_embeddings\" is 128, but \"original_max_position_embeddings\" is 64")]
    [InlineData(
        """{ "max_position_embeddings": 400, "rope_scaling": { "type": "longrope", "factor": 3, "original_max_position_embeddings": 100 } }""",
        "\"rope_scaling.factor\" is 3, but \"max_position_embeddings\" is 4 times the original context, 100")]
    [InlineData("""{ "rope_theta": null }""", "\"rope_theta\" is null")]
    [InlineData("""{ "partial_rotary_factor": null }""", "\"partial_rotary_factor\" is null")]
    [InlineData("""{ "rope_scaling": { "facter": 4 } }""", "\"rope_scaling.facter\" is there, but \"rope_scaling.rope_type\" is absent")]
    [InlineData("""{ "rope_scaling": { "sliding_attention": { "rope_type": "default" } } }""", "\"rope_scaling.sliding_attention\" gives layers of one type")]
    [InlineData("""{ "rope_parameters": { "chunked_attention": {} } }""", "\"rope_parameters.chunked_attention\" gives layers of one type")]
    [InlineData("""{ "rope_parameters": { "full_attention": { "rope_theta": 10000 } } }""", "\"rope_parameters.full_attention\" gives layers of one type")]
    [InlineData("""{ "rope_parameters": { "rope_type": "linear" } }""", "\"rope_parameters.factor\" is missing")]
    [InlineData("""{ "rope_parameters": { "rope_theta": 0 } }""", "\"rope_parameters.rope_theta\" is 0")]
    [InlineData("""{ "rope_parameters": [] }""", "\"rope_parameters\" is an array")]
    [InlineData("""{ "rope_theta": 1e999 }""", "\"rope_theta\" is 1e999")]
    [InlineData("""{ "partial_rotary_factor": 0.01 }""", "holds no pairs of channels")]
    [InlineData("""{ "partial_rotary_factor": 2 }""", "holds no pairs of channels")]
    [InlineData("""{ "rope_scaling": { "rope_type": "llama3", "factor": 8 } }""", "\"rope_scaling.low_freq_factor\" is missing")]
    [InlineData(
        """{ "rope_scaling": { "rope_type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4, "original_max_position_embeddings": 64 } }""",
        "\"rope_scaling.high_freq_factor\" is not greater")]
    [InlineData(
        """{ "rope_scaling": { "rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 0 } }""",
        "\"rope_scaling.original_max_position_embeddings\" is 0")]
    public void Impossible_scalings_are_refused_by_their_whole_key(string config, string said) =>
        Assert.Contains(said, Assert.Throws<CheckpointException>(() => Read(config, 32)).Message, StringComparison.Ordinal);

    private static void AssertFrequencies(RotaryDescription rotary, int rotated, double theta, Func<double, double> scaled)
    {
        Assert.Equal(rotated / 2, rotary.InverseFrequencies.Length);
        for (int i = 0; i < rotated / 2; i++)
        {
            double expected = scaled(Math.Pow(theta, -2.0 * i / rotated));
            Assert.Equal(expected, rotary.InverseFrequencies[i], expected * 1e-12);
        }
    }

    private RotaryDescription Read(string json, int headSize, string family = "llama") => RotaryConfig.Read(
        ConfigDocument.Load(_folder.Write("config.json", json)), ModelFamilies.All.Single(one => one.Defaults.ModelType == family).Defaults, headSize);
}
