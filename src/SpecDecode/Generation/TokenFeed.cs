using SpecDecode.Drafting;
using SpecDecode.Sequences;

namespace SpecDecode.Generation;

/// <summary>
/// The way of a sequence's tokens from the thread that runs the steps to the one that reads them. The sequence has room for all
/// tokens that it may get and never moves or changes one, so the writer never waits, takes no lock, and allocates nothing; what a
/// request costs while nobody reads is four bytes a token there and one here.
/// </summary>
internal sealed class TokenFeed
{
    // One byte of a TokenSource each.
    private readonly byte[] _sources;
    private readonly AsyncSignal _signal;

    // Twice the number of tokens, plus 1 when no more come: one number, so that the reader never sees one without the other.
    private int _state;

    /// <summary>Makes a feed.</summary>
    /// <param name="sequence">The sequence.</param>
    /// <param name="signal">Is set when there is more; one for all feeds of a reader.</param>
    public TokenFeed(Sequence sequence, AsyncSignal signal)
    {
        _signal = signal;
        Sequence = sequence;
        _sources = new byte[sequence.Capacity - sequence.PromptLength];
    }

    /// <summary>The sequence; its tokens and result belong to the reader once the feed has ended.</summary>
    public Sequence Sequence { get; }

    /// <summary>How many tokens there are, and whether these are all.</summary>
    public (int Count, bool HasEnded) State => Volatile.Read(ref _state) is var state ? (state >> 1, (state & 1) != 0) : default;

    /// <summary>A token, below the count.</summary>
    public (int Token, TokenSource Source) this[int index] => (Sequence.NewToken(index), (TokenSource)_sources[index]);

    /// <summary>Asks for an end, and wakes the reader; safe from any thread.</summary>
    public void Cancel()
    {
        Sequence.RequestCancellation();
        _signal.Set();
    }

    /// <summary>Passes on what the last step gave the sequence. Called by the thread that runs the steps, after every step.</summary>
    public void Publish()
    {
        int count = _state >> 1;
        int added = Sequence.NewTokens.Length - count;
        for (int i = 0; i < added; i++)
        {
            _sources[count + i] = (byte)SourceOf(Sequence.LastRound, i);
        }

        bool ended = Sequence.FinishReason is not null;
        if (added > 0 || ended)
        {
            Volatile.Write(ref _state, ((count + added) << 1) | (ended ? 1 : 0));
            _signal.Set();
        }
    }

    // Forced tokens come first in a draft, then those that were looked up.
    private static TokenSource SourceOf(in RoundRecord round, int place) => place >= round.Accepted ? round.VerifierToken!.Value
        : place < round.Forced ? TokenSource.Forced
        : place < round.Forced + round.LookedUp ? TokenSource.LookedUp
        : TokenSource.AcceptedDraft;
}
