using System.Runtime.CompilerServices;
using System.Text;
using SpecDecode.Grammars;
using SpecDecode.Grammars.Masks;
using SpecDecode.Replies;

namespace SpecDecode.Constraints;

/// <summary>A reply whose calls are held to their tools' schemas.</summary>
internal sealed class ToolCallState : ITokenConstraintState
{
    // The longest that a control token is spelled as that means something.
    private const int MostSpelled = 64;

    private static readonly ConditionalWeakTable<TokenVocabulary, SpaceTokens> Known = [];

    private readonly ReplyFormat _format;
    private readonly ToolCallScan _scan;
    private readonly TokenGrammar _grammar;
    private readonly MaskBuilder _masks;
    private readonly ulong[] _mask;
    private readonly CrossingTokens _crossing;
    private readonly SpaceTokens _spaces;

    // Control tokens that stand for what they are spelled as.
    private readonly int[] _spelled;

    // The text so far, and behind each token where it was: to be taken back.
    private byte[] _text = new byte[1024];
    private ReplyPlace[] _places = new ReplyPlace[256];
    private int _count;

    /// <summary>Begins a reply.</summary>
    /// <param name="format">How the model writes.</param>
    /// <param name="scan">Finds calls in it.</param>
    /// <param name="grammar">The grammar of what stands behind a marker.</param>
    /// <param name="begin">Where it begins.</param>
    public ToolCallState(ReplyFormat format, ToolCallScan scan, TokenGrammar grammar, ReplyPlace begin)
    {
        _format = format;
        _scan = scan;
        _grammar = grammar;
        _masks = new MaskBuilder(grammar.Machine, grammar.Vocabulary.Trie);
        _mask = new ulong[grammar.Vocabulary.MaskLength];
        _crossing = CrossingTokens.Of(grammar.Vocabulary, format.CallOpeners);
        _spaces = Known.GetValue(grammar.Vocabulary, static vocabulary => new SpaceTokens(vocabulary));
        _spelled = [.. format.Marks.Keys.Where(token => token < grammar.Vocabulary.Size)];
        _places[0] = begin;
    }

    private ReplyPlace Place => _places[_count];

    public void Advance(int token)
    {
        if (_count + 1 == _places.Length)
        {
            Array.Resize(ref _places, 2 * _places.Length);
        }

        _places[_count + 1] = Behind(Place, token);
        _count++;
    }

    public void Rollback(int count) => _count -= count;

    public void Process(Span<float> logits)
    {
        switch (Place.Phase)
        {
            case ReplyPhase.Reasoning or ReplyPhase.Broken:
                return;
            case ReplyPhase.Opened or ReplyPhase.Call:
                MaskCall(logits);
                return;
            case ReplyPhase.Ended:
                MaskEnd(logits);
                return;
            case ReplyPhase.Opening:
                MaskOpening(logits);
                return;
            default:
                MaskCrossing(logits);
                return;
        }
    }

    public bool Allows(int token) => Place.Phase switch
    {
        ReplyPhase.Ended => _grammar.Vocabulary.IsEnd(token),
        ReplyPhase.Opening or ReplyPhase.Opened or ReplyPhase.Call when _grammar.Vocabulary.BytesOf(token).IsEmpty => false,
        ReplyPhase.Broken => true,
        _ => Behind(Place, token).Phase != ReplyPhase.Broken,
    };

    public int Forced(Span<int> tokens)
    {
        if (Place.Phase != ReplyPhase.Call)
        {
            return 0;
        }

        ReadOnlySpan<int> forced = _grammar.ForcedTokens(Place.Call);
        forced = forced[..Math.Min(forced.Length, tokens.Length)];
        forced.CopyTo(tokens);
        return forced.Length;
    }

    private void MaskCall(Span<float> logits)
    {
        if (!_grammar.FillMask(Place.Call, _masks, _mask))
        {
            throw new GrammarException("No token of the model's vocabulary continues a call as its tool's schema asks; the vocabulary lacks what must follow.");
        }

        foreach (int token in _scan.TakesSpace(Place) ? _spaces.Leading : [])
        {
            AllowUnlessBroken(token);
        }

        LogitMask.Apply(_mask, logits);
    }

    // What the marker goes on with, whether in pieces, as a token of its own, or with what stands behind it.
    private void MaskOpening(Span<float> logits)
    {
        Array.Clear(_mask);
        TokenTrie trie = _grammar.Vocabulary.Trie;
        foreach (byte[] opener in _scan.Openers)
        {
            if (!opener.AsSpan().StartsWith(_text.AsSpan(0, Place.Length)))
            {
                continue;
            }

            int node = -1;
            for (int i = Place.Length; i < opener.Length && (node = trie.Child(node, opener[i])) >= 0; i++)
            {
                AllowUnlessBroken(trie.TokensOf(node));
            }

            for (int longer = node + 1; node >= 0 && longer < trie.Nodes[node].End; longer++)
            {
                AllowUnlessBroken(trie.TokensOf(longer));
            }
        }

        AllowUnlessBroken(_spelled);
        LogitMask.Apply(_mask, logits);
    }

