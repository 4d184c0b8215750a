using SpecDecode.Drafting;
using SpecDecode.Sampling;

namespace SpecDecode.Generation;

/// <summary>One new token of a text, or its end. Where a request has several texts, theirs come as they are written, each with an end of its own.</summary>
public readonly record struct GenerationUpdate
{
    /// <summary>Which of the request's texts it belongs to, from 0.</summary>
    public int Choice { get; init; }

    /// <summary>The token; null in the last update of a text that was ended from outside.</summary>
    public int? Token { get; init; }

    /// <summary>
    /// The text that is complete with this token, in whole characters; often empty for a token that is a part of one, or while it may be the beginning of a
    /// stop string. The pieces of
    /// all updates together are <see cref="GenerationResult.Text"/>. Empty without a usable tokenizer.
    /// </summary>
    public required string Text { get; init; }

    /// <summary>How the token came.</summary>
    public TokenSource Source { get; init; }

    /// <summary>How probable the token was; null unless <see cref="GenerationRequest.LogProbabilities"/> asked for it.</summary>
    public TokenLogProbability? LogProbability { get; init; }

    /// <summary>
    /// How probable each token of the prompt was, the first left out, with the first token of a text; null with all others, and unless
    /// <see cref="GenerationRequest.PromptLogProbabilities"/> asked for it.
    /// </summary>
    public IReadOnlyList<TokenLogProbability>? PromptLogProbabilities { get; init; }

    /// <summary>The whole text and its statistics, in the last update; null before.</summary>
    public GenerationResult? Result { get; init; }

    /// <summary>Why the text ended, in the last update; null before.</summary>
    public FinishReason? FinishReason => Result?.FinishReason;

    /// <summary>Its text.</summary>
    public override string ToString() => Text;
}
