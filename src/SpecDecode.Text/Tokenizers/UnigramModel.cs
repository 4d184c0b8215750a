namespace SpecDecode.Tokenizers;

/// <summary>
/// Turns words into the pieces whose scores add up to the most (Kudo 2018): Viterbi's search over a <see cref="PieceTrie"/>,
/// in time that grows with the length of the word times that of the longest piece. Immutable and thread-safe.
/// </summary>
/// <remarks>
/// Two libraries define what comes of it, and differ where scores tie. Hugging Face <c>tokenizers</c> adds in double precision
/// and gives a run of unknown characters the id of the piece that it happens to be; SentencePiece keeps sums in single
/// precision and does not look runs up.
/// </remarks>
internal sealed class UnigramModel : WordModel
{
    /// <summary>The most UTF-16 units that a piece may have; no known model has a tenth of it.</summary>
    public const int MaxPieceLength = 1024;

    private const double UnknownPenalty = 10;

    private readonly PieceTrie _trie;
    private readonly UnigramPiece[] _pieces;
    private readonly double _unknownScore;
    private readonly int? _unknown;
    private readonly int[]? _bytes;
    private readonly bool _hasEveryByte;
    private readonly bool _singlePrecision;

    /// <summary>Creates the model.</summary>
    /// <param name="pieces">The pieces that words may become, each text once, none empty or longer than <see cref="MaxPieceLength"/>.</param>
    /// <param name="minScore">The lowest score of the vocabulary; an unknown character has ten less.</param>
    /// <param name="unknown">The id of unknown characters; null where they are an error.</param>
    /// <param name="bytes">The ids of the 256 bytes, -1 for those without; null where unknown characters are no bytes.</param>
    /// <param name="singlePrecision">Whether it is SentencePiece's search, otherwise that of <c>tokenizers</c>.</param>
    public UnigramModel(IReadOnlyList<UnigramPiece> pieces, double minScore, int? unknown, int[]? bytes, bool singlePrecision)
    {
        _pieces = [.. pieces];
        _trie = new PieceTrie([.. pieces.Select(piece => piece.Text)]);
        _unknownScore = singlePrecision ? (float)minScore - (float)UnknownPenalty : minScore - UnknownPenalty;
        _unknown = unknown;
        _bytes = bytes;
        _hasEveryByte = bytes is not null && Array.TrueForAll(bytes, id => id >= 0);
        _singlePrecision = singlePrecision;
    }

    /// <summary>Reads the object <c>model</c>.</summary>
    /// <param name="node">The object.</param>
    /// <param name="vocabulary">The tokens of <c>model.vocab</c>.</param>
    /// <param name="notWords">Ids that text must not turn into.</param>
    public static UnigramModel Read(JsonNode node, Vocabulary vocabulary, IReadOnlySet<int> notWords)
    {
        // Of a text that is there twice the later one counts, as in the reference implementation.
        var pieces = new List<UnigramPiece>();
        double minScore = double.PositiveInfinity;
        int count = 0;
        foreach (var item in node.Get("vocab").Items())
        {
            int id = count++;
            var (text, score) = ReadPiece(item);
            minScore = Math.Min(minScore, score);
            if (text.Length > MaxPieceLength)
                throw item.Unsupported($"has {text.Length} characters, and a piece of more than {MaxPieceLength} is not supported");
            if (text.Length > 0 && !notWords.Contains(id) && vocabulary.TryGetId(text, out int last) && last == id)
                pieces.Add(new UnigramPiece(text, score, id));
        }

        int? unknown = node.TryGet("unk_id") is { } named ? named.Number(Vocabulary.MaxId) : null;
        if (unknown >= count)
            throw node.Get("unk_id").Error($"is {unknown}, but the vocabulary has {count} pieces");
        int[]? bytes = null;
        if (node.Flag("byte_fallback", false))
        {
            bytes = new int[256];
            for (int b = 0; b < bytes.Length; b++)
                bytes[b] = vocabulary.TryGetId(SymbolTable.ByteName(b), out int id) ? id : -1;
        }
        return new(pieces, minScore, unknown, bytes, singlePrecision: false);
    }

    /// <summary>Reads an entry of <c>model.vocab</c>, a pair of a text and its score.</summary>
    public static (string Text, double Score) ReadPiece(JsonNode item)
    {
        var parts = item.Items().Take(3).ToArray();
        if (parts.Length != 2)
            throw item.Error("is not a pair of a text and its score");
        return (parts[0].Text(), parts[1].Score());
    }

    /// <inheritdoc/>
    public override void Encode(ReadOnlySpan<char> word, TokenIds ids)
    {
        if (word.IsEmpty)
            return;
        var output = new Output(this, word, ids);
        var search = new UnigramSearch(_trie, _pieces, _unknownScore, _singlePrecision, _unknown is not null);
        try
        {
            search.Run(word, ref output);
        }
        finally
        {
            search.Dispose();
        }
        output.Complete();
    }

    /// <summary>Takes the best path piece by piece; characters that are unknown are held until their run ends.</summary>
    internal ref struct Output(UnigramModel model, ReadOnlySpan<char> word, TokenIds ids)
    {
        private readonly ReadOnlySpan<char> _word = word;
        private int _runStart;
        private int _at;

        /// <summary>Whether what follows is of no use any more.</summary>
        public readonly bool IsFull => ids.Check();

        /// <summary>Takes the next piece.</summary>
        /// <param name="piece">Its place among the pieces, or <see cref="UnigramSearch.Unknown"/>.</param>
        /// <param name="length">How many units of the word it is.</param>
        public void Write(int piece, int length)
        {
            bool isUnknown = piece == UnigramSearch.Unknown || model._pieces[piece].Id == model._unknown;
            if (!isUnknown)
            {
                Complete();
                ids.Add(model._pieces[piece].Id);
                _runStart = _at + length;
            }
            _at += length;
        }

        /// <summary>Ends a run of unknown characters.</summary>
        public void Complete()
        {
            var run = _word[_runStart.._at];
            _runStart = _at;
            if (run.IsEmpty)
                return;
            int piece = model._singlePrecision ? PieceTrie.None : model._trie.Find(run);
            if (piece != PieceTrie.None)
                ids.Add(model._pieces[piece].Id);
            else if (model._bytes is null || !TryFallBack(run, model._bytes))
                ids.Add(model._unknown!.Value);
        }

        // All bytes of the run, or none.
        private readonly bool TryFallBack(ReadOnlySpan<char> run, int[] bytes)
        {
            int first = ids.Count;
            Span<byte> utf8 = stackalloc byte[4];
            foreach (var rune in run.EnumerateRunes())
            {
                foreach (byte b in utf8[..rune.EncodeToUtf8(utf8)])
                {
                    if (bytes[b] < 0)
                    {
                        ids.RemoveRange(first, ids.Count - first);
                        return false;
                    }
                    ids.Add(bytes[b]);
                }

                // Where a byte is missing further on, what is here would be one token.
                if (model._hasEveryByte && ids.Check())
                    return true;
            }
            return true;
        }
    }
}