    // Where the text may not end yet it has white space until it may.
    private void MaskEnd(Span<float> logits)
    {
        bool mayEnd = false;
        foreach (int token in _grammar.Vocabulary.EndTokens)
        {
            mayEnd |= logits[token] > float.NegativeInfinity;
        }

        Array.Clear(_mask);
        foreach (int token in mayEnd ? _grammar.Vocabulary.EndTokens : _spaces.Alone)
        {
            _mask[token >> 6] |= 1UL << token;
        }

        LogitMask.Apply(_mask, logits);
    }

    private void AllowUnlessBroken(ReadOnlySpan<int> tokens)
    {
        foreach (int token in tokens)
        {
            AllowUnlessBroken(token);
        }
    }

    private void AllowUnlessBroken(int token)
    {
        if (Behind(Place, token).Phase != ReplyPhase.Broken)
        {
            _mask[token >> 6] |= 1UL << token;
        }
    }

    // A token may have a call's beginning and what is none in one.
    private void MaskCrossing(Span<float> logits)
    {
        ReadOnlySpan<byte> text = _text.AsSpan(0, Place.Length);
        foreach ((byte[] before, int[] tokens) in _crossing.Behind)
        {
            if (text.EndsWith(before))
            {
                Mask(logits, tokens);
            }
        }

        if (Place.Phase is ReplyPhase.Lead or ReplyPhase.Next or ReplyPhase.Bare)
        {
            Mask(logits, _crossing.Quoting);
        }
    }

    private void Mask(Span<float> logits, int[] tokens)
    {
        foreach (int token in tokens)
        {
            if (Behind(Place, token).Phase == ReplyPhase.Broken)
            {
                logits[token] = float.NegativeInfinity;
            }
        }
    }

    // Where a token leads; writes its text behind the one that there is.
    private ReplyPlace Behind(ReplyPlace place, int token)
    {
        ReadOnlySpan<byte> bytes = _grammar.Vocabulary.BytesOf(token);
        if (_format.MarkerOf(token) is not { } marker)
        {
            return Behind(place, bytes);
        }

        Span<byte> spelled = stackalloc byte[MostSpelled];
        spelled = spelled[..Encoding.UTF8.GetBytes(marker, spelled)];
        if (place.Phase < ReplyPhase.Opened)
        {
            return Behind(place, spelled);
        }

        // In a call it is what the grammar has for it, which no text can be.
        Reserve(place.Length + spelled.Length);
        spelled.CopyTo(_text.AsSpan(place.Length));
        ReadOnlySpan<byte> text = _text.AsSpan(0, place.Length + spelled.Length);
        foreach (byte value in bytes)
        {
            place = _scan.Step(place, value, text);
        }

        return place;
    }

    private ReplyPlace Behind(ReplyPlace place, ReadOnlySpan<byte> bytes)
    {
        Reserve(place.Length + bytes.Length);
        foreach (byte value in bytes)
        {
            _text[place.Length] = value;

            // Only a control token is what it stands for in a call, not the bytes of one.
            place = value == TokenVocabulary.MarkByte && place.Phase is (ReplyPhase.Opened or ReplyPhase.Call)
                ? place with { Phase = ReplyPhase.Broken, Length = place.Length + 1 }
                : _scan.Step(place, value, _text.AsSpan(0, place.Length + 1));

            // What broke a call goes no further.
            if (place.Phase == ReplyPhase.Broken)
            {
                break;
            }
        }

        return place;
    }

    private void Reserve(int length)
    {
        if (length > _text.Length)
        {
            Array.Resize(ref _text, Math.Max(length, 2 * _text.Length));
        }
    }

    /// <summary>The tokens of a vocabulary that begin with white space, and those that are nothing else.</summary>
    private sealed class SpaceTokens
    {
        public SpaceTokens(TokenVocabulary vocabulary)
        {
            Leading = [.. Enumerable.Range(0, vocabulary.Size).Where(token => vocabulary.BytesOf(token) is [var first, ..] && ToolCallScan.IsSpace([first]))];
            Alone = [.. Leading.Where(token => ToolCallScan.IsSpace(vocabulary.BytesOf(token)))];
        }

        public int[] Leading { get; }

        public int[] Alone { get; }
    }
}
