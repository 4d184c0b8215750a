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

    private static readonly Lazy<MetadataReference[]> References = new(() =>
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => !Path.GetFileName(path).StartsWith("SpecDecode.Tests", StringComparison.Ordinal))
            .Select(path => MetadataReference.CreateFromFile(path)),
    ]);

    [Fact]
    public void Every_csharp_block_compiles_without_a_warning()
    {
        MarkdownBlock[] blocks = [.. MarkdownBlocks.Of("csharp")];
        Assert.True(blocks.Length >= 3, "The pages show code.");
        StringBuilder wrong = new();
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        foreach (MarkdownBlock block in blocks)
        {
            foreach (Diagnostic diagnostic in Compile(block).GetDiagnostics(cancellationToken)
                .Where(diagnostic => diagnostic.Severity is DiagnosticSeverity.Error or DiagnosticSeverity.Warning && !IsLeftOpen(diagnostic)))
            {
                wrong.AppendLine(System.Globalization.CultureInfo.InvariantCulture, $"{block.Page}, line {block.Line}: {diagnostic}");
            }
        }

        Assert.Equal("", wrong.ToString());
    }

    [Fact]
    public async Task Every_test_that_a_page_shows_passes()
    {
        MarkdownBlock[] blocks = [.. MarkdownBlocks.Of("csharp").Where(block => block.Text.Contains("[Fact]", StringComparison.Ordinal))];
        Assert.NotEmpty(blocks);
        foreach (MarkdownBlock block in blocks)
        {
            using MemoryStream binary = new();
            Assert.True(Compile(block).Emit(binary, cancellationToken: TestContext.Current.CancellationToken).Success, block.Page);
            System.Reflection.MethodInfo[] tests = [.. System.Reflection.Assembly.Load(binary.ToArray()).GetTypes().SelectMany(type => type.GetMethods())
                .Where(method => method.IsDefined(typeof(FactAttribute), inherit: false))];
            Assert.Equal(block.Text.Split("[Fact]").Length - 1, tests.Length);
            foreach (System.Reflection.MethodInfo test in tests)
            {
                if (test.Invoke(Activator.CreateInstance(test.DeclaringType!), null) is Task running)
                {
                    await running;
                }
            }
        }
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
    public void No_page_sends_a_rendered_prompt_through_the_tokenizer_s_own_special_tokens_too()
    {
        // The template writes BOS already: with the tokenizer's it would be there twice.
        int found = 0;
        foreach (string page in MarkdownBlocks.Pages)
        {
            foreach (System.Text.RegularExpressions.Match call in System.Text.RegularExpressions.Regex.Matches(
                File.ReadAllText(Path.Combine(TestFolders.Repository, page)), @"Encode\([^)]*parseSpecialTokens: true[^)]*\)"))
            {
                found++;
                Assert.True(call.Value.Contains("addSpecialTokens: false", StringComparison.Ordinal), $"{page}: {call.Value}");
            }
        }

        Assert.True(found >= 1, $"{found} calls were found.");
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

    // A program where there are statements at the top, else a library.
    private static CSharpCompilation Compile(MarkdownBlock block)
    {
        CSharpParseOptions parsing = new(LanguageVersion.Latest);
        SyntaxTree code = CSharpSyntaxTree.ParseText(block.Text, parsing);
        bool isProgram = code.GetRoot().ChildNodes().Any(node => node is Microsoft.CodeAnalysis.CSharp.Syntax.GlobalStatementSyntax);
        return CSharpCompilation.Create(
            $"Snippet of {Path.GetFileNameWithoutExtension(block.Page)} {block.Line}",
            [CSharpSyntaxTree.ParseText(ImplicitUsings, parsing), code],
            References.Value,
            new CSharpCompilationOptions(
                isProgram ? OutputKind.ConsoleApplication : OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable));
    }

    // A function that is shown and not called.
    private static bool IsLeftOpen(Diagnostic diagnostic) => diagnostic.Id is "CS8321";
}
