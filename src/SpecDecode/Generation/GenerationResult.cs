using SpecDecode.Diagnostics;

namespace SpecDecode.Generation;

/// <summary>A text that has ended.</summary>
public sealed record GenerationResult
{
    /// <summary>Number of tokens in the prompt, special ones included.</summary>
    public required int PromptTokens { get; init; }

    /// <summary>The new tokens; an end-of-sequence token that ended the text is the last of them.</summary>
    public required IReadOnlyList<int> Tokens { get; init; }

    /// <summary>
    /// What the new tokens add to the prompt's text, special tokens left out; null when the model has no tokenizer that
    /// can be used.
    /// </summary>
    public required string? Text { get; init; }

    /// <summary>Why it ended.</summary>
    public required FinishReason FinishReason { get; init; }

    /// <summary>What drafting did for it.</summary>
    public required DraftStatistics Drafting { get; init; }

    /// <summary>From the start of the call to the first new token: reading the prompt.</summary>
    public required TimeSpan PrefillTime { get; init; }

    /// <summary>From the first new token to the last.</summary>
    public required TimeSpan DecodeTime { get; init; }

    /// <summary>New tokens over <see cref="DecodeTime"/>; null when there was no step after the first token.</summary>
    public double? TokensPerSecond => DecodeTime > TimeSpan.Zero ? Tokens.Count / DecodeTime.TotalSeconds : null;
}
