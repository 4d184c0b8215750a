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
        text = WellFormed(text);
        var ids = new List<int>();
        if (addSpecialTokens)
            ids.AddRange(_frame.Before);

        var (raw, normalized) = parseSpecialTokens ? _allFinders : _plainFinders;
        raw.Split(text, (start, end, token) =>
        {
            if (token is not null)
                ids.Add(token.Id);
            else
                EncodeStretch(text[start..end], start == 0, normalized, ids);
        });
        if (addSpecialTokens)
            ids.AddRange(_frame.After);
        return [.. ids];
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

    // The most UTF-16 units of a text that become one token; null where that has no bound.
    internal int? MostUnitsPerToken { get; }

    // Models have padded vocabularies, so an id without a token is the model's to choose; it has no text, as elsewhere.
    internal string? TextOf(int id, out bool special)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(id);
        special = _special.Contains(id);
        return _rewritten.TryGetValue(id, out var text) || _vocabulary.TryGetText(id, out text) ? text : null;
    }

    private void EncodeStretch(string text, bool atStart, AddedTokenFinder finder, List<int> ids)
    {
        if (_normalizer is not null)
            text = _normalizer.Apply(text, ref atStart);
        finder.Split(text, (start, end, token) =>
        {
            if (token is not null)
            {
                ids.Add(token.Id);
                return;
            }
            var piece = new Piece(text, start, end - start, atStart && start == 0);
            if (_preTokenizer is null)
            {
                _model.Encode(piece.Span, ids);
                return;
            }
            foreach (var word in _preTokenizer.Apply([piece]))
                _model.Encode(word.Span, ids);
        });
    }

    // Of two tokens that are found by the same text the special one counts.
    private (AddedTokenFinder Raw, AddedTokenFinder Normalized) Finders(IEnumerable<AddedToken> tokens)
    {
        var ordered = tokens.OrderByDescending(token => token.Special).ToLookup(token => token.Normalized);
        return (
            new(ordered[false].Select(token => (token.Content, token))),
            new(ordered[true].Select(token => (_rewritten.GetValueOrDefault(token.Id, token.Content), token))));
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
