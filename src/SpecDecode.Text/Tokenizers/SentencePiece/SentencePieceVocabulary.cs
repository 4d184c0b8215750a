using System.Buffers;
using System.Text;
using SpecDecode.Checkpoints;

namespace SpecDecode.Tokenizers.SentencePiece;

/// <summary>The pieces of a SentencePiece model as tokens, and the merges or the scores that follow from them.</summary>
internal sealed class SentencePieceVocabulary
{
    // Merges are searched at every place of a piece, and pieces at every place of a text.
    private const int MaxPieceLength = 256;
    private const string Mend = "Download the file again from where the model comes from.";

    private static readonly string[] ByteNames = [.. Enumerable.Range(0, 256).Select(SymbolTable.ByteName)];

    private readonly string _path;
    private readonly List<(string Text, int Id, float Score)> _normal = [];
    private readonly Dictionary<int, int> _characters = [];
    private readonly HashSet<int> _special = [];
    private readonly List<AddedToken> _added = [];
    private readonly List<AddedToken> _userDefined = [];
    private readonly bool _unigram;
    private readonly int[]? _bytes;
    private readonly int _unknown = -1;

    // Of normal pieces; the highest is at least the smallest normal number, as in SentencePiece.
    private float _minScore = float.MaxValue;
    private float _maxScore = MathF.ScaleB(1, -126);

    /// <summary>Sorts the pieces and adds the tokens that the checkpoint names beside them.</summary>
    /// <exception cref="CheckpointException">The pieces contradict each other or the other files.</exception>
    /// <exception cref="UnsupportedTokenizerException">There is a piece of a kind that is not supported.</exception>
    public SentencePieceVocabulary(string path, SentencePieceModel model, SentencePieceConfig config)
    {
        _path = path;
        _unigram = model.Trainer.ModelType == ModelType.Unigram;
        _bytes = model.Trainer.ByteFallback ? new int[256] : null;
        _bytes?.AsSpan().Fill(-1);
        for (int id = 0; id < model.Pieces.Count; id++)
        {
            var piece = model.Pieces[id];
            if (piece.Text.Length == 0)
                throw Damaged($"piece {id} is empty");
            if (!Tokens.TryAdd(piece.Text, id))
                throw Damaged($"piece {id} is '{CheckpointText.Shorten(piece.Text)}', which an earlier one is too");
            if (piece.Type == PieceType.Unknown)
                _unknown = _unknown < 0 ? id : throw Damaged($"pieces {_unknown} and {id} both stand for what is unknown");
            config.AddedTokens.TryGetValue(id, out var named);
            Add(piece, id, piece.Type is PieceType.Control or PieceType.Unknown
                || named.Token is { Special: true } || (piece.Type == PieceType.UserDefined && config.IsSpecial(piece.Text)));
        }
        if (_unknown < 0)
            throw Damaged("no piece stands for what is unknown");
        if (_bytes?.AsSpan().IndexOf(-1) is >= 0 and var missing)
            throw Damaged($"the model falls back to bytes, but has no piece '{SymbolTable.ByteName(missing)}'");

        foreach (var (id, (token, node)) in config.AddedTokens)
        {
            bool isNew = Tokens.Add(token.Content, id, node);
            bool special = token.Special || config.IsSpecial(token.Content);
            if (isNew && special)
                _special.Add(id);
            if (isNew || _added.TrueForAll(known => known.Id != id))
                _added.Add(token with { Special = special || _special.Contains(id), Normalized = false });
        }
        UserDefined = new AddedTokenFinder(_userDefined.Select(token => (token.Content, token)));
    }

    /// <summary>All tokens.</summary>
    public Vocabulary Tokens { get; } = new();

    /// <summary>Those that are found in the text: control pieces, user-defined ones, and the checkpoint's own.</summary>
    public IReadOnlyList<AddedToken> AddedTokens => _added;

    /// <summary>The control tokens.</summary>
    public IReadOnlySet<int> Special => _special;

    /// <summary>The user-defined pieces, which no normalization changes.</summary>
    public AddedTokenFinder UserDefined { get; }

    /// <summary>Creates the model.</summary>
    public WordModel CreateModel() => _unigram ? CreateUnigram() : CreatePairs();

