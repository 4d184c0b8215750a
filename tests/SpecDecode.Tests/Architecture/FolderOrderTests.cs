using System.Xml.Linq;

namespace SpecDecode.Tests.Architecture;

/// <summary>
/// One way down: the folders have an order, and each uses only what stands before it. A new folder is entered here and in
/// docs/architecture.md.
/// </summary>
public class FolderOrderTests
{
    // From the bottom up. The subfolders of the text library are one with the folder that they are in.
    private static readonly string[] Order =
    [
        "",
        "Checkpoints",
        "Tokenizers",
        "ChatTemplates",
        "Grammars",
        "Replies",
        "Limits",
        "Descriptions",
        "Kernels",
        "Families",
        "Weights",
        "Plans",
        "Caching",
        "Stages",
        "Sampling",
        "Drafting",
        "Constraints",
        "Stops",
        "Sequences",
        "Speculation",
        "Scheduling",
        "Evaluation",
        "Calibration",
        "LayerSearch",
        "Pruning",
        "OnnxRuntime/Memory",
        "OnnxRuntime/ModelFormat",
        "OnnxRuntime",
        "OnnxRuntime/Operators",
        "OnnxRuntime/Graphs",
        "OnnxRuntime/Stages",
        "Models",
        "Diagnostics",
        "Generation",
        "Hosting",
    ];

    private static readonly string[] Projects =
        [Path.Combine(TestFolders.Repository, "src", "SpecDecode"), Path.Combine(TestFolders.Repository, "src", "SpecDecode.Text")];

    private static readonly Lazy<SourceTree> Tree = new(() => SourceTree.Read(Projects));
    private static readonly Lazy<IReadOnlyList<FolderUse>> Uses = new(() => [.. Tree.Value.Uses()]);

    [Fact]
    public void Each_folder_uses_only_what_stands_before_it() => Assert.Empty(WrongWay(Uses.Value));

    [Fact]
    public void Every_folder_has_its_place()
    {
        Assert.Equal(Order.Order(StringComparer.Ordinal), Tree.Value.Folders.Select(Unit).Distinct().Order(StringComparer.Ordinal));
        Assert.All(Order, folder => Assert.True(
            folder.Length == 0 || Uses.Value.Any(use => Unit(use.From) == folder || Unit(use.To) == folder), $"Nothing was found about {folder}."));
    }

    [Fact]
    public void The_page_about_the_architecture_lists_the_folders_in_this_order()
    {
        IEnumerable<string> listed = File.ReadLines(Path.Combine(TestFolders.Repository, "docs", "architecture.md"))
            .SkipWhile(line => !line.StartsWith("| folder |", StringComparison.Ordinal)).Skip(2).TakeWhile(line => line.StartsWith('|'))
            .Select(line => line.Split('|')[1].Trim())
            .Where(cell => cell.StartsWith('`'))
            .Select(cell => Unit(cell.Split('`')[1]));
        Assert.Equal(Order.Where(folder => folder.Length > 0), listed.Distinct());
    }

    [Fact]
    public void The_engine_and_the_stages_know_nothing_of_each_other_but_the_contract()
    {
        string[] engine = ["Sampling", "Drafting", "Constraints", "Stops", "Sequences", "Speculation", "Scheduling", "Evaluation", "Calibration", "LayerSearch", "Pruning"];
        Assert.DoesNotContain(Uses.Value, use => engine.Contains(use.From) && Touches(use.To, "OnnxRuntime", "Models", "Diagnostics"));
        Assert.DoesNotContain(Uses.Value, use => Touches(use.From, "OnnxRuntime") && engine.Contains(use.To));
        Assert.DoesNotContain(Uses.Value, use => use.From == "Diagnostics" && Touches(use.To, "OnnxRuntime", "Models"));

        static bool Touches(string folder, params string[] roots) => roots.Any(root => folder == root || folder.StartsWith(root + "/", StringComparison.Ordinal));
    }

    [Fact]
    public void No_project_brings_a_folder_in_for_all_its_files()
    {
        // A global using in a project file or in what it imports is a use by every folder.
        IEnumerable<string> files = Projects.Select(project => Directory.GetFiles(project, "*.csproj").Single())
            .Concat(["Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props", "src/Directory.Build.props", "src/Directory.Build.targets"])
            .Select(file => Path.Combine(TestFolders.Repository, file))
            .Where(File.Exists);
        Assert.DoesNotContain(
            files.SelectMany(file => XDocument.Load(file).Descendants("Using")),
            item => ((string?)item.Attribute("Include"))?.StartsWith("SpecDecode", StringComparison.Ordinal) == true);
    }

    [Theory]
    [InlineData("using SpecDecode.Hosting;\nnamespace SpecDecode.Sampling;\ninternal class Planted;")]
    [InlineData("global using SpecDecode.Hosting;")]
    [InlineData("using static SpecDecode.Hosting.SpecDecodeRegistration;\nnamespace SpecDecode.Sampling;\ninternal class Planted;")]
    [InlineData("using H = SpecDecode.Hosting.SpecDecodeOptions;\nnamespace SpecDecode.Sampling;\ninternal class Planted;")]
    [InlineData("namespace SpecDecode.Sampling;\nusing SpecDecode.Hosting;\ninternal class Planted;")]
    [InlineData("namespace SpecDecode.Sampling;\ninternal class Planted { public SpecDecode.Hosting.SpecDecodeOptions? Options; }")]
    [InlineData("namespace SpecDecode.Sampling;\ninternal class Planted { public global::SpecDecode.Hosting.SpecDecodeOptions? Options; }")]
    [InlineData("namespace SpecDecode.Sampling;\ninternal class Planted { public Hosting.SpecDecodeOptions? Options; }")]
    [InlineData("namespace SpecDecode.Sampling;\ninternal class Planted { public string Name => nameof(Scheduling.EngineStep); }")]
    [InlineData("namespace SpecDecode.Sampling;\ninternal class Planted { public object Make() => new Generation.GenerationRequest(); }")]
    public void A_use_that_is_planted_the_wrong_way_is_found(string source)
    {
        Assert.NotEmpty(WrongWay(Tree.Value.With(("Sampling/Planted.cs", source)).Uses("Sampling/Planted.cs")));
    }

    [Fact]
    public void A_use_of_what_comes_from_elsewhere_through_a_member_is_found()
    {
        // No name of the higher folder stands in the source: the member's own type is it.
        (string, string)[] planted =
        [
            ("Sampling/Planted.cs", "namespace SpecDecode.Sampling;\ninternal class Planted { public int Value => Planting.Of(this).Value; }"),
            ("Sampling/Planting.cs", "namespace SpecDecode.Sampling;\ninternal static class Planting { public static Hosting.Grown Of(object planted) => new(); }"),
            ("Hosting/Grown.cs", "namespace SpecDecode.Hosting;\ninternal class Grown { public int Value => 1; }"),
        ];
        Assert.NotEmpty(WrongWay(Tree.Value.With(planted).Uses("Sampling/Planted.cs")));
    }

    private static IEnumerable<FolderUse> WrongWay(IEnumerable<FolderUse> uses) =>
        uses.Where(use => Array.IndexOf(Order, Unit(use.From)) < Array.IndexOf(Order, Unit(use.To)));

    private static string Unit(string folder) =>
        folder.StartsWith("OnnxRuntime/", StringComparison.Ordinal) ? folder : folder.Split('/')[0];
}
