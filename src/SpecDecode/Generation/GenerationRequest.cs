using SpecDecode.Drafting;
using SpecDecode.Sampling;

namespace SpecDecode.Generation;

/// <summary>A text to be continued: exactly one of <see cref="Prompt"/> and <see cref="Tokens"/> is set.</summary>
public sealed record GenerationRequest
{
    /// <summary>The default of <see cref="MaxNewTokens"/>.</summary>
    public const int DefaultMaxNewTokens = 128;

    /// <summary>
    /// The prompt as text, encoded with the special tokens that the tokenizer's post-processor adds (BOS). Special tokens that
    /// the text spells out are text: what a user types cannot end a turn or open another.
    /// </summary>
    /// <value>The default is null.</value>
    public string? Prompt { get; init; }

    /// <summary>The prompt as token ids, used exactly as given; at least one.</summary>
    /// <value>The default is null.</value>
    public IReadOnlyList<int>? Tokens { get; init; }

    /// <summary>New tokens after which the text ends, at least 1; it also ends at the longest sequence allowed.</summary>
    /// <value>The default is 128.</value>
    public int MaxNewTokens { get; init; } = DefaultMaxNewTokens;

    /// <summary>Whether the text goes on after an end-of-sequence token.</summary>
    /// <value>The default is false.</value>
    public bool IgnoreEndOfSequence { get; init; }

    /// <summary>How tokens are chosen.</summary>
    /// <value>The default is greedy.</value>
    public SamplingOptions Sampling { get; init; } = SamplingOptions.Greedy;

    /// <summary>
    /// How the model drafts for itself. The text is the same with and without, or, under
    /// <see cref="AcceptanceRule.Rejection"/>, distributed the same.
    /// </summary>
    /// <value>The default, null, is plain decoding.</value>
    public DraftOptions? Draft { get; init; }
}
