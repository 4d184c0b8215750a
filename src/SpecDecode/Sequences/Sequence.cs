using System.Diagnostics;
using SpecDecode.Caching;
using SpecDecode.Constraints;
using SpecDecode.Drafting;
using SpecDecode.Sampling;
using SpecDecode.Stops;

namespace SpecDecode.Sequences;

/// <summary>
/// One text in the making: its prompt, what was added to it, and its cache once it is admitted. Committed tokens are those whose
/// entries are in the cache; the last known token is always still to be computed. Belongs to the thread that runs the steps;
/// only <see cref="RequestCancellation"/> may be called from any.
/// </summary>
internal sealed class Sequence : IDisposable
{
    // A drafter that fails so often is left alone; the text goes on plainly.
    private const int MostDraftFailures = 3;

    // A forced run is verified in pieces of so many tokens.
    private const int ForcedRoom = 32;

    private static readonly Sampler GreedySampler = new(SamplingOptions.Greedy);

    private readonly int[] _tokens;
    private readonly IReadOnlySet<int> _endOfSequence;
    private int[] _forced = [];
    private KvCache? _cache;
    private int _forcedCount;
    private volatile bool _isCancellationRequested;

    /// <summary>Takes a prompt.</summary>
    /// <param name="prompt">Token ids, at least one, all within the vocabulary.</param>
    /// <param name="maxTokens">New tokens after which the text ends, at least 1.</param>
    /// <param name="endOfSequence">Ids that end the text.</param>
    /// <param name="cache">An empty cache that holds prompt and new tokens; null where it comes with <see cref="Admit"/>.</param>
    /// <param name="drafting">How it drafts; null for plain decoding.</param>
    /// <param name="sampler">How its tokens are chosen; null for greedy.</param>
    public Sequence(
        ReadOnlySpan<int> prompt, int maxTokens, IReadOnlySet<int> endOfSequence, KvCache? cache, SequenceDrafting? drafting = null,
        Sampler? sampler = null)
    {
        Drafting = drafting;
        Sampler = sampler ?? GreedySampler;
        PromptLength = prompt.Length;
        _tokens = new int[prompt.Length + maxTokens];
        prompt.CopyTo(_tokens);
        Length = prompt.Length;
        _endOfSequence = endOfSequence;
        _cache = cache;
        EnqueuedTimestamp = Stopwatch.GetTimestamp();
    }

    /// <summary>Its key/value cache.</summary>
    /// <exception cref="InvalidOperationException">It has not been admitted.</exception>
    public KvCache Cache => _cache ?? throw new InvalidOperationException("The sequence has not been admitted.");

    /// <summary>How it drafts; null for plain decoding.</summary>
    public SequenceDrafting? Drafting { get; }

    /// <summary>How its tokens are chosen.</summary>
    public Sampler Sampler { get; }

    /// <summary>What masks or changes its logits; null for nothing.</summary>
    public SequenceConstraints? Constraints { get; init; }

    /// <summary>At which strings it stops, and how that is seen; null for none.</summary>
    public StopScan? Stops { get; init; }

    /// <summary>The log probabilities that are wanted of new tokens; null for none.</summary>
    public LogProbabilityLog? LogProbabilities { get; init; }

    /// <summary>The log probabilities that are wanted of the prompt's tokens; null for none.</summary>
    public LogProbabilityLog? PromptLogProbabilities { get; init; }

    /// <summary>How long it may take from its coming; null for as long as it likes.</summary>
    public TimeSpan? Deadline { get; init; }

    /// <summary>Of those who wait, the highest is admitted first; of those who are live, the lowest gives its memory up first.</summary>
    public int Priority { get; init; }

    /// <summary>Who may share its pages; null for everybody.</summary>
    public string? CacheScope { get; init; }

    /// <summary>Its number among all that have come, from 1; 0 before.</summary>
    public long Number { get; set; }

    /// <summary>Below what its pages are found; null before it is admitted.</summary>
    public PrefixRoot? PrefixRoot { get; set; }

