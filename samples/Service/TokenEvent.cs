using System.Text.Json.Serialization;
using SpecDecode;
using SpecDecode.Drafting;
using SpecDecode.Generation;

namespace Service;

/// <summary>One event of a stream: a token, and with the last one how the text ended.</summary>
internal sealed record TokenEvent
{
    public string Text { get; init; } = "";

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Token { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [JsonConverter(typeof(CamelCaseEnum<TokenSource>))]
    public TokenSource? Source { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [JsonConverter(typeof(CamelCaseEnum<FinishReason>))]
    public FinishReason? FinishReason { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TextStatistics? Statistics { get; init; }

    /// <summary>What went wrong in the middle of the text.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Error { get; init; }

    public static TokenEvent Of(GenerationUpdate update) => new()
    {
        Text = update.Text,
        Token = update.Token,
        Source = update.Token is null ? null : update.Source,
        FinishReason = update.FinishReason,
        Statistics = update.Result is { } result ? TextStatistics.Of(result) : null,
    };
}
