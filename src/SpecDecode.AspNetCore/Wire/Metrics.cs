using System.Text.Json.Serialization;

namespace SpecDecode.AspNetCore.Wire;

/// <summary>Measurements of one request.</summary>
internal sealed record Metrics
{
    [JsonPropertyName("speculative_decoding")]
    public required SpeculativeDecoding SpeculativeDecoding { get; init; }
}

/// <summary>What drafting did for a request, under the names that vLLM gives it.</summary>
internal sealed record SpeculativeDecoding
{
    /// <summary>1 + accepted / rounds with a draft: tokens that such a round gave, its last one included.</summary>
    [JsonPropertyName("mean_acceptance_length")]
    public required double MeanAcceptanceLength { get; init; }

    /// <summary>accepted / drafted; null when nothing was drafted.</summary>
    [JsonPropertyName("draft_acceptance_rate")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public double? DraftAcceptanceRate { get; init; }

    /// <summary>For each number of accepted tokens how many rounds with a draft had it; those of none are left out.</summary>
    [JsonPropertyName("acceptance_histogram")]
    public required IReadOnlyDictionary<int, int> AcceptanceHistogram { get; init; }

    /// <summary>The same for each length of a draft.</summary>
    [JsonPropertyName("acceptance_histogram_by_draft_length")]
    public required IReadOnlyDictionary<int, IReadOnlyDictionary<int, int>> AcceptanceHistogramByDraftLength { get; init; }

    /// <summary>Rounds with a draft.</summary>
    [JsonPropertyName("num_spec_steps")]
    public required long SpecSteps { get; init; }

    [JsonPropertyName("num_accepted_draft_tokens")]
    public required long AcceptedDraftTokens { get; init; }

    [JsonPropertyName("num_draft_tokens")]
    public required long DraftTokens { get; init; }

    /// <summary>The longest draft that was allowed; null without drafting.</summary>
    [JsonPropertyName("num_spec_tokens")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public int? SpecTokens { get; init; }
}
