using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using SpecDecode.Grammars;
using SpecDecode.Grammars.Automata;
using SpecDecode.Grammars.Masks;
using SpecDecode.Replies;

namespace SpecDecode.Constraints;

/// <summary>
/// Holds calls that a model makes by itself to the schemas of the tools that it was offered: text is free until a call's marker, and from there to the end of
/// its JSON only what is a call can be written. Where the text ends before that it is the beginning of one.
/// </summary>
public sealed class ToolCallConstraint : ITokenConstraint
{
    private readonly ReplyFormat _format;
    private readonly Grammar _grammar;
    private readonly byte[][] _openers;
    private readonly bool _beginsInReasoning;

    private ToolCallConstraint(ReplyFormat format, Grammar grammar, bool beginsInReasoning)
    {
        _format = format;
        _grammar = grammar;
        _openers = [.. format.CallOpeners.Select(Encoding.UTF8.GetBytes)];
        _beginsInReasoning = beginsInReasoning;
    }

    /// <summary>Makes a constraint.</summary>
    /// <param name="format">How the model writes.</param>
    /// <param name="tools">An array of objects of the type function, as chat completion interfaces have them.</param>
    /// <param name="beginsInReasoning">Whether the prompt has opened reasoning, in which a marker is no call's.</param>
    /// <returns>
    /// The constraint; null for formats in which no marker stands before a call's JSON (a call of Llama 3 without <c>&lt;|python_tag|&gt;</c> is not held to anything either), or in which the tool's
    /// name stands outside of it (newer models of Mistral, gpt-oss).
    /// </returns>
    /// <exception cref="SpecDecodeException">There are no tools, or the schema of one is damaged or has what cannot be honoured.</exception>
    public static ToolCallConstraint? Of(ReplyFormat format, JsonElement tools, bool beginsInReasoning = false)
    {
        ArgumentNullException.ThrowIfNull(format);
        return format.CallOpeners.Count == 0 ? null : new ToolCallConstraint(format, ToolGrammar.OfCalls(tools, format), beginsInReasoning);
    }

    /// <inheritdoc/>
    public ITokenConstraintState Begin(TokenConstraintContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Tokenizer is { } tokenizer
            ? new State(this, _grammar.For(GrammarVocabularies.Of(tokenizer, context.VocabularySize, context.EndOfText)))
            : throw new SpecDecodeException("The model has no tokenizer that can be used, so its calls cannot be held to a schema.");
    }

    private enum Phase : byte
    {
        /// <summary>Anything may be written.</summary>
        Free,
        Reasoning,

        /// <summary>Behind a call's marker, where there may be white space.</summary>
        Opened,

        /// <summary>In a call's JSON.</summary>
        Call,
    }

    private sealed class State : ITokenConstraintState
    {
        // Behind a marker, before the JSON.
        private const int MostSpace = 16;

        // Tokens of white space alone.
        private static readonly ConditionalWeakTable<TokenVocabulary, int[]> SpaceTokens = [];

        private readonly ToolCallConstraint _constraint;
        private readonly TokenGrammar _grammar;
        private readonly MaskBuilder _masks;
        private readonly ulong[] _mask;
        private readonly byte[]? _reasoningOpen;
        private readonly byte[]? _reasoningClose;
        private readonly int[] _spaces;

        // The text so far, and behind each token where it was: to be taken back.
        private byte[] _text = new byte[1024];
        private (Phase Phase, GrammarState Call, int Length, int Space)[] _places = new (Phase, GrammarState, int, int)[256];
        private int _count;

        public State(ToolCallConstraint constraint, TokenGrammar grammar)
        {
            _constraint = constraint;
            _grammar = grammar;
            _masks = new MaskBuilder(grammar.Machine, grammar.Vocabulary.Trie);
            _mask = new ulong[grammar.Vocabulary.MaskLength];
            _reasoningOpen = constraint._format.ReasoningOpen is { } open ? Encoding.UTF8.GetBytes(open) : null;
            _reasoningClose = constraint._format.ReasoningClose is { } close ? Encoding.UTF8.GetBytes(close) : null;
            _spaces = SpaceTokens.GetValue(grammar.Vocabulary, static vocabulary => [.. Enumerable.Range(0, vocabulary.Size).Where(token => IsSpaceAlone(vocabulary.BytesOf(token)))]);
            _places[0] = (constraint._beginsInReasoning ? Phase.Reasoning : Phase.Free, GrammarState.Dead, 0, 0);
        }

