using System.Text.Json;
using System.Text.Json.Serialization;

namespace SpecDecode.AspNetCore.Wire;

/// <summary>What requests for chats and for texts have in common. What is left out is as configured.</summary>
internal abstract record GenerationBody
{
    [JsonPropertyName("model")]
    public string? Model { get; init; }

    [JsonPropertyName("max_tokens")]
    public int? MaxTokens { get; init; }

    [JsonPropertyName("temperature")]
    public float? Temperature { get; init; }

    [JsonPropertyName("top_p")]
    public float? TopP { get; init; }

    [JsonPropertyName("top_k")]
    public int? TopK { get; init; }

    [JsonPropertyName("min_p")]
    public float? MinP { get; init; }

    [JsonPropertyName("top_n_sigma")]
    public float? TopNSigma { get; init; }

    [JsonPropertyName("seed")]
    public long? Seed { get; init; }

    [JsonPropertyName("frequency_penalty")]
    public float? FrequencyPenalty { get; init; }

    [JsonPropertyName("presence_penalty")]
    public float? PresencePenalty { get; init; }

    [JsonPropertyName("repetition_penalty")]
    public float? RepetitionPenalty { get; init; }

    [JsonPropertyName("logit_bias")]
    public Dictionary<string, float>? LogitBias { get; init; }

    [JsonPropertyName("n")]
    public int? N { get; init; }

    /// <summary>A text or an array of texts.</summary>
    [JsonPropertyName("stop")]
    public JsonElement? Stop { get; init; }

    [JsonPropertyName("stop_token_ids")]
    public int[]? StopTokenIds { get; init; }

    [JsonPropertyName("include_stop_str_in_output")]
    public bool? IncludeStop { get; init; }

    [JsonPropertyName("min_tokens")]
    public int? MinTokens { get; init; }

    /// <summary>Phrases that the text does not have. An extension, as other servers have it.</summary>
    [JsonPropertyName("bad_words")]
    public string[]? BadWords { get; init; }

    [JsonPropertyName("ignore_eos")]
    public bool? IgnoreEos { get; init; }

    [JsonPropertyName("stream")]
    public bool? Stream { get; init; }

    [JsonPropertyName("stream_options")]
    public StreamOptionsBody? StreamOptions { get; init; }

    [JsonPropertyName("response_format")]
    public JsonElement? ResponseFormat { get; init; }

    /// <summary>Where JSON of that format has white space: compact, spaced or free. An extension.</summary>
    [JsonPropertyName("json_white_space")]
    public string? JsonWhiteSpace { get; init; }

    /// <summary>The order of its properties: as_given or free. An extension.</summary>
    [JsonPropertyName("json_property_order")]
    public string? JsonPropertyOrder { get; init; }

    /// <summary>How the model drafts for this request. An extension.</summary>
    [JsonPropertyName("drafting")]
    public DraftingBody? Drafting { get; init; }

    /// <summary>Only requests with the same one share what has been read before. An extension, as other servers have it.</summary>
    [JsonPropertyName("cache_salt")]
    public string? CacheSalt { get; init; }

    /// <summary>Whether the answer has <c>metrics.speculative_decoding</c>. An extension.</summary>
    [JsonPropertyName("include_metrics")]
    public bool? IncludeMetrics { get; init; }

    /// <summary>Whether each choice has its tokens, with what made each of them. An extension.</summary>
    [JsonPropertyName("include_tokens")]
    public bool? IncludeTokens { get; init; }

    /// <summary>Fields that are none of these.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Others { get; set; }
}

/// <summary>Options of a stream.</summary>
internal sealed record StreamOptionsBody
{
    [JsonPropertyName("include_usage")]
    public bool? IncludeUsage { get; init; }

    /// <summary>Whether chunks are padded against observers of their lengths; only no padding is served.</summary>
    [JsonPropertyName("include_obfuscation")]
    public bool? IncludeObfuscation { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Others { get; set; }
}

/// <summary>How the model drafts for a request: as in the section <c>Drafting</c>, under names in JSON's manner.</summary>
internal sealed record DraftingBody
{
    [JsonPropertyName("strategy")]
    public string? Strategy { get; init; }

    [JsonPropertyName("exit_layer")]
    public int? ExitLayer { get; init; }

    [JsonPropertyName("skip_attention")]
    public int[]? SkipAttention { get; init; }

    [JsonPropertyName("skip_mlp")]
    public int[]? SkipMlp { get; init; }

    [JsonPropertyName("draft_length")]
    public int? DraftLength { get; init; }

    [JsonPropertyName("threshold")]
    public float? Threshold { get; init; }

    [JsonPropertyName("cascade_exits")]
    public int[]? CascadeExits { get; init; }

    [JsonPropertyName("cascade_length")]
    public int? CascadeLength { get; init; }

    [JsonPropertyName("cascade_threshold")]
    public float? CascadeThreshold { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Others { get; set; }
}
