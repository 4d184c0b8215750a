using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using SpecDecode.Tests.Documentation;

namespace SpecDecode.Tests.Packages;

/// <summary>Projects that are made from a page and the packages alone.</summary>
public sealed class LibraryConsumerTests(PackedFeed feed)
{
    [Fact]
    public async Task The_readmes_program_builds_without_a_warning_and_tells_its_story()
    {
        Consumer consumer = new(feed, "Teller", "Microsoft.NET.Sdk",
        [
            ("SpecDecode", Built.Version), ("Microsoft.ML.OnnxRuntime", Built.OnnxRuntimeVersion), ("Microsoft.Extensions.Hosting", Built.ExtensionsVersion),
        ]);
        consumer.Write("Program.cs", Page.Block("README.md", "csharp"));
        consumer.Write("appsettings.json", Page.Settings(feed));
        await consumer.BuildAsync();

        string output = (await consumer.DotnetAsync(consumer.Program, "--Logging:LogLevel:Default=None")).Succeeded();
        Assert.StartsWith(", there was a little girl named Lily.", output, StringComparison.Ordinal);
        Assert.Matches(@"\n.+ \(\w+, [\d.,]+ tokens/s\)\n$", output);

        // From a folder without appsettings.json, and with a wrong option: one sentence, and nothing of a trace.
        foreach ((string folder, string option, string sentence) in ((string, string, string)[])[
            (feed.Root, "--environment=Production", $"SpecDecode:Model:Path is not set: give the folder of a checkpoint (config.json, model.safetensors, tokenizer.json). There is no section SpecDecode in the configuration; the content root is {feed.Root}, its files: appsettings.json (not there), appsettings.Production.json (not there)"),
            (consumer.Folder, "--SpecDecode:Drafting:ExitLayer=40", "SpecDecode:Drafting:ExitLayer is 40, but the model has 12 layers: give 1 to 12."),
            (consumer.Folder, "--SpecDecode:Model:Path=/nowhere", "SpecDecode:Model:Path: /nowhere: does not exist or may not be read; give the folder of a downloaded checkpoint"),
        ])
        {
            Run run = await ChildProcess.RunAsync(folder, "dotnet", consumer.Program, option);
            Assert.Equal(1, run.ExitCode);
            Assert.StartsWith(sentence, run.Error, StringComparison.Ordinal);
            Assert.Single(run.Error.TrimEnd('\n').Split('\n'));
            Assert.DoesNotContain("   at ", run.Output, StringComparison.Ordinal);
        }

        string schema = Assert.Single(await consumer.ItemsAsync("JsonSchemaSegment"), path => path.Contains("specdecode", StringComparison.OrdinalIgnoreCase));
        Assert.Equal(await File.ReadAllTextAsync(Path.Combine(TestFolders.Repository, "src", "SpecDecode", "ConfigurationSchema.json"), TestContext.Current.CancellationToken),
            await File.ReadAllTextAsync(schema, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void The_readme_names_the_packages_and_the_tested_version_of_ONNX_Runtime()
    {
        string commands = string.Join('\n', MarkdownBlocks.Of("sh").Where(block => block.Page == "README.md").Select(block => block.Text));
        Assert.Contains("dotnet add package SpecDecode --prerelease\n", commands, StringComparison.Ordinal);
        Assert.Contains($"dotnet add package Microsoft.ML.OnnxRuntime --version {Built.OnnxRuntimeVersion}\n", commands, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_text_package_does_what_its_page_shows_without_any_native_library()
    {
        Consumer consumer = new(feed, "Reader", "Microsoft.NET.Sdk", [("SpecDecode.Text", Built.Version)]);
        consumer.Write("Program.cs", Page.Block("src/SpecDecode.Text/README.md", "csharp"));
        await consumer.BuildAsync();

        // The page names the story model as one finds it from the repository's root.
        Run run = await ChildProcess.RunAsync(TestFolders.Repository, "dotnet", consumer.Program);
        Assert.Equal(Page.Block("src/SpecDecode.Text/README.md", "text"), run.Succeeded().TrimEnd('\n'));
        string[] files = Directory.GetFiles(consumer.Output, "*", SearchOption.AllDirectories);
        Assert.Contains(files, file => Path.GetFileName(file) == "SpecDecode.Text.dll");
        Assert.DoesNotContain(files, file => file.Contains("onnx", StringComparison.OrdinalIgnoreCase) || Path.GetExtension(file) is ".so" or ".dylib");
        Assert.All(files.Where(file => Path.GetExtension(file) == ".dll"), file => Assert.NotEmpty(AssemblyName.GetAssemblyName(file).FullName));
    }

    [Fact]
    public async Task An_application_for_no_runtime_in_particular_runs_the_code_for_its_machine()
    {
        Consumer consumer = new(feed, "Locator", "Microsoft.NET.Sdk", [("SpecDecode.Text", Built.Version)]);
        consumer.Write("Program.cs", "Console.WriteLine(typeof(SpecDecode.Tokenizers.TextTokenizer).Assembly.Location);");
        await consumer.BuildAsync();

        string location = (await consumer.DotnetAsync(consumer.Program)).Succeeded().TrimEnd('\n');
        string runtime = RuntimeInformation.RuntimeIdentifier;
        Assert.Equal(
            PrecompiledCode.Runtimes.Contains(runtime) ? PrecompiledCode.MachineOf(runtime) : null,
            PrecompiledCode.Read(await File.ReadAllBytesAsync(location, TestContext.Current.CancellationToken)).Machine);
    }

    [Fact]
    public async Task A_project_of_an_older_framework_is_told_so_by_NuGet()
    {
        Consumer consumer = new(feed, "Older", "Microsoft.NET.Sdk", [("SpecDecode", Built.Version)], framework: "net8.0");
        consumer.Write("Program.cs", "System.Console.WriteLine();");

        // The framework itself does not come into it.
        Run run = await consumer.DotnetAsync("build", "-tl:off", "-p:DisableImplicitFrameworkReferences=true");
        Assert.NotEqual(0, run.ExitCode);
        Assert.Contains($"NU1202: Package SpecDecode {Built.Version} is not compatible with net8.0", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("error CS", run.Output, StringComparison.Ordinal);
    }
}

/// <summary>Blocks of the project's pages.</summary>
internal static class Page
{
    /// <summary>The one block of a language, or the first.</summary>
    public static string Block(string page, string language) => MarkdownBlocks.Of(language).First(block => block.Page == page).Text;

    /// <summary>The README's settings for the story model where it lies, with a cache that is removed with the feed.</summary>
    public static string Settings(PackedFeed feed)
    {
        JsonNode settings = JsonNode.Parse(Block("README.md", "json"))!;
        JsonNode model = settings["SpecDecode"]!["Model"]!;
        model["Path"] = TestFolders.StoryModel;
        model["CacheFolder"] = Path.Combine(feed.Root, "weights");
        return settings.ToJsonString();
    }
}
