using System.Text.Json.Serialization;

namespace SpecDecode.AspNetCore.Wire;

/// <summary>An event of a stream of POST /v1/responses.</summary>
internal sealed record ResponseEvent
{
    [JsonPropertyName("type")]
    public required string Type { get; init; }

    [JsonPropertyName("sequence_number")]
    public int SequenceNumber { get; init; }

    [JsonPropertyName("response")]
    public ResponseObject? Response { get; init; }

    [JsonPropertyName("output_index")]
    public int? OutputIndex { get; init; }

    [JsonPropertyName("content_index")]
    public int? ContentIndex { get; init; }

    [JsonPropertyName("item_id")]
    public string? ItemId { get; init; }

    [JsonPropertyName("item")]
    public OutputItem? Item { get; init; }

    [JsonPropertyName("part")]
    public OutputContent? Part { get; init; }

    [JsonPropertyName("delta")]
    public string? Delta { get; init; }

    [JsonPropertyName("text")]
    public string? Text { get; init; }

    [JsonPropertyName("name")]
    public string? Name { get; init; }

    [JsonPropertyName("arguments")]
    public string? Arguments { get; init; }

    [JsonPropertyName("code")]
    public string? Code { get; init; }

    [JsonPropertyName("message")]
    public string? Message { get; init; }

    [JsonPropertyName("param")]
    public string? Param { get; init; }
}
