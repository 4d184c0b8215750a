namespace SpecDecode.Tests.Documentation;

/// <summary>A fenced block of a page.</summary>
internal sealed record MarkdownBlock(string Page, int Line, string Language, string Text);

/// <summary>The project's pages and their fenced blocks.</summary>
internal static class MarkdownBlocks
{
    public static IEnumerable<string> Pages => Directory
        .EnumerateFiles(TestFolders.Repository, "*.md", SearchOption.AllDirectories)
        .Select(path => Path.GetRelativePath(TestFolders.Repository, path).Replace('\\', '/'))
        .Where(path => !path.Split('/').Any(part => part is "bin" or "obj" or "artifacts" or ".git"))
        .Order();

    public static IEnumerable<MarkdownBlock> Of(string language) => Pages.SelectMany(Read).Where(block => block.Language == language);

    private static IEnumerable<MarkdownBlock> Read(string page)
    {
        string[] lines = File.ReadAllLines(Path.Combine(TestFolders.Repository, page));
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].StartsWith("```", StringComparison.Ordinal))
            {
                int end = Array.FindIndex(lines, i + 1, line => line.StartsWith("```", StringComparison.Ordinal));
                Assert.True(end > i, $"{page}, line {i + 1}: the block does not end.");
                yield return new MarkdownBlock(page, i + 1, lines[i][3..].Trim(), string.Join('\n', lines[(i + 1)..end]));
                i = end;
            }
        }
    }
}
