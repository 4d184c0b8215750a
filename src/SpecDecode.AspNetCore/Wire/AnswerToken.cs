using System.Text.Json.Serialization;
using SpecDecode.Drafting;

namespace SpecDecode.AspNetCore.Wire;

/// <summary>A token of an answer and how it came.</summary>
internal sealed record AnswerToken
{
    [JsonPropertyName("id")]
    public required int Id { get; init; }

    /// <summary>The text that it completed, in whole characters.</summary>
    [JsonPropertyName("text")]
    public required string Text { get; init; }

    /// <summary>plain, accepted_draft, looked_up, forced, correction or bonus.</summary>
    [JsonPropertyName("source")]
    public required string Source { get; init; }

    /// <summary>A source as it is written.</summary>
    public static string Word(TokenSource source) => source switch
    {
        TokenSource.AcceptedDraft => "accepted_draft",
        TokenSource.Correction => "correction",
        TokenSource.Bonus => "bonus",
        TokenSource.Forced => "forced",
        TokenSource.LookedUp => "looked_up",
        _ => "plain",
    };
}
