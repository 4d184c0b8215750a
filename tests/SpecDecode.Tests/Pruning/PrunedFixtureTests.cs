using System.Text.Json;
using SpecDecode.Checkpoints;
using SpecDecode.Evaluation;
using SpecDecode.Generation;
using SpecDecode.Plans;
using SpecDecode.Pruning;
using SpecDecode.Tests.Reference;

namespace SpecDecode.Tests.Pruning;

/// <summary>A pruned folder, loaded as any other, computes what the whole model computes without the layers.</summary>
public sealed class PrunedFixtureTests : IDisposable
{
    // Of logits around 1; both run the same kernels over the same rows.
    private const double Tolerance = 1e-5;

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Folders => FixtureTests.Folders;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Folders))]
    public void Logits_are_those_of_the_whole_model_without_the_layers_in_every_family(string fixture)
    {
        string source = Path.Combine(TestFolders.Fixtures, fixture);
        using TextModel whole = Load(source);
        int[] tokens = Expectation.Integers(JsonDocument.Parse(File.ReadAllBytes(Path.Combine(source, "expected.json"))).RootElement.GetProperty("tokens"));
        foreach (int[] dropped in DropSets(whole.LayerCount))
        {
            string output = _folder.File(string.Join('-', dropped));
            PrunedModel result = LayerPruning.Prune(source, dropped, output, cancellationToken: TestContext.Current.CancellationToken);
            Assert.Equal(Enumerable.Range(0, whole.LayerCount).Except(dropped), result.Kept);
            using TextModel pruned = Load(output);
            Assert.Equal(result.Kept.Count, pruned.LayerCount);
            LogitsResult expected = whole.Evaluate(tokens, LayerPlan.LayerSkip(whole.LayerCount, dropped, dropped), TestContext.Current.CancellationToken);
            LogitsResult actual = pruned.Evaluate(tokens, cancellationToken: TestContext.Current.CancellationToken);
            Assert.Equal(expected.ArgMaxPerPosition, actual.ArgMaxPerPosition);
            double difference = expected.LastLogits.Zip(actual.LastLogits, (one, other) => Math.Abs((double)one - other)).Max();
            Assert.True(difference <= Tolerance, $"{fixture} without {string.Join(", ", dropped)}: logits differ by {difference:e1}");
        }
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void Tensors_are_the_originals_byte_for_byte_and_lie_in_as_many_files(string fixture)
    {
        string source = Path.Combine(TestFolders.Fixtures, fixture);
        string output = _folder.File("pruned");
        PrunedModel result = LayerPruning.Prune(source, [1], output, cancellationToken: TestContext.Current.CancellationToken);
        using Checkpoint whole = Checkpoint.Open(source);
        using Checkpoint pruned = Checkpoint.Open(output);
        int found = 0;
        foreach (TensorEntry tensor in whole.Tensors.Values)
        {
            string name = tensor.Name.Split("layers.") is [var prefix, var rest]
                ? $"{prefix}layers.{Renumbered(rest.Split('.', 2)[0])}.{rest.Split('.', 2)[1]}" : tensor.Name;
            if (!name.Contains("layers.gone.", StringComparison.Ordinal))
            {
                TensorEntry copy = pruned.Tensors[name];
                Assert.Equal(tensor.DType, copy.DType);
                Assert.Equal(tensor.Shape.AsEnumerable(), copy.Shape);
                Assert.Equal(Bytes(tensor), Bytes(copy));
                found++;
            }
        }

        Assert.Equal(found, pruned.Tensors.Count);
        Assert.Equal(pruned.Tensors.Values.Sum(tensor => tensor.Length), result.Bytes);
        Assert.Equal(whole.WeightFiles.Select(file => Path.GetFileName(file.Path)), pruned.WeightFiles.Select(file => Path.GetFileName(file.Path)));
        Assert.All(pruned.WeightFiles, file => Assert.Equal("pt", file.Metadata["format"]));

        static string Renumbered(string layer) => layer switch { "0" => "0", "1" => "gone", _ => $"{int.Parse(layer, System.Globalization.CultureInfo.InvariantCulture) - 1}" };
    }

    // Each layer alone; every other one, which shifts rules that go by number; and all but the last.
    private static IEnumerable<int[]> DropSets(int layers) =>
    [
        .. Enumerable.Range(0, layers).Select(layer => (int[])[layer]), [.. Enumerable.Range(0, layers).Where(layer => layer % 2 == 0)],
        [.. Enumerable.Range(0, layers - 1)],
    ];

    private static byte[] Bytes(TensorEntry tensor) => File.ReadAllBytes(tensor.File)[(int)tensor.Offset..(int)(tensor.Offset + tensor.Length)];

    private static TextModel Load(string folder) => PlainModel.Load(folder, new ModelOptions { CacheFolder = TestFolders.WeightCache });
}
