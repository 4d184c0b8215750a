using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using SpecDecode.Hosting;

namespace SpecDecode.Tests.Documentation;

/// <summary>What the pages show is true: code compiles, configuration is valid, links lead somewhere.</summary>
public sealed class SnippetTests
{
    private const string ImplicitUsings = """
        global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq;
        global using System.Net.Http; global using System.Threading; global using System.Threading.Tasks;
        """;

    [Fact]
    public void Every_csharp_block_compiles_without_a_warning()
    {
        MetadataReference[] references =
        [
            .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
                .Where(path => !Path.GetFileName(path).StartsWith("SpecDecode.Tests", StringComparison.Ordinal))
                .Select(path => MetadataReference.CreateFromFile(path)),
        ];
        CSharpParseOptions parsing = new(LanguageVersion.Latest);
        MarkdownBlock[] blocks = [.. MarkdownBlocks.Of("csharp")];
        Assert.True(blocks.Length >= 3, "The pages show code.");
        StringBuilder wrong = new();
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        foreach (MarkdownBlock block in blocks)
        {
            CSharpCompilation compilation = CSharpCompilation.Create(
                "Snippet",
                [
                    CSharpSyntaxTree.ParseText(ImplicitUsings, parsing, cancellationToken: cancellationToken),
                    CSharpSyntaxTree.ParseText(block.Text, parsing, cancellationToken: cancellationToken),
                ],
                references,
                new CSharpCompilationOptions(OutputKind.ConsoleApplication, nullableContextOptions: NullableContextOptions.Enable));
            foreach (Diagnostic diagnostic in compilation.GetDiagnostics(cancellationToken)
                .Where(diagnostic => diagnostic.Severity is DiagnosticSeverity.Error or DiagnosticSeverity.Warning && !IsLeftOpen(diagnostic)))
            {
                wrong.AppendLine(System.Globalization.CultureInfo.InvariantCulture, $"{block.Page}, line {block.Line}: {diagnostic}");
            }
        }

        Assert.Equal("", wrong.ToString());
    }

    [Fact]
    public void Every_section_of_configuration_is_valid()
    {
        MarkdownBlock[] blocks = [.. MarkdownBlocks.Of("json").Where(block => block.Text.Contains("\"SpecDecode\":", StringComparison.Ordinal))];
        Assert.NotEmpty(blocks);
        foreach (MarkdownBlock block in blocks)
        {
            using MemoryStream json = new(Encoding.UTF8.GetBytes(block.Text));
            using ServiceProvider services = new ServiceCollection()
                .AddSpecDecode(new ConfigurationBuilder().AddJsonStream(json).Build().GetSection("SpecDecode"))
                .BuildServiceProvider();
            Assert.NotEmpty(services.GetRequiredService<IOptions<SpecDecodeOptions>>().Value.Model.Path);
        }
    }

    [Fact]
    public void Every_link_to_a_file_leads_to_one()
    {
        StringBuilder wrong = new();
        foreach (string page in MarkdownBlocks.Pages)
        {
            string text = File.ReadAllText(Path.Combine(TestFolders.Repository, page));
            foreach (System.Text.RegularExpressions.Match link in System.Text.RegularExpressions.Regex.Matches(text, @"\]\(([^)#\s]+)[^)]*\)"))
            {
                string target = link.Groups[1].Value;
                if (!target.Contains("://", StringComparison.Ordinal)
                    && !Path.Exists(Path.Combine(TestFolders.Repository, Path.GetDirectoryName(page)!, target)))
                {
                    wrong.AppendLine(System.Globalization.CultureInfo.InvariantCulture, $"{page}: {target}");
                }
            }
        }

        Assert.Equal("", wrong.ToString());
    }

    // A function that is shown and not called.
    private static bool IsLeftOpen(Diagnostic diagnostic) => diagnostic.Id is "CS8321";
}
