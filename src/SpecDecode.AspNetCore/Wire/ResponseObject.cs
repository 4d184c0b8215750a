using System.Text.Json;
using System.Text.Json.Serialization;

namespace SpecDecode.AspNetCore.Wire;

/// <summary>The answer of POST /v1/responses.</summary>
internal sealed record ResponseObject
{
    [JsonPropertyName("id")]
    public required string Id { get; init; }

    [JsonPropertyName("object")]
    public string Object { get; init; } = "response";

    [JsonPropertyName("created_at")]
    public required long CreatedAt { get; init; }

    /// <summary>in_progress, completed, incomplete or failed.</summary>
    [JsonPropertyName("status")]
    public required string Status { get; init; }

    [JsonPropertyName("error")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public ResponseError? Error { get; init; }

    [JsonPropertyName("incomplete_details")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public IncompleteDetails? IncompleteDetails { get; init; }

    [JsonPropertyName("instructions")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Instructions { get; init; }

    [JsonPropertyName("max_output_tokens")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public int? MaxOutputTokens { get; init; }

    [JsonPropertyName("model")]
    public required string Model { get; init; }

    [JsonPropertyName("output")]
    public required IReadOnlyList<OutputItem> Output { get; init; }

    [JsonPropertyName("parallel_tool_calls")]
    public required bool ParallelToolCalls { get; init; }

    [JsonPropertyName("previous_response_id")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? PreviousResponseId { get; init; }

    [JsonPropertyName("store")]
    public bool Store { get; init; }

    [JsonPropertyName("temperature")]
    public required float Temperature { get; init; }

    [JsonPropertyName("top_p")]
    public required float TopP { get; init; }

    [JsonPropertyName("text")]
    public JsonElement? Text { get; init; }

    [JsonPropertyName("tool_choice")]
    public required JsonElement ToolChoice { get; init; }

    [JsonPropertyName("tools")]
    public required JsonElement Tools { get; init; }

    [JsonPropertyName("truncation")]
    public string Truncation { get; init; } = "disabled";

    [JsonPropertyName("usage")]
    public ResponseUsage? Usage { get; init; }

    [JsonPropertyName("metadata")]
    public JsonElement? Metadata { get; init; }

    [JsonPropertyName("metrics")]
    public Metrics? Metrics { get; init; }
}

/// <summary>What made an answer fail.</summary>
internal sealed record ResponseError
{
    [JsonPropertyName("code")]
    public required string Code { get; init; }

    [JsonPropertyName("message")]
    public required string Message { get; init; }
}

/// <summary>Why an answer is not whole.</summary>
internal sealed record IncompleteDetails
{
    [JsonPropertyName("reason")]
    public required string Reason { get; init; }
}

/// <summary>A piece of an answer: a message, reasoning, or a call.</summary>
internal sealed record OutputItem
{
    /// <summary>message, reasoning or function_call.</summary>
    [JsonPropertyName("type")]
    public required string Type { get; init; }

    [JsonPropertyName("id")]
    public required string Id { get; init; }

    /// <summary>in_progress, completed or incomplete.</summary>
    [JsonPropertyName("status")]
    public required string Status { get; init; }

    [JsonPropertyName("role")]
    public string? Role { get; init; }

    [JsonPropertyName("content")]
    public IReadOnlyList<OutputContent>? Content { get; init; }

    /// <summary>Of reasoning, which is not summed up.</summary>
    [JsonPropertyName("summary")]
    public IReadOnlyList<OutputContent>? Summary { get; init; }

    [JsonPropertyName("call_id")]
    public string? CallId { get; init; }

    [JsonPropertyName("name")]
    public string? Name { get; init; }

    /// <summary>A JSON object, as a text.</summary>
    [JsonPropertyName("arguments")]
    public string? Arguments { get; init; }
}

/// <summary>A text of an item.</summary>
internal sealed record OutputContent
{
    /// <summary>output_text or reasoning_text.</summary>
    [JsonPropertyName("type")]
    public required string Type { get; init; }

    [JsonPropertyName("text")]
    public required string Text { get; init; }

    [JsonPropertyName("annotations")]
    public IReadOnlyList<JsonElement>? Annotations { get; init; }
}

/// <summary>How many tokens a request had and got.</summary>
internal sealed record ResponseUsage
{
    [JsonPropertyName("input_tokens")]
    public required int InputTokens { get; init; }

    [JsonPropertyName("input_tokens_details")]
    public required PromptTokensDetails InputTokensDetails { get; init; }

    [JsonPropertyName("output_tokens")]
    public required int OutputTokens { get; init; }

    [JsonPropertyName("output_tokens_details")]
    public required CompletionTokensDetails OutputTokensDetails { get; init; }

    [JsonPropertyName("total_tokens")]
    public int TotalTokens => InputTokens + OutputTokens;

    /// <summary>The same as of a chat.</summary>
    public static ResponseUsage Of(Usage usage) => new()
    {
        InputTokens = usage.PromptTokens, InputTokensDetails = usage.PromptTokensDetails, OutputTokens = usage.CompletionTokens, OutputTokensDetails = usage.CompletionTokensDetails,
    };
}
