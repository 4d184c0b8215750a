using SpecDecode.Drafting;
using SpecDecode.Sampling;

namespace SpecDecode.Generation;

/// <summary>A text to be continued: exactly one of <see cref="Prompt"/> and <see cref="Tokens"/> is set.</summary>
public sealed record GenerationRequest
{
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
    /// <value>The default, null, is <see cref="GenerationDefaults.MaxTokens"/>: 128 unless configured otherwise.</value>
    public int? MaxTokens { get; init; }

    /// <summary>Whether the text goes on after an end-of-sequence token.</summary>
    /// <value>The default is false.</value>
    public bool IgnoreEndOfSequence { get; init; }

    /// <summary>
    /// Ids that end the text besides the model's own end-of-sequence tokens, also where those are ignored. The one that does is the
    /// last of the tokens and no part of the text. At most 1024.
    /// </summary>
    /// <value>The default is none.</value>
    public IReadOnlyList<int> StopTokens { get; init; } = [];

    /// <summary>How tokens are chosen.</summary>
    /// <value>The default, null, is <see cref="GenerationDefaults.Sampling"/>: greedy unless configured otherwise.</value>
    public SamplingOptions? Sampling { get; init; }

    /// <summary>
    /// How the model drafts for itself. The text is the same with and without, or, under
    /// <see cref="AcceptanceRule.Rejection"/>, distributed the same.
    /// </summary>
    /// <value>
    /// The default, null, is <see cref="GenerationDefaults.Drafting"/>: plain decoding unless configured otherwise.
    /// <see cref="DraftingOptions.None"/> is plain decoding in any case.
    /// </value>
    public DraftingOptions? Drafting { get; init; }
}
