using System.Text.RegularExpressions;

namespace SpecDecode.Tests.Packages;

public sealed class PackageContentTests(PackedFeed feed)
{
    private static readonly string[] OfEachPackage = ["LICENSE", "README.md", "THIRD-PARTY-NOTICES.md", "icon.png"];

    public static TheoryData<string> All => ["SpecDecode", "SpecDecode.AspNetCore", "SpecDecode.Extensions.AI", "SpecDecode.OpenTelemetry", "SpecDecode.Text", "SpecDecode.Tool"];

    [Fact]
    public void Each_package_comes_with_its_symbols_and_there_are_no_others() => Assert.Equal(
        All.Select(id => id.Data).SelectMany(id => (string[])[$"{id}.{Built.Version}.nupkg", $"{id}.{Built.Version}.snupkg"]).Order(StringComparer.Ordinal),
        Directory.EnumerateFiles(feed.Feed).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));

    [Theory]
    [InlineData("SpecDecode", "ConfigurationSchema.json", "DraftingProfileSchema.json", "buildTransitive/net10.0/SpecDecode.targets")]
    [InlineData("SpecDecode.Extensions.AI")]
    [InlineData("SpecDecode.OpenTelemetry")]
    [InlineData("SpecDecode.Text")]
    public void A_library_holds_its_assembly_with_documentation_and_nothing_that_strayed_in(string id, params string[] more) => Assert.Equal(
        OfEachPackage.Concat([$"{id}.nuspec", $"lib/net10.0/{id}.dll", $"lib/net10.0/{id}.xml", .. more])
            .Concat(PrecompiledCode.Runtimes.Select(runtime => $"runtimes/{runtime}/lib/net10.0/{id}.dll")).Order(StringComparer.Ordinal),
        feed.Open(id).Files);

    [Theory]
    [InlineData("SpecDecode")]
    [InlineData("SpecDecode.Extensions.AI")]
    [InlineData("SpecDecode.OpenTelemetry")]
    [InlineData("SpecDecode.Text")]
    public void A_library_is_IL_for_everybody_and_for_the_runtimes_it_is_meant_for_the_same_with_their_code(string id)
    {
        Package package = feed.Open(id);
        PrecompiledCode everybody = PrecompiledCode.Read(package.Bytes($"lib/net10.0/{id}.dll"));

        Assert.Null(everybody.Machine);
        Assert.All(PrecompiledCode.Runtimes, runtime => Assert.Equal(
            everybody with { Machine = PrecompiledCode.MachineOf(runtime) }, PrecompiledCode.Read(package.Bytes($"runtimes/{runtime}/lib/net10.0/{id}.dll"))));
    }

    [Fact]
    public void The_endpoints_are_IL_for_everybody()
    {
        // Code for a processor would have to be compiled against ASP.NET Core's frameworks, too.
        const string id = "SpecDecode.AspNetCore";
        Package package = feed.Open(id);
        Assert.Equal(
            OfEachPackage.Concat([$"{id}.nuspec", $"lib/net10.0/{id}.dll", $"lib/net10.0/{id}.xml", "ConfigurationSchema.json", $"buildTransitive/net10.0/{id}.targets"]).Order(StringComparer.Ordinal),
            package.Files);
        Assert.Null(PrecompiledCode.Read(package.Bytes($"lib/net10.0/{id}.dll")).Machine);
    }

    [Fact]
    public void The_tool_holds_what_runs_on_each_machine_that_has_a_command_line()
    {
        IReadOnlyList<string> files = feed.Open("SpecDecode.Tool").Files;
        string[] folders = [.. PrecompiledCode.Runtimes.Append("any").Order(StringComparer.Ordinal).Select(runtime => $"tools/net10.0/{runtime}/")];

        Assert.Equal(
            OfEachPackage.Append("SpecDecode.Tool.nuspec").Order(StringComparer.Ordinal),
            files.Where(file => !folders.Any(folder => file.StartsWith(folder, StringComparison.Ordinal))));
        Assert.Equal(
            ["any: win-arm64", "linux-arm64: linux-arm64", "linux-x64: linux-x64", "osx-arm64: osx-arm64", "win-x64: win-x64"],
            files.Select(file => Regex.Match(file, "^tools/net10.0/([^/]+)/runtimes/([^/]+)/native/(lib)?onnxruntime\\.(so|dylib|dll)$"))
                .Where(match => match.Success).Select(match => $"{match.Groups[1].Value}: {match.Groups[2].Value}"));
        Assert.DoesNotContain(files, file => Regex.IsMatch(file, "^tools/.*(\\.xml|\\.lib)$|runtimes/(android|ios)") && !file.EndsWith("/DotnetToolSettings.xml", StringComparison.Ordinal));

        // But for native libraries, and what debuggers read beside IL, all folders hold the same.
        string[] InFolder(string folder) => [.. files
            .Where(file => file.StartsWith(folder, StringComparison.Ordinal) && Path.GetExtension(file) != ".pdb").Select(file => file[folder.Length..])
            .Where(file => !file.StartsWith("runtimes/", StringComparison.Ordinal))];
        Assert.Contains("DotnetToolSettings.xml", InFolder(folders[0]));
        Assert.All(folders, folder => Assert.Equal(InFolder(folders[0]), InFolder(folder)));
    }

    [Fact]
    public void The_tools_folder_for_a_runtime_holds_code_for_it_of_what_the_command_starts_with()
    {
        Package package = feed.Open("SpecDecode.Tool");
        foreach (string name in (string[])["SpecDecode", "SpecDecode.Text", "SpecDecode.Tool", "System.CommandLine", "Microsoft.ML.OnnxRuntime", "System.IO.Hashing", "System.Numerics.Tensors"])
        {
            PrecompiledCode everybody = PrecompiledCode.Read(package.Bytes($"tools/net10.0/any/{name}.dll"));
            Assert.Null(everybody.Machine);
            Assert.All(PrecompiledCode.Runtimes, runtime => Assert.Equal(
                everybody with { Machine = PrecompiledCode.MachineOf(runtime) }, PrecompiledCode.Read(package.Bytes($"tools/net10.0/{runtime}/{name}.dll"))));
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void A_package_says_what_it_is_and_names_no_home_that_is_not_there(string id)
    {
        Package package = feed.Open(id);

        Assert.Equal(id, package.Value("id"));
        Assert.Equal(Built.Version, package.Value("version"));
        Assert.Equal("MIT", package.Value("license"));
        Assert.Equal("icon.png", package.Value("icon"));
        Assert.Equal("README.md", package.Value("readme"));
        Assert.NotEmpty(package.Value("description")!);
        Assert.Null(package.Value("projectUrl"));
        Assert.DoesNotContain(package.Metadata.Descendants().SelectMany(element => element.Attributes()), attribute => attribute.Name.LocalName == "url");
    }

    [Fact]
    public void Packages_of_ours_take_each_other_in_the_very_same_version()
    {
        Assert.Equal($"[{Built.Version}]", feed.Open("SpecDecode").Dependencies["SpecDecode.Text"]);
        Assert.All(
            (string[])["SpecDecode.AspNetCore", "SpecDecode.Extensions.AI", "SpecDecode.OpenTelemetry"],
            id => Assert.Equal($"[{Built.Version}]", feed.Open(id).Dependencies["SpecDecode"]));
        Assert.DoesNotContain(feed.Open("SpecDecode.AspNetCore").Dependencies.Keys, id => id.StartsWith("Microsoft.Extensions.AI", StringComparison.Ordinal));
        Assert.DoesNotContain(feed.Open("SpecDecode.Text").Dependencies.Keys, id => id.StartsWith("SpecDecode", StringComparison.Ordinal));
    }

    [Fact]
    public void Versions_are_previews_until_a_release() => Assert.Matches(@"^\d+\.\d+\.\d+(-preview\.\d+)?$", Built.Version);

    [Theory]
    [InlineData("SpecDecode", "README.md")]
    [InlineData("SpecDecode.AspNetCore", "src/SpecDecode.AspNetCore/README.md")]
    [InlineData("SpecDecode.Extensions.AI", "src/SpecDecode.Extensions.AI/README.md")]
    [InlineData("SpecDecode.OpenTelemetry", "src/SpecDecode.OpenTelemetry/README.md")]
    [InlineData("SpecDecode.Text", "src/SpecDecode.Text/README.md")]
    [InlineData("SpecDecode.Tool", "src/SpecDecode.Tool/README.md")]
    public void A_packages_page_is_the_projects_without_links_to_files_that_it_does_not_have(string id, string page)
    {
        string packed = feed.Open(id).Text("README.md");

        Assert.Equal(MarkdownPage.WithoutLinksToFiles(File.ReadAllText(Path.Combine(TestFolders.Repository, page))), packed);
        Assert.Empty(MarkdownPage.LinksToFiles(packed));
    }
}