        public void Advance(int token)
        {
            (Phase phase, GrammarState call, int length, int space) = _places[_count];
            scoped ReadOnlySpan<byte> bytes = _grammar.Vocabulary.BytesOf(token);
            string? marker = bytes.Length == 0 ? _constraint._format.MarkerOf(token) : null;
            Span<byte> spelled = stackalloc byte[64];
            bytes = marker is null ? bytes : spelled[..Encoding.UTF8.GetBytes(marker, spelled)];
            Reserve(length + bytes.Length);
            foreach (byte value in bytes)
            {
                _text[length++] = value;
                (phase, call) = Behind(phase, call, value, _text.AsSpan(0, length));
                space = phase == Phase.Opened ? space + 1 : 0;
            }

            _places[++_count] = (phase, call, length, space);
        }

        public void Rollback(int count) => _count -= count;

        public void Process(Span<float> logits)
        {
            (Phase phase, GrammarState call, _, int space) = _places[_count];
            if (phase < Phase.Opened)
            {
                return;
            }

            if (!_grammar.FillMask(call, _masks, _mask))
            {
                throw new GrammarException("No token of the model's vocabulary continues a call as its tool's schema asks; the vocabulary lacks what must follow.");
            }

            foreach (int token in phase == Phase.Opened && space < MostSpace ? _spaces : [])
            {
                _mask[token >> 6] |= 1UL << token;
            }

            for (int i = 0; i < logits.Length; i++)
            {
                logits[i] = (_mask[i >> 6] >> i & 1) != 0 ? logits[i] : float.NegativeInfinity;
            }
        }

        public bool Allows(int token)
        {
            (Phase phase, GrammarState call, _, int space) = _places[_count];
            ReadOnlySpan<byte> bytes = _grammar.Vocabulary.BytesOf(token);
            if (phase < Phase.Opened || (phase == Phase.Opened && space < MostSpace && IsSpaceAlone(bytes)))
            {
                return true;
            }

            foreach (byte value in bytes)
            {
                call = _grammar.Machine.Step(call, value);
            }

            return call != GrammarState.Dead && bytes.Length > 0;
        }

        public int Forced(Span<int> tokens)
        {
            (Phase phase, GrammarState call, _, _) = _places[_count];
            if (phase != Phase.Call)
            {
                return 0;
            }

            ReadOnlySpan<int> forced = _grammar.ForcedTokens(call);
            forced = forced[..Math.Min(forced.Length, tokens.Length)];
            forced.CopyTo(tokens);
            return forced.Length;
        }

        private (Phase, GrammarState) Behind(Phase phase, GrammarState call, byte value, ReadOnlySpan<byte> text)
        {
            switch (phase)
            {
                case Phase.Reasoning:
                    return (text.EndsWith(_reasoningClose) ? Phase.Free : phase, call);
                case Phase.Opened when IsSpaceAlone([value]):
                    return (phase, call);
                case Phase.Opened or Phase.Call:
                    GrammarState next = _grammar.Machine.Step(call, value);

                    // The end of its JSON is that of the call; what is no call any more was not held to it, and will be taken back.
                    return next == GrammarState.Dead || next.MayEnd ? (Phase.Free, GrammarState.Dead) : (Phase.Call, next);
                default:
                    if (_reasoningOpen is not null && text.EndsWith(_reasoningOpen) && IsSpace(text[..^_reasoningOpen.Length]))
                    {
                        return (Phase.Reasoning, call);
                    }

                    foreach (byte[] opener in _constraint._openers)
                    {
                        if (text.EndsWith(opener))
                        {
                            return (Phase.Opened, _grammar.Machine.Start);
                        }
                    }

                    return (phase, call);
            }
        }

        private void Reserve(int length)
        {
            if (length > _text.Length)
            {
                Array.Resize(ref _text, Math.Max(length, 2 * _text.Length));
            }

            if (_count + 1 == _places.Length)
            {
                Array.Resize(ref _places, 2 * _places.Length);
            }
        }

        private static bool IsSpace(ReadOnlySpan<byte> text) => text.IndexOfAnyExcept(" \t\r\n"u8) < 0;

        private static bool IsSpaceAlone(ReadOnlySpan<byte> text) => !text.IsEmpty && IsSpace(text);
    }
}
