using System.Text.Json;
using SpecDecode.Evaluation;
using SpecDecode.Models;
using SpecDecode.Tests.Reference;

namespace SpecDecode.Tests.Evaluation;

/// <summary>What is measured of layers is what the reference computes (reference.py, layer_figures; NumPy in double precision).</summary>
public class LayerFixtureTests
{
    private const double Tolerance = 1e-4;

    private static readonly JsonElement Figures = JsonDocument.Parse(
        File.ReadAllBytes(Path.Combine(TestFolders.Repository, "tests", "SpecDecode.Tests", "Reference", "layers.json"))).RootElement;

    public static TheoryData<string> Folders => FixtureTests.Folders;

    [Theory]
    [MemberData(nameof(Folders))]
    public void Influence_agreement_and_exits_are_the_references(string fixture)
    {
        string folder = Path.Combine(TestFolders.Fixtures, fixture);
        int[] tokens = Expectation.Integers(JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "expected.json"))).RootElement.GetProperty("tokens"));
        JsonElement expected = Figures.GetProperty(fixture);

        // Read in one pass, and in pieces of which none ends where a text does.
        foreach (int rows in (int[])[256, 7])
        {
            using LoadedModel model = ModelLoader.Load(
                folder, new ModelOptions { CacheFolder = TestFolders.WeightCache }, new RuntimeOptions { MaxRowsPerPass = rows }, _ => { }, null,
                TestContext.Current.CancellationToken);
            double[] bytes = new double[2 * model.Stages.LayerCount];
            LayerReport report = LayerMeasuring.Run(model.Stages, [new ScoredSequence(tokens, 1)], bytes, progress: null, TestContext.Current.CancellationToken);

            Assert.Equal(tokens.Length - 1, report.Tokens);
            Assert.Equal(tokens.Length - 1, report.Positions);
            AssertClose(expected.GetProperty("perplexity").GetDouble(), report.Perplexity);
            JsonElement[] layers = [.. expected.GetProperty("layers").EnumerateArray()];
            Assert.Equal(layers.Length, report.Layers.Count);
            for (int i = 0; i < layers.Length; i++)
            {
                LayerFigures layer = report.Layers[i];
                Assert.Equal(i, layer.Layer);
                Assert.Equal(layers[i].GetProperty("block_influence").GetDouble(), layer.BlockInfluence, Tolerance);
                AssertClose(layers[i].GetProperty("exit_perplexity").GetDouble(), layer.ExitPerplexity);
                AssertAgreement(layers[i], "exit_agreement", "exit_near_ties", layer.ExitAgreement, report.Tokens);
                AssertBlock(layers[i].GetProperty("attention"), layer.Attention, report.Tokens);
                AssertBlock(layers[i].GetProperty("mlp"), layer.Mlp, report.Tokens);
            }

            Assert.Equal(1, report.Layers[^1].ExitAgreement);
            Assert.Equal(report.Perplexity, report.Layers[^1].ExitPerplexity);
            Assert.InRange(report.Layers.Sum(layer => layer.TimeShare), 0.01, 0.999);
        }
    }

    [Fact]
    public void A_cosine_of_nothing_with_nothing_is_one()
    {
        Assert.Equal(1, LayerInfluence.Cosine([0, 0], [0, 0]));
        Assert.Equal(0, LayerInfluence.Cosine([0, 0], [1, 0]));
        Assert.Equal(-1, LayerInfluence.Cosine([1e30f, 2e30f], [-1e30f, -2e30f]), 1e-12);
    }

    private static void AssertBlock(JsonElement expected, BlockFigures block, long tokens)
    {
        Assert.Equal(expected.GetProperty("block_influence").GetDouble(), block.BlockInfluence, Tolerance);
        Assert.Equal(1, block.BlockInfluence + block.Cosine, 1e-12);
        AssertAgreement(expected, "agreement_without", "near_ties", block.AgreementWithout, tokens);
    }

    // Where two tokens are nearly equally likely, float32 may choose the other one.
    private static void AssertAgreement(JsonElement expected, string key, string ties, double actual, long tokens) =>
        Assert.Equal(expected.GetProperty(key).GetDouble(), actual, Tolerance + (double)expected.GetProperty(ties).GetInt32() / tokens);

    // Of a perplexity of 1e5 a share counts: the mean log probability.
    private static void AssertClose(double expected, double actual) => Assert.Equal(Math.Log(expected), Math.Log(actual), Tolerance);
}
