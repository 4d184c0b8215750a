using SpecDecode.Checkpoints;

namespace SpecDecode.Tokenizers.SentencePiece;

/// <summary>Reads a SentencePiece model of kind BPE or Unigram, with what lies beside it, as a tokenizer.</summary>
internal static class SentencePieceReader
{
    /// <summary>What stands for a space in pieces.</summary>
    public const string Mark = "\u2581";

    private const int MaxFileSize = 16 << 20;
    private const int MaxPieces = 1 << 21;
    private const string Mend = "Download the file again from where the model comes from.";

    /// <summary>Reads a model.</summary>
    /// <param name="path">The path of a <c>tokenizer.model</c>.</param>
    /// <exception cref="CheckpointException">A file is missing, damaged or contradicts itself.</exception>
    /// <exception cref="UnsupportedTokenizerException">The model is sound but of a kind that is not supported.</exception>
    public static TokenizerDefinition Read(string path)
    {
        var model = Parse(path);
        CheckSupported(path, model);
        var config = SentencePieceConfig.ReadBeside(path);
        var vocabulary = new SentencePieceVocabulary(path, model, config);
        var normalization = model.Normalizer;
        bool prefix = normalization.AddDummyPrefix && (config.Legacy || config.AddPrefixSpace);
        return new()
        {
            Vocabulary = vocabulary.Tokens,
            AddedTokens = vocabulary.AddedTokens,
            Special = vocabulary.Special,
            Normalizer = new SentencePieceNormalizer
            {
                Mark = normalization.EscapeWhitespaces ? Mark : " ",
                AddsPrefix = prefix,
                PrefixesEveryStretch = config.Legacy,
                RemovesExtraSpaces = normalization.RemoveExtraWhitespaces,
                Map = ReadMap(path, normalization),
                UserDefined = vocabulary.UserDefined,
            },
            PreTokenizer = null,
            Model = vocabulary.CreateModel(),
            Frame = ReadFrame(path, model, config, vocabulary.Tokens),
            Decoder = TokenDecoder.ForSentencePiece(
                normalization.RemoveExtraWhitespaces ? LeadingSpace.All : prefix ? LeadingSpace.One : LeadingSpace.None),
        };
    }

    private static SentencePieceModel Parse(string path)
    {
        var bytes = CheckpointFile.ReadAll(path, MaxFileSize, out _);
        try
        {
            int count = SentencePieceModel.CountPieces(bytes);
            return count is > 0 and <= MaxPieces
                ? SentencePieceModel.Read(bytes, count)
                : throw new CheckpointException(path, $"the file has {count} pieces, and a SentencePiece model has 1 to {MaxPieces}. {Mend}");
        }
        catch (InvalidDataException e)
        {
            throw new CheckpointException(path, $"the file is no SentencePiece model ({e.Message}). {Mend}", e);
        }
    }

    private static void CheckSupported(string path, SentencePieceModel model)
    {
        var trainer = model.Trainer;
        string? problem =
            trainer.ModelType is not (ModelType.Bpe or ModelType.Unigram) ? $"the model is of kind {trainer.ModelType}, and only BPE and Unigram are supported"
            : trainer.TreatWhitespaceAsSuffix ? "the model marks spaces behind words (treat_whitespace_as_suffix), which is not supported"
            : model.Denormalizer.PrecompiledCharsmap.Length > 0 ? "the model rewrites decoded text (denormalizer_spec), which is not supported"
            : null;
        if (problem is not null)
        {
            throw new UnsupportedTokenizerException(
                path, $"{problem}. Work with token ids instead of text, or use a model with a BPE or Unigram tokenizer.");
        }
    }

    private static PrecompiledCharsMap? ReadMap(string path, NormalizerSpec normalization)
    {
        if (normalization.PrecompiledCharsmap.Length == 0)
            return null;
        return PrecompiledCharsMap.TryCreate(normalization.PrecompiledCharsmap)
            ?? throw new CheckpointException(path, $"its precompiled_charsmap is damaged. {Mend}");
    }

    private static SpecialTokenFrame ReadFrame(string path, SentencePieceModel model, SentencePieceConfig config, Vocabulary tokens)
    {
        return new(
            Find(config.AddBos ?? true, config.BosToken ?? model.Trainer.BosPiece, config.AddBos == true, "add_bos_token"),
            Find(config.AddEos, config.EosToken ?? model.Trainer.EosPiece, config.AddEos, "add_eos_token"));

        int[] Find(bool adds, string text, bool required, string key)
        {
            if (adds && tokens.TryGetId(text, out int id))
                return [id];
            return required
                ? throw new CheckpointException(
                    path, $"{CheckpointFolder.TokenizerConfig} beside it asks for '{key}', but the token '{CheckpointText.Shorten(text)}' is not in the vocabulary. {Mend}")
                : [];
        }
    }
}