    /// <summary>How far its pages can be found by others.</summary>
    public PrefixPlace Prefix { get; set; }

    /// <summary>Tokens of the prompt that were found in pages of other texts, so that they were not read.</summary>
    public int CachedPromptTokens { get; private set; }

    /// <summary>How often it gave its memory up to others.</summary>
    public int Preemptions { get; private set; }

    /// <summary>The sums of its rounds.</summary>
    public DraftingStatistics Statistics { get; } = new();

    /// <summary>What the last step that gave it tokens did; the first token's step counts as plain.</summary>
    public RoundRecord LastRound { get; private set; }

    /// <summary>The prompt.</summary>
    public ReadOnlySpan<int> Prompt => _tokens.AsSpan(0, PromptLength);

    /// <summary>Tokens of the prompt.</summary>
    public int PromptLength { get; }

    /// <summary>Most tokens, prompt and new ones: the positions that its cache must have.</summary>
    public int Capacity => _tokens.Length;

    /// <summary>Tokens known so far: prompt and new ones.</summary>
    public int Length { get; private set; }

    /// <summary>Known tokens that are not in the cache yet: pieces of the prompt, or the last token.</summary>
    public ReadOnlySpan<int> Pending => _tokens.AsSpan(Cache.CommittedLength, Length - Cache.CommittedLength);

    /// <summary>Whether more than the last known token is still to be read: of the prompt, or of all that was known when it gave its memory up.</summary>
    public bool ReadsPrompt => Cache.CommittedLength < Length - 1;

    /// <summary>Whether no new token is known yet: what runs is the prompt.</summary>
    public bool WritesFirstToken => Length == PromptLength;

    /// <summary>
    /// Most tokens that its next draft may have: so many that draft and bonus token still fit. None before the first new
    /// token, since prompts are read at full depth, nor while more than the last known token is pending.
    /// </summary>
    public int DraftLimit => WritesFirstToken || Pending.Length > 1 ? 0
        : _forcedCount > 0 ? Math.Min(_forcedCount, _tokens.Length - Length - 1)
        : Drafting is null || HasGivenUpDrafting ? 0
        : Math.Min(Drafting.MaxLength, _tokens.Length - Length - 1);

    /// <summary>Tokens that must come next, as its constraints say, for the step that <see cref="FindForced"/> was called in.</summary>
    public ReadOnlySpan<int> Forced => _forced.AsSpan(0, _forcedCount);

    /// <summary>What its constraints threw; null when they did not.</summary>
    public Exception? ConstraintError { get; private set; }

    /// <summary>Draft passes that failed in which it took part, drafts that could not be verified, and failures of its policy.</summary>
    public int DraftFailures { get; private set; }

    /// <summary>Whether so many of them failed that it goes on plainly.</summary>
    public bool HasGivenUpDrafting => DraftFailures >= MostDraftFailures;

    /// <summary>Prompt and new tokens.</summary>
    public ReadOnlyMemory<int> Known => _tokens.AsMemory(0, Length);

    /// <summary>The tokens that were added to the prompt.</summary>
    public ReadOnlySpan<int> NewTokens => _tokens.AsSpan(PromptLength, Length - PromptLength);

    /// <summary>One of them, which never changes: for a reader that knows from elsewhere that it is there.</summary>
    public int NewToken(int index) => _tokens[PromptLength + index];

    /// <summary>Those of them that are text: all but the one that stopped it.</summary>
    public ReadOnlySpan<int> TextTokens => StopToken is null ? NewTokens : NewTokens[..^1];

    /// <summary>The token that stopped the text, an end of sequence or a stop token; null where none did.</summary>
    public int? StopToken { get; private set; }

    /// <summary>The stop string that the text came to; null where there was none.</summary>
    public string? StopString { get; private set; }

    /// <summary>Why the text ended; null while it goes on.</summary>
    public FinishReason? FinishReason { get; private set; }

    /// <summary>What made it fail; null unless it did.</summary>
    public Exception? Error { get; private set; }

