namespace SpecDecode.Weights;

/// <summary>What lies beside a checkpoint's weights and goes with it: configuration, tokenizer, chat template, licence, bridges of a drafting profile.</summary>
internal static class SmallFiles
{
    // More than any configuration, vocabulary or licence; what is larger is weights of some kind.
    private const long MaxLength = 256 << 20;

    private static readonly string[] Endings = [".json", ".jinja", ".model", ".tiktoken", ".txt", ".md", ".bridges", ""];

    /// <summary>The files of a folder, itself alone. What has no bytes is left out: a named pipe would wait for its writer for ever.</summary>
    /// <param name="folder">The folder.</param>
    public static IEnumerable<FileInfo> Find(string folder) => new DirectoryInfo(folder).EnumerateFiles().Where(file =>
        Endings.Contains(file.Extension.ToLowerInvariant()) && !file.Name.StartsWith('.')
        && !file.Name.EndsWith(".index.json", StringComparison.OrdinalIgnoreCase) && file.Length is > 0 and <= MaxLength);
}
