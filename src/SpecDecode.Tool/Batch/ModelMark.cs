using System.IO.Hashing;

namespace SpecDecode.Tool.Batch;

/// <summary>A hash by which a run notices that it is not gone on with by the same model: of the small files, and the beginning of each file of weights.</summary>
internal static class ModelMark
{
    private const int Beginning = 1 << 20;

    private static readonly string[] Small = ["config.json", "generation_config.json", "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "chat_template.jinja"];

    /// <summary>The hash.</summary>
    /// <param name="folder">The model's folder, which has been loaded.</param>
    public static ulong Of(string folder)
    {
        XxHash3 hash = new();
        byte[] piece = new byte[Beginning];
        IEnumerable<string> weights = Directory.EnumerateFiles(folder, "*.safetensors").Concat(Directory.EnumerateFiles(folder, "specdecode.weights"));
        foreach (string path in Small.Select(name => Path.Combine(folder, name)).Where(File.Exists).Concat(weights.Order(StringComparer.Ordinal)))
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            hash.Append(System.Text.Encoding.UTF8.GetBytes($"{Path.GetFileName(path)} {file.Length}\n"));
            hash.Append(piece.AsSpan(0, file.ReadAtLeast(piece, piece.Length, throwOnEndOfStream: false)));
        }

        return hash.GetCurrentHashAsUInt64();
    }
}
