using SpecDecode.Diagnostics;
using SpecDecode.Scheduling;

namespace SpecDecode.Generation;

/// <summary>
/// The way of a sequence's tokens from the thread that runs the steps to the one that reads them. It has room for all tokens
/// that the sequence may get, so the writer never waits, takes no lock, and allocates nothing.
/// </summary>
internal sealed class TokenFeed
{
    private readonly int[] _tokens;
    private readonly TokenSource[] _sources;
    private readonly AsyncSignal _signal = new();

    // Twice the number of tokens, plus 1 when no more come: one number, so that the reader never sees one without the other.
    private int _state;

    /// <summary>Makes a feed.</summary>
    public TokenFeed(Sequence sequence)
    {
        Sequence = sequence;
        _tokens = new int[sequence.Capacity - sequence.PromptLength];
        _sources = new TokenSource[_tokens.Length];
    }

    /// <summary>The sequence; its tokens and result belong to the reader once the feed has ended.</summary>
    public Sequence Sequence { get; }

    /// <summary>How many tokens there are, and whether these are all.</summary>
    public (int Count, bool HasEnded) State => Volatile.Read(ref _state) is var state ? (state >> 1, (state & 1) != 0) : default;

    /// <summary>A token, below the count.</summary>
    public (int Token, TokenSource Source) this[int index] => (_tokens[index], _sources[index]);

    /// <summary>Waits until there may be more. One reader.</summary>
    public ValueTask WaitAsync() => _signal.WaitAsync();

    /// <summary>Asks for an end, and wakes the reader; safe from any thread.</summary>
    public void Cancel()
    {
        Sequence.RequestCancellation();
        _signal.Set();
    }

    /// <summary>Passes on what the last step gave the sequence. Called by the thread that runs the steps, after every step.</summary>
    /// <returns>How many tokens that was.</returns>
    public int Publish()
    {
        int count = _state >> 1;
        ReadOnlySpan<int> tokens = Sequence.NewTokens;
        int added = tokens.Length - count;
        for (int i = 0; i < added; i++)
        {
            _tokens[count + i] = tokens[count + i];
            _sources[count + i] = SourceOf(Sequence.LastRound, i);
        }

        bool ended = Sequence.FinishReason is not null;
        if (added > 0 || ended)
        {
            Volatile.Write(ref _state, (tokens.Length << 1) | (ended ? 1 : 0));
            _signal.Set();
        }

        return added;
    }

    private static TokenSource SourceOf(in RoundRecord round, int place) => place < round.Accepted
        ? TokenSource.AcceptedDraft
        : round.Last switch
        {
            LastToken.Correction => TokenSource.Correction,
            LastToken.Bonus => TokenSource.Bonus,
            _ => TokenSource.Plain,
        };
}
