using System.Text.Json;
using SpecDecode.ChatTemplates;
using SpecDecode.Drafting;
using SpecDecode.Sampling;

namespace SpecDecode.Generation;

/// <summary>
/// A text to be continued, or a conversation to be answered: exactly one of <see cref="Prompt"/>, <see cref="Tokens"/> and
/// <see cref="Messages"/> is set.
/// </summary>
public sealed record GenerationRequest
{
    private static readonly IReadOnlyDictionary<string, JsonElement> NoVariables = new Dictionary<string, JsonElement>();

    /// <summary>
    /// The prompt as text, encoded with the special tokens that the tokenizer's post-processor adds (BOS). Special tokens that
    /// the text spells out are text: what a user types cannot end a turn or open another.
    /// </summary>
    /// <value>The default is null.</value>
    public string? Prompt { get; init; }

    /// <summary>The prompt as token ids, used exactly as given; at least one.</summary>
    /// <value>The default is null.</value>
    public IReadOnlyList<int>? Tokens { get; init; }

    /// <summary>
    /// A conversation, the oldest message first: the model's chat template makes the prompt of it, up to the beginning of the
    /// assistant's answer. What messages spell out never becomes a control token (<see cref="ChatTemplates.ChatTokenizer"/>).
    /// </summary>
    /// <value>The default is null.</value>
    public IReadOnlyList<ChatMessage>? Messages { get; init; }

    /// <summary>The tools that the model may call: an array of JSON schemas of functions. Goes with <see cref="Messages"/>.</summary>
    /// <value>The default is null: none.</value>
    public JsonElement? Tools { get; init; }

    /// <summary>Further variables of the chat template, such as <c>enable_thinking</c>. Goes with <see cref="Messages"/>.</summary>
    /// <value>The default is none.</value>
    public IReadOnlyDictionary<string, JsonElement> TemplateVariables { get; init; } = NoVariables;

    /// <summary>What becomes of <see cref="Messages"/> that are too long for the model.</summary>
    /// <value>
    /// The default is <see cref="ChatOverflow.Refuse"/>. With <see cref="ChatOverflow.DropOldest"/> the oldest turns are left out until
    /// the prompt leaves room for all of <see cref="MaxTokens"/>; where the last turn alone leaves less, for half of the longest
    /// sequence; where it leaves less than that, all others go and the text gets what room there is. <see cref="GenerationResult.DroppedMessages"/> says
    /// how many messages that were.
    /// </value>
    public ChatOverflow Overflow { get; init; }

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
