using SpecDecode.Checkpoints;

namespace SpecDecode.Tokenizers;

/// <summary>A tokenizer as its file describes it.</summary>
internal sealed record TokenizerDefinition
{
    private const int MaxFileSize = 256 << 20;

    /// <summary>All tokens, added ones too.</summary>
    public required Vocabulary Vocabulary { get; init; }

    /// <summary>The tokens that are found in the text before the model sees it.</summary>
    public required IReadOnlyList<AddedToken> AddedTokens { get; init; }

    /// <summary>The ids that have no text when decoded.</summary>
    public required IReadOnlySet<int> Special { get; init; }

    /// <summary>What rewrites the text; null for nothing.</summary>
    public required TextNormalizer? Normalizer { get; init; }

    /// <summary>What cuts the text into words; null leaves it whole.</summary>
    public required PreTokenizer? PreTokenizer { get; init; }

    /// <summary>What turns words into ids.</summary>
    public required WordModel Model { get; init; }

    /// <summary>The control tokens around a text.</summary>
    public required SpecialTokenFrame Frame { get; init; }

    /// <summary>What turns token texts into text.</summary>
    public required TokenDecoder Decoder { get; init; }

    /// <summary>What is not as the user may expect, a sentence each.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Reads a <c>tokenizer.json</c>, and what <c>tokenizer_config.json</c> beside it says of the tokens around a text.</summary>
    /// <exception cref="CheckpointException">The file is missing, damaged or contradicts itself.</exception>
    /// <exception cref="UnsupportedTokenizerException">The file is sound but of a kind that is not supported.</exception>
    public static TokenizerDefinition ReadJson(string path) =>
        Read(new JsonNode(CheckpointJson.Parse(path, CheckpointFile.ReadAll(path, MaxFileSize, out _)), path, ""), path);

    private static TokenizerDefinition Read(JsonNode root, string path)
    {
        var model = root.Get("model");
        bool unigram = IsUnigram(model);
        var vocabulary = unigram ? Vocabulary.ReadList(model.Get("vocab")) : Vocabulary.Read(model.Get("vocab"));

        // Added tokens are no parts of words: byte pairs are read first, and are told afterwards which ids they are.
        var notWords = new HashSet<int>();
        var pairs = unigram ? null : BytePairModel.Read(model, vocabulary, notWords);
        var warnings = new List<string>();
        var added = AddedToken.Read(root.TryGet("added_tokens"), vocabulary, notWords, warnings);
        HashSet<int> special = [.. added.Where(token => token.Special).Select(token => token.Id)];
        notWords.UnionWith(special);
        return new()
        {
            Vocabulary = vocabulary,
            AddedTokens = added,
            Special = special,
            Normalizer = TextNormalizer.Read(root.TryGet("normalizer")),
            PreTokenizer = PreTokenizer.Read(root.TryGet("pre_tokenizer")),
            Model = (WordModel?)pairs ?? UnigramModel.Read(model, vocabulary, special),
            Frame = FrameFlags.Apply(path, SpecialTokenFrame.Read(root.TryGet("post_processor"), vocabulary), vocabulary),
            Decoder = TokenDecoder.Read(root.TryGet("decoder")),
            Warnings = warnings,
        };
    }

    // Old files do not name the kind: their vocabulary tells it, a list of scored pieces or a map.
    private static bool IsUnigram(JsonNode model) => model.TryGet("type") is { } type
        ? type.Text() switch
        {
            "BPE" => false,
            "Unigram" => true,
            var other => throw type.Unsupported($"is '{other}', and only BPE and Unigram are supported"),
        }
        : model.Get("vocab").IsArray;
}
