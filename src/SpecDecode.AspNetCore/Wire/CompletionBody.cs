using System.Text.Json;
using System.Text.Json.Serialization;

namespace SpecDecode.AspNetCore.Wire;

/// <summary>The body of POST /v1/completions.</summary>
internal sealed record CompletionBody : GenerationBody
{
    /// <summary>A text, token ids, or an array of either.</summary>
    [JsonPropertyName("prompt")]
    public JsonElement? Prompt { get; init; }

    [JsonPropertyName("echo")]
    public bool? Echo { get; init; }

    [JsonPropertyName("best_of")]
    public int? BestOf { get; init; }

    [JsonPropertyName("logprobs")]
    public int? Logprobs { get; init; }
}
