using SpecDecode.Checkpoints;

namespace SpecDecode.Tokenizers;

/// <summary>
/// The flags <c>add_bos_token</c> and <c>add_eos_token</c> of a <c>tokenizer_config.json</c> beside a <c>tokenizer.json</c>.
/// </summary>
/// <remarks>
/// Transformers 4 gives some classes of tokenizers a post-processor made of these flags in place of the file's; all others,
/// and version 5 in general, take the file's. Checkpoints whose file has none, or one that adds nothing, were trained and
/// published with what version 4 made of them. So a flag that is written down counts for those classes, and where none is,
/// as in folders that version 5 has saved, the post-processor does.
/// </remarks>
internal static class FrameFlags
{
    private const string BosFlag = "add_bos_token";
    private const string EosFlag = "add_eos_token";

    // The tokens of a class where the files name none.
    private static readonly Dictionary<string, (string Bos, string Eos)> Classes = new(StringComparer.Ordinal)
    {
        ["LlamaTokenizer"] = ("<s>", "</s>"),
        ["CodeLlamaTokenizer"] = ("<s>", "</s>"),
        ["GemmaTokenizer"] = ("<bos>", "<eos>"),
        ["CohereTokenizer"] = ("<BOS_TOKEN>", "<|END_OF_TURN_TOKEN|>"),
        ["GPTNeoXTokenizer"] = ("<|endoftext|>", "<|endoftext|>"),
    };

    /// <summary>The tokens around a text once the flags have been heard.</summary>
    /// <param name="path">The path of the <c>tokenizer.json</c>.</param>
    /// <param name="frame">What its post-processor says.</param>
    /// <param name="vocabulary">All tokens.</param>
    /// <exception cref="CheckpointException">A file beside it is damaged, or asks for a token that there is not.</exception>
    public static SpecialTokenFrame Apply(string path, SpecialTokenFrame frame, Vocabulary vocabulary)
    {
        if (TokenizerConfigFile.TryReadBeside(path, CheckpointFolder.TokenizerConfig) is not { } config
            || config.TryGet("tokenizer_class")?.Text() is not { } name
            || !Classes.TryGetValue(name.EndsWith("Fast", StringComparison.Ordinal) ? name[..^"Fast".Length] : name, out var defaults))
            return frame;

        return new(
            config.TryGet(BosFlag) is { } bos ? Tokens(bos, "bos_token", defaults.Bos) : frame.Before,
            config.TryGet(EosFlag) is { } eos ? Tokens(eos, "eos_token", defaults.Eos) : frame.After);

        int[] Tokens(JsonNode flag, string key, string unnamed)
        {
            if (!flag.Flag())
                return [];
            var named = config.TryGet(key) ?? TokenizerConfigFile.TryReadBeside(path, CheckpointFolder.SpecialTokensMap)?.TryGet(key);
            var text = named is { } node ? TokenizerConfigFile.TokenText(node) : unnamed;
            return vocabulary.TryGetId(text, out int id)
                ? [id]
                : throw flag.Error($"is true, but the token '{CheckpointText.Shorten(text)}' is not in the vocabulary of {Path.GetFileName(path)}");
        }
    }
}
