using System.Text;
using SpecDecode.Checkpoints;
using SpecDecode.Tokenizers.SentencePiece;

namespace SpecDecode.Tokenizers;

/// <summary>
/// Text to token ids and back, as a Hugging Face <c>tokenizer.json</c> says: byte-level BPE (GPT-2, Llama 3, Qwen, SmolLM), BPE
/// in the manner of SentencePiece (Llama 2, Mistral), or Unigram (llm-jp, T5); or as a SentencePiece <c>tokenizer.model</c> of
/// kind BPE or Unigram says.
/// </summary>
/// <remarks>
/// Thread-safe. The sections <c>truncation</c> and <c>padding</c> of a <c>tokenizer.json</c> have no effect. Of a
/// <c>tokenizer_config.json</c> beside it the flags <c>add_bos_token</c> and <c>add_eos_token</c> count, for the classes of
/// tokenizers for which transformers 4 makes the post-processor of them (Llama, CodeLlama, Gemma, Cohere, GPT-NeoX).
/// </remarks>
public sealed class TextTokenizer
{
    private readonly Vocabulary _vocabulary;
    private readonly IReadOnlySet<int> _special;
    private readonly TextNormalizer? _normalizer;
    private readonly PreTokenizer? _preTokenizer;
    private readonly WordModel _model;
    private readonly SpecialTokenFrame _frame;
    private readonly TokenDecoder _decoder;

    // Added tokens that the normalizer rewrites; they are found and decoded as what it makes of them.
    private readonly Dictionary<int, string> _rewritten = [];

    // The most UTF-16 units of a stretch between added tokens, and of normalized text, that become one token; null without a bound.
    private readonly int? _unitsOfStretch;
    private readonly int? _unitsOfNormalized;

    // In the text as given, then in the normalized text; both without special tokens and with them.
    private readonly (AddedTokenFinder Raw, AddedTokenFinder Normalized) _plainFinders;
    private readonly (AddedTokenFinder Raw, AddedTokenFinder Normalized) _allFinders;

    private TextTokenizer(TokenizerDefinition definition)
    {
        _vocabulary = definition.Vocabulary;
        _special = definition.Special;
        _normalizer = definition.Normalizer;
        _preTokenizer = definition.PreTokenizer;
        _model = definition.Model;
        _frame = definition.Frame;
        _decoder = definition.Decoder;
        Warnings = definition.Warnings;
        foreach (var token in definition.AddedTokens.Where(token => token is { Normalized: true, Verbatim: false }))
        {
            bool atStart = true;
            if (_normalizer?.Apply(token.Content, ref atStart) is { } text && text != token.Content)
                _rewritten.Add(token.Id, text);
        }
        MostUnitsPerToken = TokenReach.Of(definition, _rewritten.Values);
        _unitsOfStretch = TokenReach.OfStretch(definition, _rewritten.Values);
        _unitsOfNormalized = TokenReach.OfNormalized(definition, _rewritten.Values);
        AddedTokens = definition.AddedTokens;
        _allFinders = Finders(definition.AddedTokens);
        _plainFinders = Finders(definition.AddedTokens.Where(token => !token.Special));
    }

    /// <summary>The highest id plus one. Ids below it may be unused.</summary>
    public int VocabularySize => _vocabulary.Size;

