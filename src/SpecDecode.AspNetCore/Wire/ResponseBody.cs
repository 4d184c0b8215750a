using System.Text.Json;
using System.Text.Json.Serialization;

namespace SpecDecode.AspNetCore.Wire;

/// <summary>The body of POST /v1/responses. What it has in common with chats is among the others.</summary>
internal sealed record ResponseBody
{
    [JsonPropertyName("model")]
    public string? Model { get; init; }

    /// <summary>A text, or an array of items.</summary>
    [JsonPropertyName("input")]
    public JsonElement? Input { get; init; }

    [JsonPropertyName("instructions")]
    public string? Instructions { get; init; }

    [JsonPropertyName("max_output_tokens")]
    public int? MaxOutputTokens { get; init; }

    /// <summary>The form of the answer, in <c>format</c>.</summary>
    [JsonPropertyName("text")]
    public JsonElement? Text { get; init; }

    [JsonPropertyName("tools")]
    public JsonElement? Tools { get; init; }

    /// <summary>none, auto, required, or an object that names a function.</summary>
    [JsonPropertyName("tool_choice")]
    public JsonElement? ToolChoice { get; init; }

    [JsonPropertyName("reasoning")]
    public JsonElement? Reasoning { get; init; }

    [JsonPropertyName("stream")]
    public bool? Stream { get; init; }

    /// <summary>Whether the answer is kept; only false is served, and means the same as nothing.</summary>
    [JsonPropertyName("store")]
    public bool? Store { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Others { get; set; }
}
