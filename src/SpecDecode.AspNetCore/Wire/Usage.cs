using System.Text.Json.Serialization;

namespace SpecDecode.AspNetCore.Wire;

/// <summary>How many tokens a request had and got.</summary>
internal sealed record Usage
{
    [JsonPropertyName("prompt_tokens")]
    public required int PromptTokens { get; init; }

    [JsonPropertyName("completion_tokens")]
    public required int CompletionTokens { get; init; }

    [JsonPropertyName("total_tokens")]
    public int TotalTokens => PromptTokens + CompletionTokens;

    [JsonPropertyName("prompt_tokens_details")]
    public required PromptTokensDetails PromptTokensDetails { get; init; }

    [JsonPropertyName("completion_tokens_details")]
    public required CompletionTokensDetails CompletionTokensDetails { get; init; }
}

/// <summary>What was known of a prompt.</summary>
internal sealed record PromptTokensDetails
{
    /// <summary>Tokens whose keys and values were there already.</summary>
    [JsonPropertyName("cached_tokens")]
    public required int CachedTokens { get; init; }
}

/// <summary>What the new tokens are.</summary>
internal sealed record CompletionTokensDetails
{
    [JsonPropertyName("reasoning_tokens")]
    public required int ReasoningTokens { get; init; }

    /// <summary>Tokens that were drafted and accepted.</summary>
    [JsonPropertyName("accepted_prediction_tokens")]
    public required long AcceptedPredictionTokens { get; init; }

    /// <summary>Tokens that were drafted and not accepted. They are no part of the completion, and not counted in it.</summary>
    [JsonPropertyName("rejected_prediction_tokens")]
    public required long RejectedPredictionTokens { get; init; }
}
