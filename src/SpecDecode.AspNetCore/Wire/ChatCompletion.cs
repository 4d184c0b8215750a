using System.Text.Json.Serialization;

namespace SpecDecode.AspNetCore.Wire;

/// <summary>The answer to a chat, or with other names a chunk of it.</summary>
internal sealed record ChatCompletion
{
    [JsonPropertyName("id")]
    public required string Id { get; init; }

    [JsonPropertyName("object")]
    public string Object { get; init; } = "chat.completion";

    [JsonPropertyName("created")]
    public required long Created { get; init; }

    [JsonPropertyName("model")]
    public required string Model { get; init; }

    [JsonPropertyName("choices")]
    public required IReadOnlyList<ChatChoice> Choices { get; init; }

    [JsonPropertyName("usage")]
    public Usage? Usage { get; init; }

    [JsonPropertyName("metrics")]
    public Metrics? Metrics { get; init; }
}

/// <summary>One of the answers.</summary>
internal sealed record ChatChoice
{
    [JsonPropertyName("index")]
    public required int Index { get; init; }

    /// <summary>The whole message; null in a chunk.</summary>
    [JsonPropertyName("message")]
    public AnswerMessage? Message { get; init; }

    /// <summary>What is new of the message; null in a whole answer.</summary>
    [JsonPropertyName("delta")]
    public AnswerDelta? Delta { get; init; }

    [JsonPropertyName("finish_reason")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? FinishReason { get; init; }

    /// <summary>How probable the tokens were, where the request asks for it.</summary>
    [JsonPropertyName("logprobs")]
    public ChatLogprobs? Logprobs { get; init; }

    /// <summary>The tokens and how they came, where the request asks for them. An extension.</summary>
    [JsonPropertyName("tokens")]
    public IReadOnlyList<AnswerToken>? Tokens { get; init; }
}

/// <summary>A message of the model.</summary>
internal sealed record AnswerMessage
{
    [JsonPropertyName("role")]
    public string Role { get; init; } = "assistant";

    /// <summary>The text; null where there are calls alone.</summary>
    [JsonPropertyName("content")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Content { get; init; }

    /// <summary>What the model thought before it answered, as other servers call it.</summary>
    [JsonPropertyName("reasoning_content")]
    public string? ReasoningContent { get; init; }

    [JsonPropertyName("tool_calls")]
    public IReadOnlyList<AnswerToolCall>? ToolCalls { get; init; }
}

/// <summary>A piece of a message.</summary>
internal sealed record AnswerDelta
{
    [JsonPropertyName("role")]
    public string? Role { get; init; }

    [JsonPropertyName("content")]
    public string? Content { get; init; }

    /// <summary>What the model thought before it answered, as other servers call it.</summary>
    [JsonPropertyName("reasoning_content")]
    public string? ReasoningContent { get; init; }

    [JsonPropertyName("tool_calls")]
    public IReadOnlyList<AnswerToolCall>? ToolCalls { get; init; }
}

/// <summary>A call of a tool.</summary>
internal sealed record AnswerToolCall
{
    /// <summary>Its number among the calls of the message, in a chunk.</summary>
    [JsonPropertyName("index")]
    public int? Index { get; init; }

    [JsonPropertyName("id")]
    public required string Id { get; init; }

    [JsonPropertyName("type")]
    public string Type { get; init; } = "function";

    [JsonPropertyName("function")]
    public required AnswerFunction Function { get; init; }
}

/// <summary>The function that is called.</summary>
internal sealed record AnswerFunction
{
    [JsonPropertyName("name")]
    public required string Name { get; init; }

    /// <summary>A JSON object, as a text.</summary>
    [JsonPropertyName("arguments")]
    public required string Arguments { get; init; }
}
