using System.Text.Json.Serialization;

namespace SpecDecode.AspNetCore.Wire;

/// <summary>The body of an answer that is an error.</summary>
internal sealed record ErrorBody
{
    [JsonPropertyName("error")]
    public required ErrorDetail Error { get; init; }
}

/// <summary>What went wrong.</summary>
internal sealed record ErrorDetail
{
    [JsonPropertyName("message")]
    public required string Message { get; init; }

    [JsonPropertyName("type")]
    public required string Type { get; init; }

    /// <summary>The field at fault, written also where it is null.</summary>
    [JsonPropertyName("param")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Param { get; init; }

    [JsonPropertyName("code")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Code { get; init; }
}