    /// <summary>Whether a pass in which it took part has failed, so that it is tried alone.</summary>
    public bool IsSuspect { get; set; }

    /// <summary>Number of the last step that served it; 0 before.</summary>
    public long LastServed { get; set; }

    /// <summary>Its place among the live sequences in this step.</summary>
    public int Place { get; set; }

    /// <summary>When it came, when it was admitted, when its first new token was known, when it ended; 0 before.</summary>
    public long EnqueuedTimestamp { get; private set; }

    /// <inheritdoc cref="EnqueuedTimestamp"/>
    public long AdmittedTimestamp { get; private set; }

    /// <inheritdoc cref="EnqueuedTimestamp"/>
    public long FirstTokenTimestamp { get; private set; }

    /// <inheritdoc cref="EnqueuedTimestamp"/>
    public long EndedTimestamp { get; private set; }

    /// <summary>From its coming to its admission, or to its end where it was never admitted; once it has ended.</summary>
    public TimeSpan QueueTime => Stopwatch.GetElapsedTime(EnqueuedTimestamp, Admitted);

    /// <summary>From its admission to its first new token, or to its end where there was none; once it has ended.</summary>
    public TimeSpan PrefillTime => Stopwatch.GetElapsedTime(Admitted, FirstTokenTimestamp == 0 ? EndedTimestamp : FirstTokenTimestamp);

    /// <summary>From its first new token to its last; once it has ended.</summary>
    public TimeSpan DecodeTime => NewTokens.Length > 1 ? Stopwatch.GetElapsedTime(FirstTokenTimestamp, EndedTimestamp) : TimeSpan.Zero;

    /// <summary>Whether somebody wants it to end; it does so between two passes.</summary>
    public bool IsCancellationRequested => _isCancellationRequested;

    /// <summary>The same as <see cref="Ends"/>, made once.</summary>
    public Func<int, bool> EndsText => field ??= Ends;

    /// <summary>The same as <see cref="AllowsBehind"/>, made once; null where there is nothing to be asked.</summary>
    public ProposalCheck? AllowsProposal => Constraints is null ? null : field ??= AllowsBehind;

    /// <summary>Whether a token ends the text by itself.</summary>
    public bool Ends(int token) => _endOfSequence.Contains(token);

    /// <summary>Whether the text ends with a token that a round has settled: by itself, or since a stop string is complete with it.</summary>
    /// <param name="place">How many tokens of the round were settled before it.</param>
    /// <param name="output">The round's settled tokens, this one the last.</param>
    public bool EndsWith(int place, ReadOnlySpan<int> output)
    {
        bool ends = Ends(output[place]);
        return Stops is { } stops && !ends ? stops.Sees(NewTokens, place, output) : ends;
    }

    /// <summary>Whether its time is up.</summary>
    /// <param name="now">A timestamp.</param>
    public bool IsLate(long now) => Deadline is { } deadline && Stopwatch.GetElapsedTime(EnqueuedTimestamp, now) >= deadline;

    /// <summary>Asks the constraints which tokens must come next.</summary>
    public void FindForced()
    {
        _forcedCount = 0;
        if (Constraints is null || ConstraintError is not null || WritesFirstToken || Pending.Length > 1)
        {
            return;
        }

        try
        {
            if (_forced.Length == 0)
            {
                _forced = new int[ForcedRoom];
            }

            Constraints.MoveTo(NewTokens, default);
            _forcedCount = Constraints.Forced(_forced);
        }
        catch (Exception error)
        {
            ConstraintError = error;
        }
    }

    /// <summary>Whether its next token is that of the highest logit, whatever the others are.</summary>
    public bool ChoosesGreedily => Sampler.Rule == AcceptanceRule.Greedy && Constraints is null;

    /// <summary>Has the constraints change the logits behind the committed tokens and a draft.</summary>
    /// <returns>Whether they did; where not, <see cref="ConstraintError"/> says why.</returns>
    public bool Constrain(ReadOnlySpan<int> draft, Span<float> logits)
    {
        try
        {
            if (Constraints is not null && ConstraintError is null)
            {
                Constraints.MoveTo(NewTokens, draft);
                Constraints.Process(logits);
            }
        }
        catch (Exception error)
        {
            ConstraintError = error;
        }

        return ConstraintError is null;
    }

