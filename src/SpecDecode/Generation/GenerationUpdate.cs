using SpecDecode.Drafting;

namespace SpecDecode.Generation;

/// <summary>One new token of a text, or its end.</summary>
public readonly record struct GenerationUpdate
{
    /// <summary>The token; null in the last update of a text that was ended from outside.</summary>
    public int? Token { get; init; }

    /// <summary>
    /// The text that is complete with this token, in whole characters; often empty for a token that is a part of one. The pieces of
    /// all updates together are <see cref="GenerationResult.Text"/>. Empty without a usable tokenizer.
    /// </summary>
    public required string Text { get; init; }

    /// <summary>How the token came.</summary>
    public TokenSource Source { get; init; }

    /// <summary>The whole text and its statistics, in the last update; null before.</summary>
    public GenerationResult? Result { get; init; }

    /// <summary>Why the text ended, in the last update; null before.</summary>
    public FinishReason? FinishReason => Result?.FinishReason;

    /// <summary>Its text.</summary>
    public override string ToString() => Text;
}
