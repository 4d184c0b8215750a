namespace SpecDecode.Tests.Packages;

/// <summary>One after the other: packing writes beside what is built.</summary>
public sealed class PackScriptTests(PackedFeed feed)
{
    [Fact]
    public async Task Packing_again_gives_the_same_bytes()
    {
        using TemporaryFolder again = new();
        (await PackedFeed.PackAsync(again.Path)).Succeeded();

        string[] packages = [.. Directory.EnumerateFiles(again.Path).Select(path => Path.GetFileName(path))];
        Assert.Equal(12, packages.Length);
        Assert.All(packages, name => Assert.True(
            File.ReadAllBytes(again.File(name)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(feed.Feed, name))), $"{name} differs."));
    }

    [Fact]
    public async Task With_a_home_packages_name_it_and_their_pages_lead_there()
    {
        using TemporaryFolder folder = new();
        const string Home = "https://example.org/specdecode";
        (await PackedFeed.PackAsync(folder.Path, $"-p:ProjectHome={Home}/", "-p:PreviewNumber=77")).Succeeded();

        Package package = new(folder.File("SpecDecode.Text.0.2.0-preview.77.nupkg"));
        Assert.Equal(Home + "/", package.Value("projectUrl"));
        Assert.Equal(Home + "/", (string?)package.Metadata.Elements().Single(element => element.Name.LocalName == "repository").Attribute("url"));
        string page = package.Text("README.md");
        Assert.Empty(MarkdownPage.LinksToFiles(page));
        Assert.Contains(Home + "/blob/HEAD/docs/user-guide.md#tokenizers", MarkdownPage.Links(page));
        Assert.All(
            MarkdownPage.Links(page).Where(link => link.StartsWith(Home, StringComparison.Ordinal)),
            link => Assert.True(Path.Exists(Path.Combine(TestFolders.Repository, link[(Home + "/blob/HEAD/").Length..].Split('#')[0])), link));
    }

    [Fact]
    public async Task What_cannot_be_packed_is_said_and_leaves_the_folder_as_it_was()
    {
        using TemporaryFolder folder = new();
        Run run = await PackedFeed.PackAsync(folder.Path, "-p:Configuration=NeverBuilt");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("cannot be packed", run.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public async Task Two_folders_are_refused()
    {
        using TemporaryFolder folder = new();
        Run run = await PackedFeed.PackAsync(folder.Path, "another");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("takes one folder", run.Error, StringComparison.Ordinal);
        Assert.Equal("", run.Output);
    }
}