    /// <summary>Whether its constraints allow a token behind the committed ones and a draft, as far as that can be told without logits.</summary>
    public bool AllowsBehind(ReadOnlySpan<int> draft, int token)
    {
        try
        {
            if (Constraints is null || ConstraintError is not null)
            {
                return ConstraintError is null;
            }

            Constraints.MoveTo(NewTokens, draft);
            return Constraints.Allows(token);
        }
        catch (Exception error)
        {
            ConstraintError = error;
            return false;
        }
    }

    /// <summary>Notes that it comes now, where it was made before.</summary>
    public void Enqueue() => EnqueuedTimestamp = Stopwatch.GetTimestamp();

    /// <summary>Gives it its cache, in which there may be a beginning of its tokens.</summary>
    public void Admit(KvCache cache)
    {
        _cache = cache;
        if (AdmittedTimestamp == 0)
        {
            AdmittedTimestamp = Stopwatch.GetTimestamp();
            CachedPromptTokens = cache.CommittedLength;
        }
    }

    /// <summary>Takes its cache away, so that it has to be admitted again and all that is known of it to be read again. The text stays.</summary>
    public void Preempt()
    {
        _cache?.Dispose();
        _cache = null;
        Prefix = default;
        Preemptions++;
    }

    /// <summary>Adds the output of a round and notices when it ends the text.</summary>
    /// <param name="output">The tokens; at least one, and no more than there is room for.</param>
    /// <param name="round">What the round did.</param>
    public void Append(ReadOnlySpan<int> output, in RoundRecord round)
    {
        LastRound = round;
        if (WritesFirstToken)
        {
            FirstTokenTimestamp = Stopwatch.GetTimestamp();
        }
        else
        {
            Statistics.Add(LastRound);
        }

        output.CopyTo(_tokens.AsSpan(Length));
        Length += output.Length;

        if (Ends(_tokens[Length - 1]))
        {
            StopToken = _tokens[Length - 1];
            End(SpecDecode.FinishReason.Stop);
        }
        else if (Stops?.Found is { } found)
        {
            StopString = found;
            End(SpecDecode.FinishReason.Stop);
        }
        else if (Length == _tokens.Length)
        {
            End(SpecDecode.FinishReason.Length);
        }
    }

    /// <summary>Notes that a draft pass failed in which it took part, that its draft could not be verified, or that its policy failed.</summary>
    public void NoteDraftFailure() => DraftFailures++;

    /// <summary>Asks for an end; safe from any thread.</summary>
    public void RequestCancellation() => _isCancellationRequested = true;

    /// <summary>Ends the text where it is.</summary>
    /// <param name="reason">Why.</param>
    public void Cancel(FinishReason reason = SpecDecode.FinishReason.Cancelled) => End(reason);

    /// <summary>Ends the text where it is, because of an error.</summary>
    public void Fail(Exception error)
    {
        if (FinishReason is null)
        {
            Error = error;
            End(SpecDecode.FinishReason.Failed);
        }
    }

    /// <summary>Hands its cache over, once it has ended.</summary>
    /// <exception cref="InvalidOperationException">It has not been admitted, or has none any more.</exception>
    public KvCache TakeCache()
    {
        KvCache cache = Cache;
        _cache = null;
        return cache;
    }

    /// <summary>Gives the cache back.</summary>
    public void Dispose() => _cache?.Dispose();

    // Who gives up in the queue has waited too: without them a queue that is too long would look short.
    private long Admitted => AdmittedTimestamp == 0 ? EndedTimestamp : AdmittedTimestamp;

    private void End(FinishReason reason)
    {
        if (FinishReason is null)
        {
            FinishReason = reason;
            EndedTimestamp = Stopwatch.GetTimestamp();
        }
    }
}
