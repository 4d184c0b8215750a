namespace SpecDecode.Families;

/// <summary>
/// How one family reads config.json, and what it takes where a key is absent: its own defaults, in which transformers 4 and 5
/// agree. docs/models.md has the same as a table, and a test holds the two together.
/// </summary>
/// <param name="ModelType">The <c>model_type</c> of the family.</param>
internal sealed record FamilyDefaults(string ModelType)
{
    /// <summary>Key of the rotary embedding's base beside the two rotary objects.</summary>
    public string RotaryBaseKey { get; init; } = "rope_theta";

    /// <summary>The base θ.</summary>
    public double RotaryBase { get; init; } = 10_000;

    /// <summary>Key of the rotated part of a head beside the two rotary objects.</summary>
    public string RotaryPartKey { get; init; } = "partial_rotary_factor";

    /// <summary>The rotated part of a head.</summary>
    public double RotaryPart { get; init; } = 1;

    /// <summary>Whether <c>yarn</c> is an older name of LongRoPE.</summary>
    public bool CallsLongRopeYarn { get; init; }

    /// <summary><c>original_max_position_embeddings</c>; null for <c>max_position_embeddings</c>.</summary>
    public int? OriginalContext { get; init; }

    /// <summary><c>max_position_embeddings</c>.</summary>
    public required int MaxPositions { get; init; }

    /// <summary><c>num_key_value_heads</c>; null for as many as there are query heads.</summary>
    public int? KeyValueHeads { get; init; }

    /// <summary><c>head_dim</c>; null for <c>hidden_size / num_attention_heads</c>.</summary>
    public int? HeadSize { get; init; }

    /// <summary>Key of the norms' ε.</summary>
    public string EpsilonKey { get; init; } = "rms_norm_eps";

    /// <summary>The norms' ε.</summary>
    public double Epsilon { get; init; } = 1e-6;

    /// <summary>Key of the activation.</summary>
    public string ActivationKey { get; init; } = "hidden_act";

    /// <summary>The activation's name.</summary>
    public string Activation { get; init; } = "silu";

    /// <summary><c>tie_word_embeddings</c>.</summary>
    public bool TiesHead { get; init; }

    /// <summary><c>attention_bias</c>.</summary>
    public bool AttentionBias { get; init; }

    /// <summary><c>sliding_window</c>; null for none.</summary>
    public int? Window { get; init; }
}
