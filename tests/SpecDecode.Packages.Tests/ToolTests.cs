using SpecDecode.Tests.Documentation;

namespace SpecDecode.Tests.Packages;

public sealed class ToolTests(PackedFeed feed)
{
    private const string ReadmePage = "src/SpecDecode.Tool/README.md";

    [Fact]
    public async Task The_installed_command_prints_what_its_page_says()
    {
        string tools = Path.Combine(feed.Root, "tools");
        (await ChildProcess.RunAsync(
            feed.Root, "dotnet", "tool", "install", "SpecDecode.Tool", "--version", Built.Version, "--source", feed.Feed, "--tool-path", tools)).Succeeded();

        string[] words = Words(MarkdownBlocks.Of("sh").First(block => block.Page == ReadmePage).Text);
        Assert.Equal("specdecode", words[0]);
        string command = Path.Combine(tools, OperatingSystem.IsWindows() ? "specdecode.exe" : "specdecode");
        Run run = await ChildProcess.RunAsync(
            TestFolders.Repository, command, [.. words[1..], "--cache-folder", Path.Combine(feed.Root, "tool-weights")]);
        Assert.Equal(Page.Block(ReadmePage, "text"), run.Succeeded().TrimEnd('\n'));
    }

    // A command line of words and of texts in double quotes.
    private static string[] Words(string line) =>
        [.. line.Trim().Split('"').SelectMany((part, i) => i % 2 == 1 ? [part] : part.Split(' ', StringSplitOptions.RemoveEmptyEntries))];
}
