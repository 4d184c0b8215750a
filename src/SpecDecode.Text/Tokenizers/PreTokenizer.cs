using SpecDecode.Tokenizers.Patterns;

namespace SpecDecode.Tokenizers;

/// <summary>Cuts text into the words that are encoded apart from each other.</summary>
internal abstract class PreTokenizer
{
    /// <summary>About how many pieces a batch has.</summary>
    protected const int BatchSize = 4096;

    /// <summary>UTF-16 units beyond which a piece is long enough to be cut in batches.</summary>
    public const int LongPiece = 1 << 16;

    // What the category has got since the version of Unicode that the reference implementation knows here.
    private static readonly CodePointSet LaterPunctuation = CodePointSet.Between(
    [
        0x61D, 0x61E, 0x9FD, 0x9FE, 0xA76, 0xA77, 0xC77, 0xC78, 0xC84, 0xC85, 0x1B4E, 0x1B50, 0x1B7D, 0x1B80, 0x2E43, 0x2E50, 0x2E52,
        0x2E5E, 0x10D6E, 0x10D6F, 0x10EAD, 0x10EAE, 0x10ED0, 0x10ED1, 0x10F55, 0x10F5A, 0x10F86, 0x10F8A, 0x113D4, 0x113D6, 0x113D7,
        0x113D9, 0x1144B, 0x11450, 0x1145A, 0x1145C, 0x1145D, 0x1145E, 0x11660, 0x1166D, 0x116B9, 0x116BA, 0x1183B, 0x1183C, 0x11944,
        0x11947, 0x119E2, 0x119E3, 0x11A3F, 0x11A47, 0x11A9A, 0x11A9D, 0x11A9E, 0x11AA3, 0x11B00, 0x11B0A, 0x11BE1, 0x11BE2, 0x11C41,
        0x11C46, 0x11C70, 0x11C72, 0x11EF7, 0x11EF9, 0x11F43, 0x11F50, 0x11FFF, 0x12000, 0x12FF1, 0x12FF3, 0x16D6D, 0x16D70, 0x16E97,
        0x16E9B, 0x16FE2, 0x16FE3, 0x1E5FF, 0x1E600, 0x1E95E, 0x1E960,
    ]);

    // ASCII punctuation, which has symbols among it, and the category with two characters that have left it since.
    private static readonly CodePointSet Punctuation = CodePointSet.Range('!', '/').Union(CodePointSet.Range(':', '@'))
        .Union(CodePointSet.Range('[', '`')).Union(CodePointSet.Range('{', '~'))
        .Union(CodePointSet.Category("P").Intersect(LaterPunctuation.Invert())).Union(CodePointSet.Of(0x166D, 0x111C9));

    /// <summary>Whether all of a text is in the pieces; else parts of it are dropped.</summary>
    public virtual bool KeepsText => true;

    /// <summary>Whether the pieces are the text's bytes in the <see cref="ByteAlphabet"/>.</summary>
    public virtual bool SpellsBytes => false;

    /// <summary>Replaces the pieces by their parts, none of them empty.</summary>
    public abstract List<Piece> Apply(List<Piece> pieces);

    /// <summary>
    /// Replaces a piece by its parts a batch at a time, so that whoever has enough of them need not wait for all of a long text. A batch
    /// is the caller's, and may be empty.
    /// </summary>
    public virtual IEnumerable<List<Piece>> ApplyInBatches(Piece piece) => [Apply([piece])];

    /// <summary>Reads the object <c>pre_tokenizer</c>; null leaves the text whole.</summary>
    /// <exception cref="UnsupportedTokenizerException">Its kind is unknown.</exception>
    public static PreTokenizer? Read(JsonNode? node)
    {
        if (node is not { } part)
            return null;
        var type = part.Get("type");
        return type.Text() switch
        {
            "Sequence" => new SequencePreTokenizer([.. part.Get("pretokenizers").Items().Select(item => Read(item)!)]),
            "ByteLevel" => new ByteLevelPreTokenizer(part.Flag("add_prefix_space", true), part.Flag("use_regex", true)),
            "Metaspace" => MetaspacePreTokenizer.Read(part),
            "Split" => new SplitPreTokenizer(TextPattern.Read(part.Get("pattern")), Behavior(part.Get("behavior")), part.Flag("invert", false)),
            "Digits" => Split(
                CodePointSet.Category("N"), part.Flag("individual_digits", false) ? SplitBehavior.Isolated : SplitBehavior.Contiguous),
            "Punctuation" => Split(Punctuation, part.TryGet("behavior") is { } behavior ? Behavior(behavior) : SplitBehavior.Isolated),
            "Whitespace" => new SplitPreTokenizer(
                TextPattern.Runs(CodePointSet.UnicodeWord, CodePointSet.UnicodeWord.Union(CodePointSet.Space).Invert()), SplitBehavior.Removed, true),
            "WhitespaceSplit" => Split(CodePointSet.Space, SplitBehavior.Removed),
            "BertPreTokenizer" => new SequencePreTokenizer(
                [Split(CodePointSet.Space, SplitBehavior.Removed), Split(Punctuation, SplitBehavior.Isolated)]),
            "CharDelimiterSplit" => Split(CodePointSet.Of(part.Get("delimiter").Character().Value), SplitBehavior.Removed),
            "FixedLength" => new SplitPreTokenizer(
                TextPattern.Compile($"(?m:.{{1,{part.Get("length").Number(1000)}}})"), SplitBehavior.Isolated, invert: false),
            var other => throw type.Unsupported($"is the pre-tokenizer '{other}', which is not supported"),
        };
    }

    private static SplitPreTokenizer Split(CodePointSet set, SplitBehavior behavior) => new(TextPattern.One(set), behavior, invert: false);

    private static SplitBehavior Behavior(JsonNode node) => node.Text() switch
    {
        "Removed" => SplitBehavior.Removed,
        "Isolated" => SplitBehavior.Isolated,
        "MergedWithPrevious" => SplitBehavior.MergedWithPrevious,
        "MergedWithNext" => SplitBehavior.MergedWithNext,
        "Contiguous" => SplitBehavior.Contiguous,
        var other => throw node.Unsupported($"is the split behavior '{other}', which is not supported"),
    };

    private sealed class SequencePreTokenizer(PreTokenizer[] parts) : PreTokenizer
    {
        public override bool KeepsText => parts.All(part => part.KeepsText);

        public override bool SpellsBytes => parts.Any(part => part.SpellsBytes);

        public override List<Piece> Apply(List<Piece> pieces)
        {
            foreach (var part in parts)
                pieces = part.Apply(pieces);
            return pieces;
        }

        public override IEnumerable<List<Piece>> ApplyInBatches(Piece piece) => From(0, piece);

        // A long piece of a batch is cut in batches again.
        private IEnumerable<List<Piece>> From(int part, Piece piece)
        {
            if (part == parts.Length)
                return [[piece]];
            return parts[part].ApplyInBatches(piece).SelectMany(batch => Next(part + 1, batch));
        }

        private IEnumerable<List<Piece>> Next(int part, List<Piece> batch)
        {
            int first = 0;
            for (int i = 0; i < batch.Count; i++)
            {
                if (batch[i].Length <= LongPiece)
                    continue;
                yield return Rest(part, batch[first..i]);
                foreach (var inner in From(part, batch[i]))
                    yield return inner;
                first = i + 1;
            }
            yield return Rest(part, first == 0 ? batch : batch[first..]);
        }

        private List<Piece> Rest(int part, List<Piece> pieces)
        {
            for (; part < parts.Length; part++)
                pieces = parts[part].Apply(pieces);
            return pieces;
        }
    }
}
