using System.Text.Json.Nodes;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;
using SpecDecode.Families;
using SpecDecode.Tests.Tool;

namespace SpecDecode.Tests.Families;

/// <summary>The tables of docs/models.md about config.json, row by row against the code.</summary>
public sealed class ConfigKeyTableTests
{
    // What a cell stands for that is no value.
    private const string NotRead = "–";
    private static readonly string[] Page = File.ReadAllLines(Path.Combine(TestFolders.Repository, "docs", "models.md"));
    private static readonly string[][] Keys = Table("| key | `llama`");
    private static readonly string[] Families = [.. Keys[0][1..].Select(Bare)];

    public static TheoryData<string, string, string> Cells
    {
        get
        {
            TheoryData<string, string, string> cells = [];
            foreach (string[] row in Keys[2..])
            {
                for (int i = 0; i < Families.Length; i++)
                {
                    cells.Add(Families[i], Bare(row[0]), row[i + 1]);
                }
            }

            return cells;
        }
    }

    public static TheoryData<string, string, string> Contradictions =>
        [.. Table("| family | keys |")[2..].Select(row => (Bare(row[0]), row[1], Bare(row[2])))];

    [Fact]
    public void The_table_has_every_family_and_every_key_of_the_fixtures_that_means_anything()
    {
        Assert.Equal(ModelFamilies.All.Select(family => family.Defaults.ModelType), Families);
        HashSet<string> rows = [.. Keys[2..].Select(row => Bare(row[0]))];
        HashSet<string> unread = [];
        foreach (string folder in Directory.GetDirectories(TestFolders.Fixtures))
        {
            using FixtureCheckpoint model = new(Path.GetFileName(folder));
            unread.UnionWith(Config(model).Select(entry => entry.Key).Where(key => !rows.Contains(key)));
        }

        unread.Remove("model_type");
        foreach (string family in Families)
        {
            using FixtureCheckpoint model = new(family == "llama" ? "llama_base" : family);
            AssertSame(Describe(model), Describe(model.Config([.. unread.Select(key => (key, (JsonNode?)new JsonObject { ["no"] = "meaning" }))])));
        }
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public void A_key_is_read_where_the_table_says_and_its_absence_means_the_default(string family, string key, string cell)
    {
        using FixtureCheckpoint model = ModelFor(family, key);

        // Nothing that reads a value takes an object with a text in it, and nothing else looks at it.
        JsonObject poison = new() { ["no"] = "meaning" };
        JsonObject config = Config(model);
        DecoderDescription before = Describe(model);
        model.Config((key, poison));
        if (cell == NotRead)
        {
            AssertSame(before, Describe(model));
            return;
        }

        string refusal = Refusal(model);
        Assert.Contains(key, refusal, StringComparison.Ordinal);
        Remove(model, key);
        if (cell == "required")
        {
            Assert.Contains($"\"{key}\" is missing", Refusal(model), StringComparison.Ordinal);
            return;
        }

        string absent = Outcome(model);
        if (Value(cell, config) is { } value)
        {
            model.Config((key, value));
            Assert.Equal(Plain(absent), Plain(Outcome(model)));
        }
        else if (cell is "none" or "rule")
        {
            model.Config((key, null));
            Assert.Equal(absent, Outcome(model));
        }

    }

    [Theory]
    [MemberData(nameof(Contradictions))]
    public void A_contradiction_of_the_table_is_refused_by_both_keys(string family, string keys, string patch)
    {
        using FixtureCheckpoint model = new(family == "llama" ? "llama_base" : family);
        Describe(model);
        if (family == "qwen2" && keys.Contains("lm_head", StringComparison.Ordinal))
        {
            Assert.DoesNotContain("lm_head.weight", Names(model));
        }

        model.Config([.. JsonNode.Parse(patch)!.AsObject().Select(entry => (entry.Key, entry.Value?.DeepClone()))]);
        string refusal = Refusal(model);
        Assert.All(keys.Split(", "), key => Assert.Contains($"\"{Bare(key)}\"", refusal, StringComparison.Ordinal));
    }

    // A checkpoint in which the key matters: what is only asked for beside another key has that key too.
    private static FixtureCheckpoint ModelFor(string family, string key)
    {
        FixtureCheckpoint model = new(family == "llama" ? "llama_base" : family);
        return key switch
        {
            "original_max_position_embeddings" => Scaled(model, family),
            "use_sliding_window" when family is "llama" or "olmo2" or "gpt_neox" => model.Config(("sliding_window", 8), (key, false)),
            "no_rope_layer_interval" when family == "smollm3" => Remove(model, "no_rope_layers").Config(("layer_types", null)),
            "sliding_window" or "max_window_layers" when family is "qwen2" or "qwen3" or "smollm3" =>
                model.Config(("use_sliding_window", true), ("layer_types", null), ("sliding_window", 8)),
            _ => model,
        };
    }

    private static FixtureCheckpoint Scaled(FixtureCheckpoint model, string family)
    {
        JsonObject scaling = new() { ["rope_type"] = "yarn", ["factor"] = 2 };
        if (family == "phi3")
        {
            JsonArray divisors = [.. Enumerable.Repeat(1, 12).Select(one => JsonValue.Create(one))];
            scaling = new JsonObject { ["rope_type"] = "longrope", ["attention_factor"] = 1.5, ["short_factor"] = divisors, ["long_factor"] = divisors.DeepClone() };
        }

        return model.Config(("rope_scaling", scaling));
    }

    private static JsonNode? Value(string cell, JsonObject config) => cell switch
    {
        "none" or "rule" or "same" => null,
        "H" => config["num_attention_heads"]!.DeepClone(),
        "D" => config["hidden_size"]!.GetValue<int>() / config["num_attention_heads"]!.GetValue<int>(),
        "M" => config["max_position_embeddings"]!.DeepClone(),
        _ => JsonNode.Parse(cell),
    };

    // The description, or the sentence with which it is refused, which may tell an absent key from a written one.
    private static string Outcome(FixtureCheckpoint model)
    {
        try
        {
            return Written(Describe(model));
        }
        catch (CheckpointException refusal)
        {
            return refusal.Message;
        }
    }

    private static string Plain(string outcome) => System.Text.RegularExpressions.Regex.Replace(
        outcome.Replace("is absent, and so", "is", StringComparison.Ordinal).Replace("absent, and so ", "", StringComparison.Ordinal),
        "config.json (has no|says that its projection has no bias).*", "");

    private static string Refusal(FixtureCheckpoint model) => Assert.Throws<CheckpointException>(() => Describe(model)).Message;

    private static void AssertSame(DecoderDescription expected, DecoderDescription found) => Assert.Equal(Written(expected), Written(found));

    // Records do not compare their arrays by what is in them.
    private static string Written(DecoderDescription description) =>
        string.Join('\n', description.Layers.Select(layer => $"{layer} {Rotary(layer.Attention.Attend.Rotary)}"))
        + string.Join('\n', description.Tensors.SelectMany(tensor => tensor.Parts.Select(part => $"{tensor.Name} {part.Source} {part.Rows}")))
        + string.Join(',', description.EndOfSequence) + (description with { Layers = [], Tensors = [], EndOfSequence = [] });

    private static string Rotary(RotaryDescription? rotary) => rotary is null
        ? ""
        : $"{string.Join(' ', rotary.InverseFrequencies)} {rotary.AttentionFactor} {rotary.OriginalContext} {Rotary(rotary.Long)}";

    private static DecoderDescription Describe(FixtureCheckpoint model)
    {
        using Checkpoint checkpoint = Checkpoint.Open(model.Folder);
        return ModelFamilies.Describe(checkpoint);
    }

    private static IEnumerable<string> Names(FixtureCheckpoint model)
    {
        using Checkpoint checkpoint = Checkpoint.Open(model.Folder);
        return [.. checkpoint.Tensors.Keys];
    }

    private static JsonObject Config(FixtureCheckpoint model) => JsonNode.Parse(File.ReadAllText(model.FileOf("config.json")))!.AsObject();

    private static FixtureCheckpoint Remove(FixtureCheckpoint model, string key)
    {
        JsonObject config = Config(model);
        config.Remove(key);
        return model.Write("config.json", config.ToJsonString());
    }

    private static string[][] Table(string head)
    {
        int first = Array.FindIndex(Page, line => line.StartsWith(head, StringComparison.Ordinal));
        Assert.True(first >= 0, $"docs/models.md has no table that begins with {head}");
        return [.. Page[first..].TakeWhile(line => line.StartsWith('|')).Select(line => line.Trim('|').Split(" | ").Select(cell => cell.Trim()).ToArray())];
    }

    private static string Bare(string cell) => cell.Trim('`');
}
