using System.Text.Json;
using System.Xml.Linq;
using SpecDecode.Evaluation;
using SpecDecode.Tool.Layers;

namespace SpecDecode.Tests.Tool;

public sealed class LayersCommandTests : IDisposable
{
    private readonly FixtureCheckpoint _model = new();

    public LayersCommandTests() => _model.AddTokenizer();

    public void Dispose() => _model.Dispose();

    [Fact]
    public void The_object_has_every_block_and_layer_and_its_perplexity_is_that_of_the_other_command()
    {
        string text = Text("once upon a time there was a bird\n\nwho could not sing");
        ToolRun run = Layers(text, "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        JsonElement perplexity = ToolRun.On(_model, "perplexity", "--text", text, "--json").Json;
        Assert.Equal(perplexity.GetProperty("perplexity").GetDouble(), run.Json.GetProperty("perplexity").GetDouble(), 1e-4);
        Assert.Equal(perplexity.GetProperty("tokens").GetInt64(), run.Json.GetProperty("tokens").GetInt64());
        JsonElement[] layers = [.. run.Json.GetProperty("layers").EnumerateArray()];
        Assert.Equal(4, layers.Length);
        Assert.All(layers, layer =>
        {
            JsonElement[] blocks = [layer.GetProperty("attention"), layer.GetProperty("mlp")];
            Assert.All(blocks, block => Assert.Equal(1, block.GetProperty("block_influence").GetDouble() + block.GetProperty("cosine").GetDouble(), 1e-7));
            Assert.Equal(layer.GetProperty("byte_share").GetDouble(), blocks.Sum(block => block.GetProperty("byte_share").GetDouble()), 1e-7);
            Assert.Equal(layer.GetProperty("time_share").GetDouble(), blocks.Sum(block => block.GetProperty("time_share").GetDouble()), 1e-7);
        });

        // Layers are alike, and the rest is embedding, head and last norm.
        double bytes = layers.Sum(layer => layer.GetProperty("byte_share").GetDouble());
        Assert.InRange(bytes, 0.3, 0.9);
        Assert.Equal(bytes / 4, layers[2].GetProperty("byte_share").GetDouble(), 1e-7);
        Assert.Equal(1, layers[3].GetProperty("exit_agreement").GetDouble());
    }

    [Fact]
    public void The_tables_have_a_row_for_each_block_and_layer()
    {
        string[] lines = Layers(Text("once upon a time")).Output.Split('\n');
        Assert.StartsWith("perplexity ", lines[0], StringComparison.Ordinal);
        Assert.Equal(["A0", "M0", "A1", "M1", "A2", "M2", "A3", "M3"], lines.Where(line => line.Contains(" A", StringComparison.Ordinal) || line.Contains(" M", StringComparison.Ordinal))
            .Where(line => line.StartsWith('|')).Select(line => line.Split('|')[1].Trim()));
        Assert.All(lines.Where(line => line.StartsWith('|')).GroupBy(line => line.Length), group => Assert.True(group.Count() > 2));
    }

    [Fact]
    public void Picture_and_page_are_well_formed_ask_for_nothing_else_and_escape_what_the_model_is_called()
    {
        string folder = _model.Beside("<b>&\"'");
        Directory.Move(_model.Folder, folder);
        string svg = _model.Beside("layers.svg");
        string html = _model.Beside("layers.html");
        ToolRun run = ToolRun.Of(
            "layers", "--model", folder, "--cache-folder", _model.Cache, "--text", Text("once upon a time"), "--svg", svg, "--html", html);
        Assert.True(run.ExitCode == 0, run.Error);

        XElement picture = XElement.Parse(File.ReadAllText(svg));
        XNamespace names = "http://www.w3.org/2000/svg";
        Assert.Equal(20, picture.Descendants(names + "title").Count());
        Assert.Contains(picture.Descendants(names + "text"), text => text.Value == "Layers of <b>&\"'");
        string page = File.ReadAllText(html);
        Assert.DoesNotContain("<b>", page, StringComparison.Ordinal);
        Assert.Contains("&lt;b&gt;", page, StringComparison.Ordinal);
        foreach (string text in (string[])[page, File.ReadAllText(svg)])
        {
            Assert.DoesNotContain("<script", text, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("http", text.Replace("http://www.w3.org/2000/svg", "", StringComparison.Ordinal).Replace("http-equiv", "", StringComparison.Ordinal), StringComparison.Ordinal);
            Assert.Contains("prefers-color-scheme: dark", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Figures_of_any_size_make_a_picture()
    {
        static BlockFigures Block(double influence) => new() { BlockInfluence = influence, AgreementWithout = 1, TimeShare = 0, ByteShare = 0 };
        foreach (double influence in (double[])[0, -1e-9, 1e-7, 2, 9.99])
        {
            LayerReport report = new()
            {
                Perplexity = 1, Tokens = 1, Positions = 1,
                Layers = [new LayerFigures { Layer = 0, Attention = Block(influence), Mlp = Block(0), BlockInfluence = influence, ExitAgreement = 1, ExitPerplexity = double.NaN }],
            };
            XElement picture = XElement.Parse(LayersChart.Draw("m\u0001", report));
            Assert.All(picture.Descendants().Attributes("height").Where(attribute => attribute.Parent != picture), attribute =>
                Assert.InRange(double.Parse(attribute.Value, System.Globalization.CultureInfo.InvariantCulture), 0, 694));
            Assert.DoesNotContain("NaN", LayersChart.Draw("m", report) + LayersPage.Write("m", report), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void No_text_no_tokenizer_and_no_place_for_the_picture_are_sentences()
    {
        Assert.Contains("there is no text in it", Assert.Single(Layers(Text(" \n")).Complaints), StringComparison.Ordinal);
        Assert.Contains("the folder", Assert.Single(Layers(Text("once"), "--svg", _model.Beside("no/where.svg")).Complaints), StringComparison.Ordinal);
        File.Delete(_model.FileOf("tokenizer.json"));
        Assert.Contains("no tokenizer", Assert.Single(Layers(Text("once")).Complaints), StringComparison.Ordinal);
    }

    private ToolRun Layers(string text, params string[] options) => ToolRun.On(_model, "layers", ["--text", text, .. options]);

    private string Text(string text)
    {
        string path = _model.Beside("text.txt");
        File.WriteAllText(path, text);
        return path;
    }
}
