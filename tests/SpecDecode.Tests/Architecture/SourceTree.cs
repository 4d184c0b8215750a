using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SpecDecode.Tests.Architecture;

/// <summary>One place in the sources where a folder uses another.</summary>
/// <param name="From">The folder that uses; empty for a project's own.</param>
/// <param name="To">The folder that is used.</param>
/// <param name="Where">File and line.</param>
/// <param name="What">The using, or the name.</param>
internal sealed record FolderUse(string From, string To, string Where, string What)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Where}: {(From.Length == 0 ? "the root" : From)} uses {To} by '{What}'";
}

/// <summary>
/// The sources of the libraries, compiled in memory: which folder uses which, by using directives (global and static ones and
/// aliases too, also where nothing comes of them) and by what every name in the code stands for, qualified or not. Comments are
/// no uses.
/// </summary>
internal sealed class SourceTree
{
    private static readonly CSharpParseOptions Parsing = new(LanguageVersion.Latest, DocumentationMode.None);

    private readonly CSharpCompilation _compilation;
    private readonly Dictionary<string, string> _folderOfFile;

    private SourceTree(CSharpCompilation compilation, Dictionary<string, string> folderOfFile)
    {
        _compilation = compilation;
        _folderOfFile = folderOfFile;
    }

    /// <summary>Every folder that has sources, as <c>OnnxRuntime/Graphs</c>.</summary>
    public IEnumerable<string> Folders => _folderOfFile.Values.Distinct(StringComparer.Ordinal);

    /// <summary>Reads the sources of projects, whose folders are one tree.</summary>
    /// <param name="projects">The projects' folders.</param>
    public static SourceTree Read(IReadOnlyList<string> projects)
    {
        Dictionary<string, string> texts = new(StringComparer.Ordinal);
        Dictionary<string, string> folders = new(StringComparer.Ordinal);
        foreach (string project in projects)
        {
            foreach (string file in Directory.EnumerateFiles(project, "*.cs", SearchOption.AllDirectories))
            {
                string path = Path.GetRelativePath(project, file).Replace('\\', '/');
                if (!path.StartsWith("bin/", StringComparison.Ordinal) && !path.StartsWith("obj/", StringComparison.Ordinal))
                {
                    texts[path] = File.ReadAllText(file);
                    folders[path] = FolderOf(path);
                }
            }
        }

        // The projects' implicit usings name the framework only.
        const string ImplicitUsings =
            "global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq; global using System.Net.Http; global using System.Threading; global using System.Threading.Tasks;";
        IEnumerable<SyntaxTree> trees = texts.Select(file => CSharpSyntaxTree.ParseText(file.Value, Parsing, file.Key))
            .Append(CSharpSyntaxTree.ParseText(ImplicitUsings, Parsing, "implicit usings"));
        string loaded = (string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!;
        IEnumerable<PortableExecutableReference> references = loaded.Split(Path.PathSeparator)
            .Where(path => !Path.GetFileName(path).StartsWith("SpecDecode", StringComparison.Ordinal))
            .Select(path => MetadataReference.CreateFromFile(path));
        return new SourceTree(
            CSharpCompilation.Create("sources", trees, references, new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, allowUnsafe: true)),
            folders);
    }

    /// <summary>The same with further files, which are not there.</summary>
    /// <param name="planted">Path below a project, and text.</param>
    public SourceTree With(params (string Path, string Text)[] planted) => new(
        _compilation.AddSyntaxTrees(planted.Select(file => CSharpSyntaxTree.ParseText(file.Text, Parsing, file.Path))),
        _folderOfFile.Concat(planted.Select(file => KeyValuePair.Create(file.Path, FolderOf(file.Path)))).ToDictionary());

    /// <summary>All uses of one folder by another.</summary>
    /// <param name="file">The file in which they stand; null for all.</param>
    public IEnumerable<FolderUse> Uses(string? file = null) => _compilation.SyntaxTrees
        .Where(tree => _folderOfFile.ContainsKey(tree.FilePath) && (file ?? tree.FilePath) == tree.FilePath)
        .AsParallel()
        .SelectMany(tree => Uses(tree).ToList());

    private static string FolderOf(string path) => Path.GetDirectoryName(path)!.Replace('\\', '/');

    private static string Where(SyntaxNode node) =>
        $"{node.SyntaxTree.FilePath}({node.GetLocation().GetLineSpan().StartLinePosition.Line + 1})";

    private IEnumerable<FolderUse> Uses(SyntaxTree tree)
    {
        SemanticModel model = _compilation.GetSemanticModel(tree);
        string from = _folderOfFile[tree.FilePath];
        HashSet<(string, string)> seen = [];
        foreach (SyntaxNode node in tree.GetRoot().DescendantNodes())
        {
            IEnumerable<string> used = node switch
            {
                UsingDirectiveSyntax { NamespaceOrType: { } name } => FoldersOf(model.GetSymbolInfo(name).Symbol),
                SimpleNameSyntax name when name.FirstAncestorOrSelf<UsingDirectiveSyntax>() is null && !IsDeclared(name) =>
                    FoldersOf(model.GetSymbolInfo(name).Symbol is INamespaceSymbol ? null : model.GetSymbolInfo(name).Symbol),
                _ => [],
            };
            foreach (string to in used)
            {
                if (to != from && seen.Add((to, node.ToString())))
                {
                    yield return new FolderUse(from, to, Where(node), node.ToString());
                }
            }
        }
    }

    private static bool IsDeclared(SimpleNameSyntax name) => name.FirstAncestorOrSelf<BaseNamespaceDeclarationSyntax>()?.Name.Span.Contains(name.Span) == true;

    // Where a symbol is declared: for a namespace every folder with files that declare types right in it.
    private IEnumerable<string> FoldersOf(ISymbol? symbol) => symbol switch
    {
        null => [],
        INamespaceSymbol space => space.GetTypeMembers().SelectMany(type => FoldersOf(type)).Distinct(StringComparer.Ordinal),
        IAliasSymbol alias => FoldersOf(alias.Target),
        _ => (symbol as INamedTypeSymbol ?? symbol.ContainingType) is { } type
            ? type.OriginalDefinition.DeclaringSyntaxReferences.Select(reference => _folderOfFile.GetValueOrDefault(reference.SyntaxTree.FilePath))
                .OfType<string>().Distinct(StringComparer.Ordinal)
            : [],
    };
}
