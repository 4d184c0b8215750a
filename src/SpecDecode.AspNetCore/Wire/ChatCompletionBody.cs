using System.Text.Json;
using System.Text.Json.Serialization;

namespace SpecDecode.AspNetCore.Wire;

/// <summary>The body of POST /v1/chat/completions.</summary>
internal sealed record ChatCompletionBody : GenerationBody
{
    [JsonPropertyName("messages")]
    public JsonElement? Messages { get; init; }

    [JsonPropertyName("max_completion_tokens")]
    public int? MaxCompletionTokens { get; init; }

    [JsonPropertyName("tools")]
    public JsonElement? Tools { get; init; }

    /// <summary>none, auto, required, or an object that names a function.</summary>
    [JsonPropertyName("tool_choice")]
    public JsonElement? ToolChoice { get; init; }

    [JsonPropertyName("parallel_tool_calls")]
    public bool? ParallelToolCalls { get; init; }

    [JsonPropertyName("logprobs")]
    public bool? Logprobs { get; init; }

    [JsonPropertyName("top_logprobs")]
    public int? TopLogprobs { get; init; }

    [JsonPropertyName("reasoning_effort")]
    public string? ReasoningEffort { get; init; }

    /// <summary>Further variables of the chat template. An extension.</summary>
    [JsonPropertyName("chat_template_kwargs")]
    public Dictionary<string, JsonElement>? TemplateVariables { get; init; }
}
