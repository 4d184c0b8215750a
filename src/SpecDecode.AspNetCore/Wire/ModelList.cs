using System.Text.Json.Serialization;

namespace SpecDecode.AspNetCore.Wire;

/// <summary>The answer to GET /v1/models.</summary>
internal sealed record ModelList
{
    [JsonPropertyName("object")]
    public string Object { get; init; } = "list";

    [JsonPropertyName("data")]
    public required IReadOnlyList<ModelCard> Data { get; init; }
}

/// <summary>A model that can be asked.</summary>
internal sealed record ModelCard
{
    [JsonPropertyName("id")]
    public required string Id { get; init; }

    [JsonPropertyName("object")]
    public string Object { get; init; } = "model";

    /// <summary>When the process came to know of it, in seconds since 1970.</summary>
    [JsonPropertyName("created")]
    public required long Created { get; init; }

    [JsonPropertyName("owned_by")]
    public string OwnedBy { get; init; } = "specdecode";

    /// <summary>The longest sequence, prompt and new tokens together; null while it is not loaded.</summary>
    [JsonPropertyName("max_model_len")]
    public int? MaxModelLength { get; init; }
}
