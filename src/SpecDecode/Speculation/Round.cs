using SpecDecode.Drafting;
using SpecDecode.Sampling;
using SpecDecode.Sequences;
using SpecDecode.Stages;

namespace SpecDecode.Speculation;

/// <summary>
/// One sequence's part in a step: the rows that it brings, the draft, and what became of it. With C committed positions, P
/// pending tokens and a draft of K tokens, the rows are at positions C to C + P + K − 1. Made once for each place in a step
/// and reused.
/// </summary>
internal sealed class Round
{
    private readonly int[] _output = new int[DraftingOptions.MaxDraftLength + 1];
    private readonly List<TokenDistribution> _draftDistributions = [];

    /// <summary>The sequence.</summary>
    public Sequence Sequence { get; private set; } = null!;

    /// <summary>Its place in the cache transaction.</summary>
    public int CachePlace { get; private set; }

    /// <summary>Committed positions C before the step.</summary>
    public int CommittedLength { get; private set; }

    /// <summary>Pending tokens P that take part: the last known token, or a piece of the prompt.</summary>
    public int PendingLength { get; private set; }

    /// <summary>Whether the last known token is among them, so that the next token will be known.</summary>
    public bool ReachesEnd { get; private set; }

    /// <summary>Whether it reads tokens that were known before: of the prompt, or again of a text whose sequence has given its memory up.</summary>
    public bool Reads => Sequence.WritesFirstToken || PendingLength > 1 || !ReachesEnd;

    /// <summary>The draft: what its policy chose, and its tokens.</summary>
    public SequenceDraft Choice { get; } = new();

    /// <summary>Tokens drafted so far, K.</summary>
    public int DraftLength => Choice.Length;

    /// <summary>First slot of the rows kept while drafting; as many as drafted tokens.</summary>
    public int KeptSlot { get; private set; }

    /// <summary>Row of the first of its rows in the verifying pass.</summary>
    public int FirstRow { get; set; }

    /// <summary>Rows in the verifying pass: P + K.</summary>
    public int Rows => PendingLength + DraftLength;

    /// <summary>Rows whose logits are needed: that of the last pending token and those of the draft; before them those of the prompt, where it is scored.</summary>
    public int ScoredRows => PromptRowsToScore + (ReachesEnd ? DraftLength + 1 : 0);

    /// <summary>The first of them, counted from the first row of the round.</summary>
    public int FirstScoredRow => PromptRowsToScore > 0 ? 0 : PendingLength - 1;

    /// <summary>Rows of the prompt whose next token is in the prompt too, where log probabilities of the prompt are wanted.</summary>
    public int PromptRowsToScore => Sequence.PromptLogProbabilities is not null && Sequence.WritesFirstToken ? PendingLength - (ReachesEnd ? 1 : 0) : 0;

    /// <summary>How many of them have been.</summary>
    public int PromptRowsScored { get; set; }

    /// <summary>The draft.</summary>
    public ReadOnlySpan<int> Draft => Choice.Draft;

    /// <summary>Whether the draft's rows were kept where they were exact; else verification runs them from the beginning.</summary>
    public bool HasKeptRows => Choice.RowsRun > 0 && Choice.Plan!.Weights == WeightSet.Verifier;

    /// <summary>Tokens of the rows that verification runs from the beginning: those of the pending tokens and of the draft, or just the last where the others were kept.</summary>
    public ReadOnlySpan<int> TokensToEnter => HasKeptRows ? Choice.TokensFrom(DraftLength)
        : DraftLength > 0 ? Choice.TokensFrom(0)
        : Sequence.Pending[..PendingLength];

    /// <summary>Draft tokens accepted so far.</summary>
    public int Accepted { get; private set; }

    /// <summary>Whether it is known how far the output goes, so that no further row is judged.</summary>
    public bool IsDecided { get; private set; }

    /// <summary>Why the verifier can choose no token; null when it can.</summary>
    public SpecDecodeException? Error { get; private set; }

    /// <summary>Tokens that become output: accepted ones and the verifier's own, up to an end of the text.</summary>
    public int Appended { get; private set; }

    /// <summary>Whether all that counts of the verifier's logits at the next place is which is the highest.</summary>
    public bool TakesGreedyChoice =>
        Sequence.ChoosesGreedily && Sequence.LogProbabilities is null && PromptRowsScored == PromptRowsToScore;

    /// <summary>Begins a round without a draft.</summary>
    /// <param name="sequence">The sequence.</param>
    /// <param name="pendingLength">How many of its pending tokens take part.</param>
    public void Begin(Sequence sequence, int pendingLength)
    {
        Sequence = sequence;
        CommittedLength = sequence.Cache.CommittedLength;
        PendingLength = pendingLength;
        ReachesEnd = pendingLength == sequence.Pending.Length;
        sequence.FindForced();
        Choice.Begin(
            sequence.Drafting, sequence.Known, sequence.PromptLength, sequence.Capacity, sequence.Sampler.Rule, sequence.EndsText, sequence.AllowsProposal);
        PromptRowsScored = 0;
        FirstRow = 0;
        Accepted = 0;
        IsDecided = false;
        Error = null;
        Appended = 0;
    }

