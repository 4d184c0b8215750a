namespace SpecDecode.Checkpoints;

/// <summary>The names that the files of a Hugging Face checkpoint have, and which of them a folder holds.</summary>
internal static class CheckpointFolder
{
    /// <summary>The model's description; always there.</summary>
    public const string Config = "config.json";

    /// <summary>How to generate, such as stop tokens; may be absent.</summary>
    public const string GenerationConfig = "generation_config.json";

    /// <summary>The tokenizer; may be absent.</summary>
    public const string Tokenizer = "tokenizer.json";

    /// <summary>The tokenizer as a SentencePiece model; counts where there is no <see cref="Tokenizer"/>.</summary>
    public const string SentencePieceTokenizer = "tokenizer.model";

    /// <summary>What transformers says of the tokenizer, and often the chat template; may be absent.</summary>
    public const string TokenizerConfig = "tokenizer_config.json";

    /// <summary>Which tokens are special; where <see cref="TokenizerConfig"/> says something too, that counts.</summary>
    public const string SpecialTokensMap = "special_tokens_map.json";

    /// <summary>All weights in one file.</summary>
    public const string SingleFile = "model.safetensors";

    /// <summary>Which tensor is in which shard, when the weights are in several files.</summary>
    public const string ShardIndex = "model.safetensors.index.json";

    /// <summary>All weights, already converted to what stages read; in place of the safetensors files.</summary>
    public const string Prepared = "specdecode.weights";

    /// <summary>Checks that a folder is there.</summary>
    /// <param name="folder">The folder's full path.</param>
    /// <exception cref="CheckpointException">It is not, or is a file.</exception>
    public static void CheckExists(string folder)
    {
        if (Directory.Exists(folder))
            return;
        throw new CheckpointException(folder, File.Exists(folder)
            ? $"is a file; give the folder that holds it together with {Config}"
            : "does not exist or may not be read; give the folder of a downloaded checkpoint");
    }

    /// <summary>The path of the tokenizer's file; null when there is none.</summary>
    /// <param name="folder">The folder's full path.</param>
    public static string? FindTokenizer(string folder) =>
        new[] { Tokenizer, SentencePieceTokenizer }.Select(name => Path.Combine(folder, name)).FirstOrDefault(IsThere);

    /// <summary>Whether a file of the folder is there. A link that leads nowhere counts, so that reading it says so.</summary>
    /// <param name="path">The file's path.</param>
    public static bool IsThere(string path) => Path.Exists(path) || FileLinks.Link(path) is not null;
}
