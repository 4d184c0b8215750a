using System.Text.Json;
using System.Text.Json.Nodes;
using SpecDecode.Checkpoints;
using SpecDecode.Families;
using SpecDecode.Pruning;
using SpecDecode.Tests.Tool;

namespace SpecDecode.Tests.Pruning;

public class PrunedConfigTests
{
    [Fact]
    public void Lists_with_an_entry_for_each_layer_lose_those_of_dropped_layers()
    {
        Assert.Equal("""["full_attention","full_attention"]""", Key("gemma2_no_caps_types", "layer_types", [0, 2]));
        Assert.Equal("[0,0]", Key("smollm3_types", "no_rope_layers", [0, 2]));
        Assert.Equal("2", Key("smollm3_types", "num_hidden_layers", [0, 2]));
    }

    [Fact]
    public void A_rule_by_number_becomes_one_that_says_the_same_of_the_layers_that_stay()
    {
        // In every other layer from the first; every other layer; the layers from one on.
        Assert.Equal("""["full_attention","sliding_attention"]""", Key("gemma2", "layer_types", [1, 2]));
        Assert.Equal("[0,1]", Key("smollm3_interval_windows", "no_rope_layers", [1, 2]));
        using FixtureCheckpoint model = new("qwen2_windows_by_depth");
        model.Config(("max_window_layers", 2));
        Assert.Equal("1", Key(model, "max_window_layers", [1, 2]));
        Assert.Equal("2", Key(model, "max_window_layers", [0, 1]));
        Assert.Equal("0", Key(model, "max_window_layers", [2]));
    }

    [Fact]
    public void Everything_else_stays_as_it_is_written()
    {
        using FixtureCheckpoint model = new();
        string text = File.ReadAllText(model.FileOf("config.json"));
        model.Write("config.json", text.TrimEnd().TrimEnd('}').TrimEnd() + """, "far": [1E-05, -Infinity, {"a": NaN}], "what": "naïve 1.0 <", "vocab_size": 512, "auto_map": {"AutoModel": "code.Model"} }""");
        string written = Write(model, [0, 3]);

        Assert.Contains("""[1E-05, -Infinity, {"a": NaN}]""", written, StringComparison.Ordinal);
        Assert.Contains("\"what\": \"naïve 1.0 <\"", written, StringComparison.Ordinal);
        Assert.DoesNotContain("auto_map", written, StringComparison.Ordinal);
        JsonObject before = JsonNode.Parse(text)!.AsObject();
        JsonObject after = JsonNode.Parse(written.Replace("-Infinity", "0", StringComparison.Ordinal).Replace("NaN", "0", StringComparison.Ordinal))!.AsObject();
        Assert.Equal(2, after["num_hidden_layers"]!.GetValue<int>());
        Assert.All(before.Where(pair => pair.Key != "num_hidden_layers"), pair => Assert.Equal(pair.Value?.ToJsonString(), after[pair.Key]?.ToJsonString()));
    }

    private static string Key(string fixture, string key, int[] layers)
    {
        using FixtureCheckpoint model = new(fixture);
        return Key(model, key, layers);
    }

    private static string Key(FixtureCheckpoint model, string key, int[] layers) =>
        JsonSerializer.Serialize(JsonNode.Parse(Write(model, layers))![key]);

    private static string Write(FixtureCheckpoint model, int[] layers)
    {
        using Checkpoint checkpoint = Checkpoint.Open(model.Folder);
        return System.Text.Encoding.UTF8.GetString(PrunedConfig.Write(checkpoint.Config, ModelFamilies.Describe(checkpoint), layers));
    }
}
