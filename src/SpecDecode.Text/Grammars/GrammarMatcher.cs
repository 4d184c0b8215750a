using SpecDecode.Grammars.Automata;
using SpecDecode.Grammars.Masks;

namespace SpecDecode.Grammars;

/// <summary>
/// One text that follows a grammar, token by token: which tokens may come next, and back again as far as need be.
/// </summary>
/// <remarks>
/// Not thread-safe: one for each text. It allocates nothing for a token once it has come that far and the state is known to
/// <see cref="TokenGrammar"/>.
/// </remarks>
public sealed class GrammarMatcher
{
    private readonly TokenGrammar _grammar;
    private readonly MaskBuilder _masks;
    private GrammarState[] _states = new GrammarState[64];

    internal GrammarMatcher(TokenGrammar grammar)
    {
        _grammar = grammar;
        _masks = new(grammar.Machine, grammar.Vocabulary.Trie);
        _states[0] = grammar.Machine.Start;
    }

    /// <summary>How many tokens the text has, with the end token.</summary>
    public int Count { get; private set; }

    /// <summary>Whether the text may end here.</summary>
    public bool MayEnd => State.MayEnd;

    /// <summary>Whether an end token has been taken; nothing may follow.</summary>
    public bool IsEnded => State == GrammarState.Dead;

    internal GrammarState State => _states[Count];

    /// <summary>Whether a token may come next.</summary>
    /// <param name="token">The id.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such token.</exception>
    /// <exception cref="GrammarException">The grammar can be read in too many ways here.</exception>
    public bool Allows(int token) => Behind(token) is not null;

    /// <summary>Takes a token, if it may come next.</summary>
    /// <param name="token">The id.</param>
    /// <returns>Whether it may; otherwise nothing has changed.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such token.</exception>
    /// <exception cref="GrammarException">The grammar can be read in too many ways here.</exception>
    public bool TryAdvance(int token)
    {
        if (Behind(token) is not { } state)
            return false;
        if (Count + 1 == _states.Length)
            Array.Resize(ref _states, 2 * _states.Length);
        _states[++Count] = state;
        return true;
    }

    /// <summary>Takes tokens back.</summary>
    /// <param name="count">How many, counted from the last one.</param>
    /// <exception cref="ArgumentOutOfRangeException">The text has fewer.</exception>
    public void Rollback(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Count);
        Array.Clear(_states, Count - count + 1, count);
        Count -= count;
    }

    /// <summary>
    /// Writes the tokens of what must follow, where only one continuation is possible: the way the tokenizer makes tokens of it,
    /// without those at its end that may become others together with what follows. They are a proposal: the mask allows other ways to
    /// cut the same text.
    /// </summary>
    /// <param name="tokens">Receives the tokens, as many as there is room for.</param>
    /// <returns>How many; 0 where more than one continuation is possible, or where it is not known how it would be cut.</returns>
    public int Forced(Span<int> tokens)
    {
        var forced = _grammar.ForcedTokens(State).AsSpan();
        if (forced.Length > tokens.Length)
            forced = forced[..tokens.Length];
        forced.CopyTo(tokens);
        return forced.Length;
    }

    /// <summary>Writes which tokens may come next.</summary>
    /// <param name="bits"><c>[MaskLength]</c>: bit t of word t / 64 is token t. Receives the mask.</param>
    /// <returns>Whether there is any: false behind an end token, or where the vocabulary lacks what must follow.</returns>
    /// <exception cref="ArgumentException">There is room for more or fewer words than <see cref="TokenVocabulary.MaskLength"/>.</exception>
    /// <exception cref="GrammarException">The grammar can be read in too many ways here.</exception>
    public bool FillMask(Span<ulong> bits)
    {
        if (bits.Length != _grammar.Vocabulary.MaskLength)
            throw new ArgumentException($"There is room for {bits.Length} words, and a mask has {_grammar.Vocabulary.MaskLength}.", nameof(bits));
        return _grammar.FillMask(State, _masks, bits);
    }

    // Where a token leads; null where it may not come next.
    private GrammarState? Behind(int token)
    {
        var bytes = _grammar.Vocabulary.BytesOf(token);
        var state = State;
        if (bytes.Length == 0)
            return state.MayEnd && _grammar.Vocabulary.IsEnd(token) ? GrammarState.Dead : null;
        foreach (byte value in bytes)
        {
            state = _grammar.Machine.Step(state, value);
            if (state == GrammarState.Dead)
                return null;
        }
        return state;
    }
}
