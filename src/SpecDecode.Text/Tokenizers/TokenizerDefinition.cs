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
    public required BytePairModel Model { get; init; }

    /// <summary>The control tokens around a text.</summary>
    public required SpecialTokenFrame Frame { get; init; }

    /// <summary>What turns token texts into text.</summary>
    public required TokenDecoder Decoder { get; init; }

    /// <summary>Reads a <c>tokenizer.json</c>.</summary>
    /// <exception cref="CheckpointException">The file is missing, damaged or contradicts itself.</exception>
    /// <exception cref="UnsupportedTokenizerException">The file is sound but of a kind that is not supported.</exception>
    public static TokenizerDefinition ReadJson(string path) =>
        Read(new JsonNode(CheckpointJson.Parse(path, CheckpointFile.ReadAll(path, MaxFileSize, out _)), path, ""));

    private static TokenizerDefinition Read(JsonNode root)
    {
        var model = root.Get("model");
        if (model.TryGet("type") is { } type && type.Text() != "BPE")
            throw type.Unsupported($"is '{type.Text()}', and only BPE is supported");

        // Added tokens are no parts of words: the model is read first, and is told afterwards which ids they are.
        var vocabulary = Vocabulary.Read(model.Get("vocab"));
        var notWords = new HashSet<int>();
        var pairs = BytePairModel.Read(model, vocabulary, notWords);
        var added = AddedToken.Read(root.TryGet("added_tokens"), vocabulary, notWords);
        HashSet<int> special = [.. added.Where(token => token.Special).Select(token => token.Id)];
        notWords.UnionWith(special);
        return new()
        {
            Vocabulary = vocabulary,
            AddedTokens = added,
            Special = special,
            Normalizer = TextNormalizer.Read(root.TryGet("normalizer")),
            PreTokenizer = PreTokenizer.Read(root.TryGet("pre_tokenizer")),
            Model = pairs,
            Frame = SpecialTokenFrame.Read(root.TryGet("post_processor"), vocabulary),
            Decoder = TokenDecoder.Read(root.TryGet("decoder")),
        };
    }
}
