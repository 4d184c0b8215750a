using System.Text;
using System.Text.Json;
using SpecDecode.Models;
using SpecDecode.Models.Checkpoints;

namespace SpecDecode.Tokenizers;

/// <summary>
/// Text to token ids and back, as a Hugging Face <c>tokenizer.json</c> of kind BPE says: byte-level (GPT-2, Llama 3, Qwen,
/// SmolLM) or SentencePiece-style with byte fallback (Llama 2, Mistral).
/// </summary>
/// <remarks>Thread-safe. The sections <c>truncation</c> and <c>padding</c> have no effect.</remarks>
public sealed class TextTokenizer
{
    private const int MaxFileSize = 256 << 20;

    private readonly Vocabulary _vocabulary;
    private readonly HashSet<int> _special = [];
    private readonly TextNormalizer? _normalizer;
    private readonly PreTokenizer? _preTokenizer;
    private readonly BytePairModel _model;
    private readonly SpecialTokenFrame _frame;
    private readonly TokenDecoder _decoder;

    // In the text as given, then in the normalized text; both without special tokens and with them.
    private readonly (AddedTokenFinder Raw, AddedTokenFinder Normalized) _plainFinders;
    private readonly (AddedTokenFinder Raw, AddedTokenFinder Normalized) _allFinders;

    private TextTokenizer(JsonNode root)
    {
        var model = root.Get("model");
        if (model.TryGet("type") is { } type && type.Text() != "BPE")
            throw type.Unsupported($"is '{type.Text()}', and only BPE is supported");
        _vocabulary = Vocabulary.Read(model.Get("vocab"));
        var added = AddedToken.Read(root.TryGet("added_tokens"), _vocabulary);
        foreach (var token in added)
        {
            if (token.Special)
                _special.Add(token.Id);
        }
        _model = new BytePairModel(model, _vocabulary, _special);
        _normalizer = TextNormalizer.Read(root.TryGet("normalizer"));
        _preTokenizer = PreTokenizer.Read(root.TryGet("pre_tokenizer"));
        _frame = SpecialTokenFrame.Read(root.TryGet("post_processor"), _vocabulary);
        _decoder = TokenDecoder.Read(root.TryGet("decoder"));
        _allFinders = Finders(added);
        _plainFinders = Finders(added.Where(token => !token.Special));
    }

    /// <summary>The highest id plus one. Ids below it may be unused.</summary>
    public int VocabularySize => _vocabulary.Size;

    /// <summary>Reads a tokenizer.</summary>
    /// <param name="path">The path of a <c>tokenizer.json</c> of at most 256 MB.</param>
    /// <exception cref="CheckpointException">The file is missing, damaged or contradicts itself.</exception>
    /// <exception cref="UnsupportedTokenizerException">The file is sound but of a kind that is not supported.</exception>
    public static TextTokenizer Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            using var document = JsonDocument.Parse(CheckpointFile.ReadAll(path, MaxFileSize, out _));
            return new TextTokenizer(new JsonNode(document.RootElement, path, ""));
        }
        catch (JsonException e)
        {
            throw new CheckpointException(
                path, $"the file is not JSON ({e.Message}). Download the file again from where the model comes from.", e);
        }
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

    // Models have padded vocabularies, so an id without a token is the model's to choose; it has no text, as elsewhere.
    internal string? TextOf(int id, out bool special)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(id);
        special = _special.Contains(id);
        return _vocabulary.TryGetText(id, out var text) ? text : null;
    }

    private void EncodeStretch(string text, bool atStart, AddedTokenFinder finder, List<int> ids)
    {
        if (_normalizer is not null)
            text = _normalizer.Apply(text);
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

    private (AddedTokenFinder Raw, AddedTokenFinder Normalized) Finders(IEnumerable<AddedToken> tokens) => (
        new(tokens.Where(token => !token.Normalized).Select(token => (token.Content, token))),
        new(tokens.Where(token => token.Normalized).Select(token => (_normalizer?.Apply(token.Content) ?? token.Content, token))));

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