    // A user-defined piece has a score of its own: the best one for each of its bytes, taken as just above zero where it is
    // not, less a tenth. The arithmetic is SentencePiece's to the bit: a product in single precision, the rest in double.
    private UnigramModel CreateUnigram()
    {
        List<UnigramPiece> pieces = [.. _normal.Select(piece => new UnigramPiece(piece.Text, piece.Score, piece.Id))];
        foreach (var token in _userDefined)
            pieces.Add(new UnigramPiece(token.Content, Encoding.UTF8.GetByteCount(token.Content) * _maxScore - 0.1, token.Id));
        return new UnigramModel(pieces, _minScore, _unknown, _bytes, singlePrecision: true);
    }

    // Two neighbours merge where they are a normal piece together, the one with the highest score first: so every way to cut
    // a piece in two is a merge.
    private BytePairModel CreatePairs()
    {
        var symbols = SymbolTable.Create(_characters, _bytes, _unknown);
        var merges = new MergeTable();
        var parts = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (text, id, _) in _normal)
            parts.Add(text, id);
        var lookup = parts.GetAlternateLookup<ReadOnlySpan<char>>();
        int rank = -1;
        float last = float.NaN;
        foreach (var (text, id, score) in _normal.OrderByDescending(piece => piece.Score))
        {
            rank += score == last ? 0 : 1;
            last = score;
            for (int cut = 1; cut < text.Length; cut++)
            {
                if (char.IsLowSurrogate(text[cut]) || !IsPart(text.AsSpan(0, cut)) || !IsPart(text.AsSpan(cut)))
                    continue;
                Rune.DecodeLastFromUtf16(text.AsSpan(0, cut), out var before, out _);
                Rune.DecodeFromUtf16(text.AsSpan(cut), out var behind, out _);
                merges.Add(SymbolOf(text.AsSpan(0, cut)), SymbolOf(text.AsSpan(cut)), rank, id, before, behind);
            }
        }
        return new BytePairModel(symbols, merges, wholeWords: null, _special);

        bool IsPart(ReadOnlySpan<char> part) => IsCharacter(part, out _) || lookup.ContainsKey(part);

        int SymbolOf(ReadOnlySpan<char> part) => IsCharacter(part, out var rune) ? symbols.SymbolOf(rune) : lookup[part];
    }

    private void Add(ModelPiece piece, int id, bool special)
    {
        var text = piece.Text;
        if (piece.Type == PieceType.Normal)
        {
            if (float.IsNaN(piece.Score))
                throw Damaged($"the score of piece {id} is not a number");
            (_minScore, _maxScore) = (MathF.Min(_minScore, piece.Score), MathF.Max(_maxScore, piece.Score));
        }
        if (special)
        {
            _special.Add(id);
            _added.Add(new AddedToken(id, text, Special: true, false, false, false, Normalized: false));
            return;
        }
        switch (piece.Type)
        {
            case PieceType.UserDefined:
                if (_unigram)
                    CheckLength(text, id);
                var token = new AddedToken(id, text, Special: false, false, false, false, Normalized: true) { Verbatim = true };
                _userDefined.Add(token);
                if (!_unigram)
                    _added.Add(token);
                break;
            case PieceType.Byte:
                if (_bytes is null)
                    throw Damaged($"piece {id} is a byte, but the model does not fall back to bytes");
                int value = Array.IndexOf(ByteNames, text);
                _bytes[value >= 0 ? value : throw Damaged($"piece {id} is a byte, but not written as one")] = id;
                break;
            case PieceType.Unused when _unigram:
                break;
            case PieceType.Unused:
                throw new UnsupportedTokenizerException(
                    _path, $"piece {id} is of kind UNUSED, which is not supported. Work with token ids instead of text, or use the model's tokenizer.json.");
            default:
                CheckLength(text, id);
                if (IsCharacter(text, out var rune))
                    _characters.Add(rune.Value, id);
                _normal.Add((text, id, piece.Score));
                break;
        }
    }

    private void CheckLength(string text, int id)
    {
        if (text.Length > MaxPieceLength)
            throw Damaged($"piece {id} has {text.Length} characters, and one has at most {MaxPieceLength}");
    }

    private static bool IsCharacter(ReadOnlySpan<char> text, out Rune rune) =>
        Rune.DecodeFromUtf16(text, out rune, out int used) == OperationStatus.Done && used == text.Length;

    private CheckpointException Damaged(string what) => new(_path, $"{what}. {Mend}");
}
