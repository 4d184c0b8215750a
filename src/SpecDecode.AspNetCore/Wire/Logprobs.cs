using System.Text.Json.Serialization;

namespace SpecDecode.AspNetCore.Wire;

/// <summary>How probable the tokens of a message were.</summary>
internal sealed record ChatLogprobs
{
    [JsonPropertyName("content")]
    public required IReadOnlyList<ChatLogprob> Content { get; init; }
}

/// <summary>How probable a token was, and which others were.</summary>
internal sealed record ChatLogprob
{
    [JsonPropertyName("token")]
    public required string Token { get; init; }

    [JsonPropertyName("logprob")]
    public required float Logprob { get; init; }

    /// <summary>The token's text in UTF-8; null where it is a part of a character.</summary>
    [JsonPropertyName("bytes")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public IReadOnlyList<int>? Bytes { get; init; }

    /// <summary>The most probable tokens at its place; null in one of them.</summary>
    [JsonPropertyName("top_logprobs")]
    public IReadOnlyList<ChatLogprob>? Top { get; init; }
}

/// <summary>How probable the tokens of a text were, in columns.</summary>
internal sealed record CompletionLogprobs
{
    [JsonPropertyName("tokens")]
    public required IReadOnlyList<string> Tokens { get; init; }

    /// <summary>Null for the first token of a prompt that is told too: nothing stands before it.</summary>
    [JsonPropertyName("token_logprobs")]
    public required IReadOnlyList<float?> TokenLogprobs { get; init; }

    [JsonPropertyName("top_logprobs")]
    public required IReadOnlyList<IReadOnlyDictionary<string, float>?> TopLogprobs { get; init; }

    /// <summary>Where each token begins in the choice's text, in UTF-16 units.</summary>
    [JsonPropertyName("text_offset")]
    public required IReadOnlyList<int> TextOffset { get; init; }
}

/// <summary>The same with its place in the text.</summary>
/// <param name="Token">The token, and how probable it was.</param>
/// <param name="Offset">Where it begins in the choice's text, in UTF-16 units.</param>
/// <param name="IsScored">Whether anything is known of it but its text: not of the first token of a prompt.</param>
internal readonly record struct PlacedLogprob(ChatLogprob Token, int Offset, bool IsScored = true);
