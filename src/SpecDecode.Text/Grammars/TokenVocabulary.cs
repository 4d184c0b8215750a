using SpecDecode.Grammars.Masks;
using SpecDecode.Tokenizers;

namespace SpecDecode.Grammars;

/// <summary>
/// The tokens of a model as bytes, and which of them end a text. Immutable and thread-safe; made once for a model.
/// </summary>
public sealed class TokenVocabulary
{
    private readonly byte[]?[] _bytes;
    private readonly int[] _endTokens;

    /// <summary>Creates a vocabulary of tokens that are given as bytes.</summary>
    /// <param name="tokens">The bytes of each token, by id; null or empty for tokens without text, which no grammar ever allows.</param>
    /// <param name="endTokens">The tokens that end a text. They have no text, whatever their bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">An end token is none of the tokens.</exception>
    public TokenVocabulary(IReadOnlyList<byte[]?> tokens, IEnumerable<int> endTokens) : this(null, tokens, endTokens, null)
    {
    }

    private TokenVocabulary(TextTokenizer? tokenizer, IReadOnlyList<byte[]?> tokens, IEnumerable<int> endTokens, IReadOnlyDictionary<int, byte[]>? marks)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        ArgumentNullException.ThrowIfNull(endTokens);
        _bytes = [.. tokens];
        _endTokens = [.. endTokens.Distinct()];
        foreach (int id in _endTokens)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(id, nameof(endTokens));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(id, _bytes.Length, nameof(endTokens));
            _bytes[id] = null;
        }
        Tokenizer = tokenizer;

        // Bytes that are a part of no character must not spell what a control token stands for.
        Trie = new(marks is null ? _bytes : [.. _bytes.Select((bytes, id) => marks.ContainsKey(id) || bytes?.Contains(MarkByte) != true ? bytes : null)]);
    }

    /// <summary>What the bytes begin with that control tokens count as; no UTF-8 has it.</summary>
    internal const byte MarkByte = 0xFF;

    /// <summary>How many tokens there are, with those that have no text.</summary>
    public int Size => _bytes.Length;

    /// <summary>How many 64-bit words a mask of the vocabulary has.</summary>
    public int MaskLength => (Size + 63) / 64;

    /// <summary>The tokens that end a text.</summary>
    public IReadOnlyList<int> EndTokens => _endTokens;

    internal TokenTrie Trie { get; }

    internal TextTokenizer? Tokenizer { get; }

    /// <summary>Makes the vocabulary of a tokenizer.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="size">How many tokens the model knows, at least those of the tokenizer; ids that the tokenizer lacks have no text.</param>
    /// <param name="endTokens">The tokens that end a text.</param>
    /// <exception cref="GrammarException">What a token stands for depends on its neighbours.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An end token is none of the tokens, or the size is not positive.</exception>
    public static TokenVocabulary Of(TextTokenizer tokenizer, int size, IEnumerable<int> endTokens) => Of(tokenizer, size, endTokens, null);

    /// <summary>The same, where control tokens stand for something that a grammar knows.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="size">How many tokens the model knows.</param>
    /// <param name="endTokens">The tokens that end a text.</param>
    /// <param name="marks">The bytes that tokens count as, by id, which begin with <see cref="MarkByte"/>; null for none.</param>
    internal static TokenVocabulary Of(TextTokenizer tokenizer, int size, IEnumerable<int> endTokens, IReadOnlyDictionary<int, byte[]>? marks)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(endTokens);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        var bytes = tokenizer.BytesOfTokens(size) ?? throw new GrammarException(
            "What a token of this tokenizer stands for depends on the tokens around it, so a text cannot be constrained token by token. "
            + "Leave the constraint out, or use a model with a byte-level or SentencePiece tokenizer.");
        foreach ((int id, byte[] mark) in marks ?? new Dictionary<int, byte[]>())
        {
            if (id < size)
                bytes[id] = mark;
        }
        return new(tokenizer, bytes, endTokens, marks);
    }

    /// <summary>The bytes of a token; empty for one without text.</summary>
    /// <param name="token">The id.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such token.</exception>
    public ReadOnlySpan<byte> BytesOf(int token)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(token);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(token, Size);
        return _bytes[token];
    }

    /// <summary>Whether a token ends a text.</summary>
    /// <param name="token">The id.</param>
    public bool IsEnd(int token) => Array.IndexOf(_endTokens, token) >= 0;
}