    /// <summary>What is not as one may expect of the files, in whole sentences; often empty.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>Reads a tokenizer.</summary>
    /// <param name="path">
    /// The path of a SentencePiece model of at most 16 MB, if its name ends in <c>.model</c>: <c>tokenizer_config.json</c> and
    /// <c>added_tokens.json</c> beside it are read too. Otherwise that of a <c>tokenizer.json</c> of at most 256 MB, whose
    /// <c>tokenizer_config.json</c> is read too.
    /// </param>
    /// <exception cref="CheckpointException">A file is missing, damaged or contradicts itself.</exception>
    /// <exception cref="UnsupportedTokenizerException">The file is sound but of a kind that is not supported.</exception>
    public static TextTokenizer Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new(path.EndsWith(".model", StringComparison.OrdinalIgnoreCase)
            ? SentencePieceReader.Read(path)
            : TokenizerDefinition.ReadJson(path));
    }

    /// <summary>Reads the tokenizer of a checkpoint: its <c>tokenizer.json</c>, or else its <c>tokenizer.model</c>.</summary>
    /// <param name="folder">The checkpoint folder. Nothing else in it needs to be there.</param>
    /// <exception cref="CheckpointException">
    /// The folder or the tokenizer in it is missing, or the tokenizer is damaged or contradicts itself.
    /// </exception>
    /// <exception cref="UnsupportedTokenizerException">The tokenizer is sound but of a kind that is not supported.</exception>
    public static TextTokenizer LoadFromFolder(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        folder = CheckpointFile.FullPath(folder);
        CheckpointFolder.CheckExists(folder);
        return Load(CheckpointFolder.FindTokenizer(folder) ?? throw new CheckpointException(
            folder, "has neither tokenizer.json nor tokenizer.model; download the checkpoint's tokenizer"));
    }

    /// <summary>Turns text into ids.</summary>
    /// <param name="text">The text. A lone surrogate counts as U+FFFD.</param>
    /// <param name="addSpecialTokens">Whether to put the control tokens of the post-processor, such as BOS, around the ids.</param>
    /// <param name="parseSpecialTokens">
    /// Whether control tokens that the text spells out become their ids. Leave it off for text from outside: with it on, that
    /// text can end the turn or open another one. Added tokens that are not special are found either way.
    /// </param>
    public int[] Encode(string text, bool addSpecialTokens = true, bool parseSpecialTokens = false)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TryEncode(text, int.MaxValue, addSpecialTokens, parseSpecialTokens)!;
    }

    /// <summary>Turns text into ids, unless there are more of them than a limit, which is found out without making them all.</summary>
    internal int[]? TryEncode(string text, int limit, bool addSpecialTokens = true, bool parseSpecialTokens = false)
    {
        var ids = new TokenIds(limit);
        if (addSpecialTokens)
            ids.AddRange(_frame.Before);
        EncodeText(WellFormed(text), parseSpecialTokens ? _allFinders : _plainFinders, null, ids);
        if (addSpecialTokens)
            ids.AddRange(_frame.After);
        return ids.Check() ? null : [.. ids];
    }

    /// <summary>
    /// Turns text into ids in which control tokens are those that are meant, without any around them; null where they are more than
    /// a limit.
    /// </summary>
    /// <exception cref="SpecDecodeException">What is meant cannot be told.</exception>
    internal int[]? TryEncode(ControlTokenPlaces places, int limit)
    {
        var ids = new TokenIds(limit);
        EncodeText(places.Text.Plain, _allFinders, places, ids);
        return ids.Check() ? null : [.. ids];
    }

    /// <summary>Turns ids into text. Bytes that are no UTF-8 become U+FFFD; ids that no token has add nothing.</summary>
    /// <param name="ids">The ids.</param>
    /// <param name="skipSpecialTokens">Whether control tokens have no text; otherwise they are written out.</param>
    /// <exception cref="ArgumentOutOfRangeException">An id is negative.</exception>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = true)
    {
        var stream = new TokenTextStream(this, _decoder, default, skipSpecialTokens);
        foreach (int id in ids)
            stream.Write(id);
        return stream.Flush();
    }

    /// <summary>Begins to turn ids into text one by one, without special tokens.</summary>
    /// <param name="context">
    /// The ids before the first one, such as the prompt. Their text is not given out, but a word that goes on behind them
    /// keeps its leading space, and a character that they leave open is completed.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">An id of the context is negative.</exception>
    public TokenTextStream CreateStream(ReadOnlySpan<int> context = default) => new(this, _decoder, context, skipSpecialTokens: true);

    // The bytes that each token adds in the middle of a text, by id; null for special tokens and ids that no token has. Null as a
    // whole where they depend on the tokens around it.
    internal byte[]?[]? BytesOfTokens(int size) =>
        _decoder.BytesOf(Enumerable.Range(0, size).Select(id => TextOf(id, out bool special) is { } text && !special ? text : null));

    // What it is by its model, for whoever looks at it.
    internal string Kind => _model is UnigramModel ? "Unigram" : "BPE";

    // The most UTF-16 units of a text that become one token; null where that has no bound.
    internal int? MostUnitsPerToken { get; }

    // The tokens that are found in the text before the model sees it.
    internal IReadOnlyList<AddedToken> AddedTokens { get; }

    // Models have padded vocabularies, so an id without a token is the model's to choose; it has no text, as elsewhere.
    internal string? TextOf(int id, out bool special)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(id);
        special = _special.Contains(id);
        return _rewritten.TryGetValue(id, out var text) || _vocabulary.TryGetText(id, out text) ? text : null;
    }

    private void EncodeText(
        string text, (AddedTokenFinder Raw, AddedTokenFinder Normalized) finders, ControlTokenPlaces? places, TokenIds ids)
    {
        finders.Raw.Split(text, Take, places is null ? null : places.Allows);

        bool Take(int start, int end, AddedToken? token)
        {
            if (token is null)
                EncodeStretch(text, start, end, finders.Normalized, places, ids);
            else
                ids.Add(token.Id);
            return !ids.Check();
        }
    }

    private void EncodeStretch(string whole, int start, int end, AddedTokenFinder finder, ControlTokenPlaces? places, TokenIds ids)
    {
        if (ids.CheckLength(end - start, _unitsOfStretch))
            return;
        var text = whole[start..end];
        bool atStart = start == 0;
        Func<AddedToken, int, int, bool>? allows = null;
        if (_normalizer is not null)
        {
            text = _normalizer.Apply(text, ref atStart);
            if (places is not null && !finder.IsEmpty)
                allows = NormalizedPlaces(places, start, end, text).Allows;
        }
        else if (places is not null)
        {
            allows = (token, from, to) => places.Allows(token, start + from, start + to);
        }
        finder.Split(text, Take, allows);

        bool Take(int from, int to, AddedToken? token)
        {
            if (token is not null)
                ids.Add(token.Id);
            else if (!ids.CheckLength(to - from, _unitsOfNormalized))
                EncodePiece(new Piece(text, from, to - from, atStart && from == 0), ids);
            return !ids.Check();
        }
    }

    private ControlTokenPlaces.NormalizedPlaces NormalizedPlaces(ControlTokenPlaces places, int start, int end, string normalized)
    {
        return places.Normalize(start, end, normalized, Normalize) ?? throw new SpecDecodeException(
            "The tokenizer's normalizer changes this conversation so that control tokens in it cannot be told from what others wrote. "
            + "Leave combining marks behind spelled-out control tokens out of it, or render the conversation and encode it yourself.");

        string Normalize(string text)
        {
            bool atStart = start == 0;
            return _normalizer!.Apply(text, ref atStart);
        }
    }

    private void EncodePiece(Piece piece, TokenIds ids)
    {
        if (_preTokenizer is null)
        {
            _model.Encode(piece.Span, ids);
            return;
        }
        foreach (var words in piece.Length > PreTokenizer.LongPiece ? _preTokenizer.ApplyInBatches(piece) : [_preTokenizer.Apply([piece])])
        {
            foreach (var word in words)
                _model.Encode(word.Span, ids);
            if (ids.Check())
                return;
        }
    }

    // Of two tokens that are found by the same text the special one counts.
    private (AddedTokenFinder Raw, AddedTokenFinder Normalized) Finders(IEnumerable<AddedToken> tokens)
    {
        AddedToken[] ordered = [.. tokens.Where(token => token.Special), .. tokens.Where(token => !token.Special)];
        return (
            new(ordered.Where(token => !token.Normalized).Select(token => (token.Content, token))),
            new(ordered.Where(token => token.Normalized).Select(token => (_rewritten.GetValueOrDefault(token.Id, token.Content), token))));
    }

    private static string WellFormed(string text)
    {
        for (int i = text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF'); i >= 0 && i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                i++;
            else if (char.IsSurrogate(text[i]))
                return Encoding.Unicode.GetString(Encoding.Unicode.GetBytes(text));
        }
        return text;
    }
}
