using System.Text.Json.Serialization;

namespace SpecDecode.AspNetCore.Wire;

/// <summary>The answer to a prompt, or a chunk of it.</summary>
internal sealed record Completion
{
    [JsonPropertyName("id")]
    public required string Id { get; init; }

    [JsonPropertyName("object")]
    public string Object { get; init; } = "text_completion";

    [JsonPropertyName("created")]
    public required long Created { get; init; }

    [JsonPropertyName("model")]
    public required string Model { get; init; }

    [JsonPropertyName("choices")]
    public required IReadOnlyList<CompletionChoice> Choices { get; init; }

    [JsonPropertyName("usage")]
    public Usage? Usage { get; init; }

    [JsonPropertyName("metrics")]
    public Metrics? Metrics { get; init; }
}

/// <summary>One of the texts.</summary>
internal sealed record CompletionChoice
{
    [JsonPropertyName("index")]
    public required int Index { get; init; }

    [JsonPropertyName("text")]
    public required string Text { get; init; }

    [JsonPropertyName("finish_reason")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? FinishReason { get; init; }

    /// <summary>How probable the tokens were, where the request asks for it.</summary>
    [JsonPropertyName("logprobs")]
    public CompletionLogprobs? Logprobs { get; init; }

    /// <summary>The tokens and how they came, where the request asks for them. An extension.</summary>
    [JsonPropertyName("tokens")]
    public IReadOnlyList<AnswerToken>? Tokens { get; init; }
}
