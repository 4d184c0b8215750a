using System.Text.Json;
using SpecDecode.ChatTemplates;
using SpecDecode.Constraints;
using SpecDecode.Drafting;
using SpecDecode.Grammars;
using SpecDecode.Sampling;

namespace SpecDecode.Generation;

/// <summary>
/// A text to be continued, or a conversation to be answered: exactly one of <see cref="Prompt"/>, <see cref="Tokens"/> and
/// <see cref="Messages"/> is set.
/// </summary>
public sealed record GenerationRequest
{
    private static readonly IReadOnlyDictionary<int, float> NoBias = new Dictionary<int, float>();
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

    /// <summary>
    /// Texts at which the text ends, in place of which it may come to them across any number of tokens. It ends before the one that is complete first, of several
    /// that are complete at once before the longest, and nothing of it is given out. <see cref="GenerationResult.Tokens"/> keep the token that completed
    /// it, which is the last. Text of special tokens is not looked at.
    /// </summary>
    /// <value>The default is none. None empty; together at most 65,536 UTF-16 units.</value>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>Whether the stop string that was found stays in the text.</summary>
    /// <value>The default is false.</value>
    public bool IncludeStop { get; init; }

    /// <summary>
    /// New tokens that the text has at least: until then no token can be chosen that ends it, and a stop string that is complete with one of these tokens is
    /// passed over.
    /// </summary>
    /// <value>The default is 0. At most <see cref="MaxTokens"/>.</value>
    public int MinTokens { get; init; }

    /// <summary>Is added to the logits of these tokens, before penalties and temperature; −∞ bans one.</summary>
    /// <value>The default is none. Finite numbers or −∞, by ids within the vocabulary.</value>
    public IReadOnlyDictionary<int, float> LogitBias { get; init; } = NoBias;

    /// <summary>Tokens that the text never has.</summary>
    /// <value>The default is none. Ids within the vocabulary.</value>
    public IReadOnlyList<int> BannedTokens { get; init; } = [];

    /// <summary>
    /// Phrases that the output does not have as the tokens that each of them has by itself and behind a space (<c>bad_words</c> of vLLM and transformers).
    /// </summary>
    /// <value>The default is none. None empty; together at most 65,536 UTF-16 units.</value>
    public IReadOnlyList<string> BannedPhrases { get; init; } = [];

    /// <summary>
    /// What the text must be: JSON by a schema, a regular expression, one of a few texts, a grammar. A token that would leave it is never chosen, nor drafted; where only
    /// one continuation is possible, it is proposed without a drafter. A text that ends at <see cref="MaxTokens"/> is the beginning of one that fits.
    /// </summary>
    /// <value>The default, null, is any text. Needs a tokenizer, and a token that ends the text.</value>
    public Grammar? Grammar { get; init; }

    /// <summary>
    /// Rules of your own about what may come next, behind those above and before the penalties. A text's states see the tokens of drafts too, and drafts
    /// change nothing about the text.
    /// </summary>
    /// <value>The default is none.</value>
    public IReadOnlyList<ITokenConstraint> Constraints { get; init; } = [];

    /// <summary>Has the result tell how probable each new token was, and so many of the most probable at its place.</summary>
    /// <value>The default, null, is nothing, which costs nothing; 0 is the tokens alone. 0 to 20.</value>
    public int? LogProbabilities { get; init; }

    /// <summary>The same for the tokens of the prompt but the first. All of its rows are scored for that.</summary>
    /// <value>The default, null, is nothing. 0 to 20.</value>
    public int? PromptLogProbabilities { get; init; }

    /// <summary>Which log probabilities those of new tokens are.</summary>
    /// <value>The default is <see cref="LogProbabilityKind.Raw"/>. Those of the prompt are always raw.</value>
    public LogProbabilityKind LogProbabilityKind { get; init; }

    /// <summary>How many texts are written for the prompt; the i-th draws as <see cref="SamplingOptions.ChoiceIndex"/> plus i.</summary>
    /// <value>The default is 1. 1 to 128.</value>
    public int Choices { get; init; } = 1;

    /// <summary>Writes so many texts and gives the <see cref="Choices"/> of them that have the highest mean log probability, raw, the highest first.</summary>
    /// <value>The default, null, is as many as <see cref="Choices"/>, in their order. At least <see cref="Choices"/>, at most 128. Not while streaming.</value>
    public int? BestOf { get; init; }

    /// <summary>How long it may take from its coming: then it ends with <see cref="FinishReason.Deadline"/> within a step, with what there is.</summary>
    /// <value>The default, null, is for as long as it takes. Above 0.</value>
    public TimeSpan? Deadline { get; init; }

    /// <summary>Of the requests that wait, those of the highest priority are admitted first, of equal ones the one that came first.</summary>
    /// <value>The default is 0.</value>
    public int Priority { get; init; }

    /// <summary>
    /// With whom it may share keys and values of texts that begin alike (<see cref="RuntimeOptions.PrefixCache"/>): only with requests of the same scope. Texts are the same in any
    /// case, but how soon one begins tells whether somebody has asked for its beginning before; so requests of people who must not learn that of each other get scopes of their own.
    /// </summary>
    /// <value>The default, null, is the scope of all requests that name none.</value>
    public string? CacheScope { get; init; }

    /// <summary>How tokens are chosen.</summary>
    /// <value>The default, null, is <see cref="GenerationDefaults.Sampling"/>: greedy unless configured otherwise.</value>
    public SamplingOptions? Sampling { get; init; }

    /// <summary>
    /// How the model drafts for itself. The text is the same with and without, or, under
    /// <see cref="AcceptanceRule.Rejection"/>, distributed the same.
    /// </summary>
    /// <value>
    /// The default, null, is <see cref="GenerationDefaults.Drafting"/>: the strategy <c>auto</c> unless configured otherwise.
    /// <see cref="DraftingOptions.None"/> is plain decoding in any case.
    /// </value>
    public DraftingOptions? Drafting { get; init; }
}
