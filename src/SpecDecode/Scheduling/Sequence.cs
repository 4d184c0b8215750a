using System.Diagnostics;
using SpecDecode.Caching;
using SpecDecode.Diagnostics;
using SpecDecode.Drafting;
using SpecDecode.Generation;

namespace SpecDecode.Scheduling;

/// <summary>
/// One text in the making: its prompt, what was added to it, and its cache. Committed tokens are those whose entries are
/// in the cache; the last known token is always still to be computed.
/// </summary>
internal sealed class Sequence : IDisposable
{
    private readonly int[] _tokens;
    private readonly IReadOnlySet<int> _endOfSequence;

    /// <summary>Admits a prompt.</summary>
    /// <param name="prompt">Token ids, at least one, all within the vocabulary.</param>
    /// <param name="maxNewTokens">New tokens after which the text ends, at least 1.</param>
    /// <param name="endOfSequence">Ids that end the text.</param>
    /// <param name="cache">An empty cache that holds prompt and new tokens.</param>
    /// <param name="draft">How it drafts; null for plain decoding.</param>
    public Sequence(
        ReadOnlySpan<int> prompt, int maxNewTokens, IReadOnlySet<int> endOfSequence, KvCache cache, DraftOptions? draft = null)
    {
        Draft = draft;
        PromptLength = prompt.Length;
        _tokens = new int[prompt.Length + maxNewTokens];
        prompt.CopyTo(_tokens);
        Length = prompt.Length;
        _endOfSequence = endOfSequence;
        Cache = cache;
    }

    /// <summary>Its key/value cache.</summary>
    public KvCache Cache { get; }

    /// <summary>How it drafts; null for plain decoding.</summary>
    public DraftOptions? Draft { get; }

    /// <summary>The sums of its rounds.</summary>
    public DraftStatistics Statistics { get; } = new();

    /// <summary>Tokens of the prompt.</summary>
    public int PromptLength { get; }

    /// <summary>Tokens known so far: prompt and new ones.</summary>
    public int Length { get; private set; }

    /// <summary>Known tokens that are not in the cache yet: pieces of the prompt, or the last token.</summary>
    public ReadOnlySpan<int> Pending => _tokens.AsSpan(Cache.CommittedLength, Length - Cache.CommittedLength);

    /// <summary>Whether more of the prompt than its last token is still to be read.</summary>
    public bool ReadsPrompt => Cache.CommittedLength < PromptLength - 1;

    /// <summary>Whether no new token is known yet: what runs is the prompt.</summary>
    public bool WritesFirstToken => Length == PromptLength;

    /// <summary>
    /// Most tokens that its next draft may have: so many that draft and bonus token still fit. None before the first new
    /// token, since prompts are read at full depth, nor while more than the last known token is pending.
    /// </summary>
    public int DraftLimit => Draft is null || WritesFirstToken || Pending.Length > 1 ? 0 : Math.Min(Draft.Length, _tokens.Length - Length - 1);

    /// <summary>The tokens that were added to the prompt.</summary>
    public ReadOnlySpan<int> NewTokens => _tokens.AsSpan(PromptLength, Length - PromptLength);

    /// <summary>Why the text ended; null while it goes on.</summary>
    public FinishReason? FinishReason { get; private set; }

    /// <summary>When the first new token was known; 0 before.</summary>
    public long FirstTokenTimestamp { get; private set; }

    /// <summary>Whether a token ends the text.</summary>
    public bool Ends(int token) => _endOfSequence.Contains(token);

    /// <summary>Adds the output of a round and notices when it ends the text.</summary>
    /// <param name="round">The round.</param>
    /// <param name="draftTimePerRow">Time of the step's draft passes for each of their rows.</param>
    /// <param name="verifyTimePerRow">Time of the step's verifying pass for each of its rows.</param>
    public void Append(Round round, TimeSpan draftTimePerRow, TimeSpan verifyTimePerRow)
    {
        if (round.Appended == 0)
        {
            return;
        }

        if (WritesFirstToken)
        {
            FirstTokenTimestamp = Stopwatch.GetTimestamp();
        }
        else
        {
            Statistics.Add(round.Record(draftTimePerRow, verifyTimePerRow));
        }

        for (int i = 0; i < round.Appended; i++)
        {
            _tokens[Length++] = round.Output(i);
        }

        FinishReason = Ends(_tokens[Length - 1]) ? Generation.FinishReason.Stop
            : Length == _tokens.Length ? Generation.FinishReason.Length
            : null;
    }

    /// <summary>Ends the text where it is.</summary>
    public void Cancel() => FinishReason ??= Generation.FinishReason.Cancelled;

    /// <summary>Gives the cache back.</summary>
    public void Dispose() => Cache.Dispose();
}
