using SpecDecode.Checkpoints;

namespace SpecDecode.Tokenizers;

/// <summary>The small files that transformers writes beside a tokenizer.</summary>
internal static class TokenizerConfigFile
{
    private const int MaxFileSize = 16 << 20;

    /// <summary>Reads a file in the folder of a tokenizer; null where there is none of that name.</summary>
    /// <param name="tokenizer">The path of the tokenizer's file.</param>
    /// <param name="name">The name of the file beside it.</param>
    /// <exception cref="CheckpointException">The file is damaged.</exception>
    public static JsonNode? TryReadBeside(string tokenizer, string name)
    {
        var path = Path.Combine(Path.GetDirectoryName(CheckpointFile.FullPath(tokenizer)) ?? "", name);
        return CheckpointFolder.IsThere(path)
            ? new JsonNode(CheckpointJson.ParseObject(path, CheckpointFile.ReadAll(path, MaxFileSize, out _)), path, "")
            : null;
    }

    /// <summary>A token's text, which is written as a string or as the object of the token.</summary>
    public static string TokenText(JsonNode node) => node.IsText ? node.Text() : node.Get("content").Text();
}
