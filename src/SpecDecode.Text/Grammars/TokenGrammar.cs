using SpecDecode.Grammars.Automata;
using SpecDecode.Grammars.Masks;

namespace SpecDecode.Grammars;

/// <summary>
/// A grammar over the tokens of a vocabulary, with all that has been worked out about it: where bytes lead, and which tokens may
/// follow. Texts share it, so that the second one finds what the first one has worked out.
/// </summary>
/// <remarks>Thread-safe. What is remembered is bounded, in memory and by the grammar's own limits.</remarks>
public sealed class TokenGrammar
{
    private const long MaxMaskBytes = 64 << 20;

    private readonly WeakReference<Grammar> _grammar;
    private readonly string _name;
    private readonly long _maxMaskBytes;
    private readonly List<GrammarState> _masked = [];
    private readonly ForcedRun _forced;
    private long _maskBytes;

    internal TokenGrammar(Grammar grammar, TokenVocabulary vocabulary, int maxItems = GrammarMachine.MaxItems, long maxMaskBytes = MaxMaskBytes)
    {
        (_grammar, _name, Vocabulary, _maxMaskBytes) = (new(grammar), grammar.Name, vocabulary, maxMaskBytes);
        Machine = new(grammar.Network, maxItems);
        _forced = new(Machine, vocabulary);
    }

    /// <summary>The grammar.</summary>
    public Grammar Grammar
    {
        get
        {
            // The grammar has a table with this in it, which lives as long as its vocabulary: if this held the grammar, none of the three would ever go. Nobody
            // else holds the grammar then, so nobody sees that it is another object.
            if (!_grammar.TryGetTarget(out Grammar? grammar))
                _grammar.SetTarget(grammar = new(Machine.Network, _name));
            return grammar;
        }
    }

    /// <summary>The vocabulary.</summary>
    public TokenVocabulary Vocabulary { get; }

    internal GrammarMachine Machine { get; }

    /// <summary>How many bytes what is remembered takes, about.</summary>
    internal long Bytes => Machine.Bytes + Volatile.Read(ref _maskBytes);

    /// <summary>Begins a text.</summary>
    /// <param name="canonical">
    /// Whether what must follow may be cut into tokens in one way alone, the tokenizer's: then the tokens of <see cref="GrammarMatcher.Forced"/> are the only
    /// ones that may come. Otherwise any tokens may come whose bytes fit, which spell the same texts.
    /// </param>
    public GrammarMatcher CreateMatcher(bool canonical = true) => new(this, canonical);

    // The mask of a state, with end tokens, and whether any token may follow.
    internal bool FillMask(GrammarState state, MaskBuilder builder, Span<ulong> bits)
    {
        var outline = Machine.OutlineOf(state, builder.Reach);
        var mask = outline.Mask ?? Build(outline, builder, bits);
        mask.CopyTo(bits);
        if (mask.Open.Length > 0)
            builder.Add(state, mask.Open, bits);
        if (state.MayEnd)
        {
            foreach (int token in Vocabulary.EndTokens)
                bits[token >> 6] |= 1UL << token;
        }
        return bits.ContainsAnyExcept(0UL);
    }

    // The tokens of what must follow a state.
    internal int[] ForcedTokens(GrammarState state)
    {
        if (state.Forced is { } known)
            return known;
        lock (Machine.Lock)
            return state.Forced ??= _forced.TokensOf(state);
    }

    private TokenMask Build(GrammarState outline, MaskBuilder builder, Span<ulong> bits)
    {
        lock (Machine.Lock)
        {
            if (outline.Mask is { } known)
                return known;
            var mask = builder.Build(outline, bits);
            if (_maskBytes + mask.Size > _maxMaskBytes)
            {
                foreach (var old in _masked)
                    old.Mask = null;
                _masked.Clear();
                _maskBytes = 0;
            }
            _masked.Add(outline);
            _maskBytes += mask.Size;
            return outline.Mask = mask;
        }
    }
}
