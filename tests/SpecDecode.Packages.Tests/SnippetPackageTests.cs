using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using SpecDecode.Tests.Documentation;

namespace SpecDecode.Tests.Packages;

/// <summary>Code on a page compiles with the packages that stand above it (<c>packages: `A`, `B`</c>), with what they bring and nothing else.</summary>
public sealed partial class SnippetPackageTests(PackedFeed feed)
{
    // What a console project has by itself.
    private const string ImplicitUsings = """
        global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq;
        global using System.Net.Http; global using System.Threading; global using System.Threading.Tasks;
        """;

    [Fact]
    public async Task Every_csharp_block_compiles_with_the_packages_that_its_page_names_above_it()
    {
        StringBuilder wrong = new();
        int compiled = 0, set = 0;
        foreach (IGrouping<string, MarkdownBlock> group in MarkdownBlocks.Of("csharp").GroupBy(PackagesAbove))
        {
            if (group.Key.Length == 0)
            {
                foreach (MarkdownBlock block in group)
                {
                    wrong.AppendLine(CultureInfo.InvariantCulture, $"{block.Page}, line {block.Line}: no line above it names its packages, such as 'Packages: `SpecDecode`, `Microsoft.ML.OnnxRuntime`.'");
                }

                continue;
            }

            Consumer consumer = new(feed, $"Snippets{++set}", "Microsoft.NET.Sdk", group.Key.Split(' ').Select(id => (id, Version(id))));
            string json = (await consumer.DotnetAsync("msbuild", "-restore", "-v:quiet", "-t:ResolveReferences", "-getItem:ReferencePath")).Succeeded();
            MetadataReference[] references = [.. JsonElement.Parse(json).GetProperty("Items").GetProperty("ReferencePath").EnumerateArray()
                .Select(item => MetadataReference.CreateFromFile(item.GetProperty("FullPath").GetString()!))];
            foreach (MarkdownBlock block in group)
            {
                compiled++;
                foreach (Diagnostic diagnostic in Compile(block, references).GetDiagnostics(TestContext.Current.CancellationToken)
                    .Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error))
                {
                    wrong.AppendLine(CultureInfo.InvariantCulture, $"{block.Page}, line {block.Line}, with {group.Key}: {diagnostic}");
                }
            }
        }

        Assert.True(wrong.Length == 0, wrong.ToString());
        Assert.True(compiled >= 10, $"{compiled} blocks were compiled.");
    }

    // Of a page's lines above the block the last that names packages.
    private static string PackagesAbove(MarkdownBlock block)
    {
        string above = string.Join('\n', File.ReadLines(Path.Combine(TestFolders.Repository, block.Page)).Take(block.Line - 1));
        Match? named = PackageList().Matches(above).LastOrDefault();
        return named is null ? "" : string.Join(' ', Name().Matches(named.Value).Select(name => name.Groups[1].Value).Order(StringComparer.Ordinal));
    }

    // Ours as they were packed, others as the repository has them.
    private static string Version(string id)
    {
        if (id.StartsWith("SpecDecode", StringComparison.Ordinal))
        {
            return Built.Version;
        }

        XDocument central = XDocument.Load(Path.Combine(TestFolders.Repository, "Directory.Packages.props"));
        string version = (string?)central.Descendants("PackageVersion").FirstOrDefault(package => (string?)package.Attribute("Include") == id)?.Attribute("Version")
            ?? throw new InvalidOperationException($"Directory.Packages.props has no version of {id}.");
        return Property().Replace(version, property => central.Descendants(property.Groups[1].Value).First().Value);
    }

    private static CSharpCompilation Compile(MarkdownBlock block, MetadataReference[] references)
    {
        CSharpParseOptions parsing = new(LanguageVersion.Latest);
        SyntaxTree code = CSharpSyntaxTree.ParseText(block.Text, parsing);
        bool isProgram = code.GetRoot().ChildNodes().Any(node => node is Microsoft.CodeAnalysis.CSharp.Syntax.GlobalStatementSyntax);
        return CSharpCompilation.Create(
            $"Snippet {block.Line}", [CSharpSyntaxTree.ParseText(ImplicitUsings, parsing), code], references,
            new CSharpCompilationOptions(
                isProgram ? OutputKind.ConsoleApplication : OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable));
    }

    [GeneratedRegex(@"[Pp]ackages?:\s+`[\w.]+`(,\s+`[\w.]+`)*")]
    private static partial Regex PackageList();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Name();

    [GeneratedRegex(@"\$\((\w+)\)")]
    private static partial Regex Property();
}