    /// <summary>Takes the round into the step.</summary>
    /// <param name="cachePlace">Its cache's place in the transaction.</param>
    /// <param name="draftLimit">Most tokens that may be drafted.</param>
    /// <param name="keptSlot">First of as many slots for kept rows.</param>
    /// <param name="vocabularySize">Number of token ids.</param>
    public void Admit(int cachePlace, int draftLimit, int keptSlot, int vocabularySize)
    {
        CachePlace = cachePlace;
        Choice.Admit(draftLimit, vocabularySize);
        KeptSlot = keptSlot;
        if (draftLimit > 0 && !Sequence.Forced.IsEmpty)
        {
            Choice.Force(Sequence.Forced[..Math.Min(draftLimit, Sequence.Forced.Length)]);
        }
    }

    /// <summary>A uniform number for a place behind the known tokens.</summary>
    /// <param name="place">The place, from 0.</param>
    /// <param name="use">What for.</param>
    public double Random(int place, RandomUse use) =>
        Sequence.Sampler.Random.At(Sequence.NewTokens.Length + place, use, Sequence.DraftFailures);

    /// <summary>Where the distribution that a draft token was drawn from is kept until the token is judged.</summary>
    /// <param name="place">The token's place in the draft.</param>
    public TokenDistribution DraftDistribution(int place)
    {
        while (_draftDistributions.Count <= place)
        {
            _draftDistributions.Add(new TokenDistribution());
        }

        return _draftDistributions[place];
    }

    /// <summary>Judges the next place by the verifier's choice there: the draft's token stands if it is that, or is corrected to it.</summary>
    /// <param name="token">The verifier's choice at the next draft token's place, or behind the whole draft.</param>
    public void Settle(int token)
    {
        if (Accepted < DraftLength && Draft[Accepted] == token)
        {
            _output[Accepted] = token;
            Appended = ++Accepted;
            IsDecided = Sequence.EndsWith(Accepted - 1, _output);
        }
        else
        {
            Correct(token);
        }
    }

    /// <summary>Puts the verifier's own token at the next place, whatever was drafted there, and so ends the round.</summary>
    public void Correct(int token)
    {
        _output[Accepted] = token;
        Appended = Accepted + 1;
        IsDecided = true;
        Sequence.EndsWith(Accepted, _output);
    }

    /// <summary>Ends the round without output, since the verifier's logits are no numbers.</summary>
    public void Fail(SpecDecodeException error)
    {
        Error = error;
        Accepted = 0;
        Appended = 0;
        IsDecided = true;
    }

    /// <summary>
    /// Ends the round with what is accepted so far and without an error, since the draft itself may be why the verifier's logits are no
    /// numbers here: attention multiplies also what it masks, so a draft token that overflows reaches the rows before it. What was
    /// accepted stays, as its rows had numbers, and to draw it again would change the distribution. The sequence goes on from there,
    /// and after some such drafts plainly.
    /// </summary>
    public void Abandon()
    {
        IsDecided = true;
        Sequence.NoteDraftFailure();
    }

    /// <summary>The output: accepted draft tokens, then the verifier's own.</summary>
    public ReadOnlySpan<int> Output => _output.AsSpan(0, Appended);

    /// <summary>Positions that are exact once the output is known: all but that of the output's last token.</summary>
    public int KeptLength => CommittedLength + (Error is not null ? 0 : PendingLength + (ReachesEnd ? Appended - 1 : 0));

    /// <summary>Tells the draft what became of it.</summary>
    public void TellChoice() => Choice.Judge(Evaluated, Accepted, Appended);

    private int Evaluated => Math.Min(Accepted + 1, DraftLength);

    /// <summary>What the round did.</summary>
    /// <param name="draftTimePerRow">Time of the step's draft passes for each of their rows.</param>
    /// <param name="verifyTimePerRow">Time of the step's verifying pass for each of its rows.</param>
    public RoundRecord Record(TimeSpan draftTimePerRow, TimeSpan verifyTimePerRow) => new()
    {
        Drafted = DraftLength,
        LookedUp = Choice.Proposed - Choice.Forced,
        Forced = Choice.Forced,
        Reason = Choice.Reason,
        Evaluated = Evaluated,
        Accepted = Accepted,
        Guessed = Choice.Guessed,
        GuessesTaken = Choice.GuessesTaken,
        Appended = Appended,
        VerifierToken = DraftLength == 0 ? TokenSource.Plain
            : Appended == Accepted ? null
            : Accepted == DraftLength ? TokenSource.Bonus
            : TokenSource.Correction,
        DraftRows = Choice.PassRows,
        VerifyRows = Rows,
        DraftTime = draftTimePerRow * Choice.PassRows,
        VerifyTime = verifyTimePerRow * Rows,
    };
}
