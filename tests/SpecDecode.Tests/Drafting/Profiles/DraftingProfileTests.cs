using System.Text;
using System.Text.Json;
using SpecDecode.Drafting;
using SpecDecode.Drafting.Profiles;
using SpecDecode.Plans;

namespace SpecDecode.Tests.Drafting.Profiles;

/// <summary>What a profile's file says comes back as it was, and what it leaves out has its default.</summary>
public sealed class DraftingProfileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_profile_is_read_as_it_was_written_to_the_last_bit()
    {
        string path = _folder.File("profile.json");
        MadeProfile.Full.Save(path);
        DraftingProfile read = DraftingProfile.Load(path);
        Assert.Equal(MadeProfile.Full, read);
        Assert.Equal(MadeProfile.Full.GetHashCode(), read.GetHashCode());
        Assert.Empty(read.Warnings);

        // And written again it is the same file.
        read.Save(_folder.File("again.json"));
        Assert.Equal(File.ReadAllBytes(path), File.ReadAllBytes(_folder.File("again.json")));
    }

    [Fact]
    public void Profiles_that_differ_anywhere_are_not_equal()
    {
        DraftingProfile full = MadeProfile.Full;
        ProfilePlan first = full.Plans[0];
        ProfilePlan[] others =
        [
            first with { Threshold = 0.36f }, first with { Agreement = [0.81] }, first with { DraftRowCost = null }, first with { ExpectedSpeedup = 1 },
            first with { MeasuredSpeedup = 1 }, first with { Method = null }, first with { DraftLength = 2 }, first with { FromLengths = [3] }, first with { UsesDraftWeights = true },
            first with { Plan = LayerPlan.EarlyExit(MadeProfile.Layers, 3) },
        ];
        Assert.All(others, other => Assert.NotEqual(full, full with { Plans = [other, .. full.Plans.Skip(1)] }));
        Assert.NotEqual(full, full with { Measured = null });
        Assert.NotEqual(full, full with { Model = MadeProfile.Model with { Fingerprint = null } });
    }

    [Fact]
    public void A_file_that_is_there_is_replaced_whole_and_nothing_else_stays()
    {
        string path = _folder.Write("profile.json", "something else");
        MadeProfile.Exits(1, 2).Save(path);
        MadeProfile.Exits(3).Save(path);
        Assert.Equal(MadeProfile.Exits(3), DraftingProfile.Load(path));
        Assert.Equal([path], Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void What_could_not_be_read_again_is_not_written_and_the_file_stays()
    {
        string path = _folder.Write("profile.json", "as it was");
        DraftingProfile full = MadeProfile.Full;
        DraftingProfile[] wrong =
        [
            full with { Plans = [] }, full with { Plans = [.. full.Plans, full.Plans[0] with { DraftLength = 9 }] },
            full with { Plans = [full.Plans[0] with { DraftLength = 65 }] }, full with { Plans = [full.Plans[0] with { Threshold = float.NaN }] },
            full with { Plans = [full.Plans[0] with { DraftRowCost = 0 }] }, full with { Plans = [full.Plans[0] with { MeasuredSpeedup = double.PositiveInfinity }] },
            full with { Plans = [full.Plans[0] with { Agreement = [double.NaN] }] },
            full with { Plans = [full.Plans[0] with { FromLengths = [9, 9] }] }, full with { Plans = [full.Plans[0] with { FromLengths = [0] }] }, full with { Model = MadeProfile.Model with { LayerCount = 1 } },
            full with { Model = MadeProfile.Model with { LayerCount = 0 } }, full with { Model = MadeProfile.Model with { LayerCount = int.MaxValue } },
            full with { Model = MadeProfile.Model with { Family = "" } }, full with { Model = MadeProfile.Model with { Fingerprint = "x" } },
        ];
        Assert.All(wrong, profile => Assert.ThrowsAny<SpecDecodeException>(() => profile.Save(path)));

        // Nor is it drafted by.
        Assert.All(wrong, profile => Assert.ThrowsAny<SpecDecodeException>(() => DraftingOptions.None.WithProfile(profile)));
        Assert.Equal("as it was", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void By_hand_a_plan_is_one_line_and_everything_else_has_its_default()
    {
        DraftingProfile profile = Parse("""{ "version": "1.0", "model": { "family": "qwen3", "layers": 28, "vocabularySize": 151936 }, "plans": [{ "exitLayer": 9 }] }""");
        Assert.Equal(new ModelIdentity("qwen3", 28, 151936), profile.Model);
        ProfilePlan plan = Assert.Single(profile.Plans);
        Assert.Equal(new ProfilePlan { Plan = LayerPlan.EarlyExit(28, 9) }, plan);
        Assert.Equal((4, 0f, false), (plan.DraftLength, plan.Threshold, plan.UsesDraftWeights));
        Assert.Equal(DraftingOptions.EarlyExit(9) with { DraftLength = 4, Threshold = 0 }, plan.ToOptions(28));
    }

    [Fact]
    public void The_profile_that_the_page_shows_is_one()
    {
        string page = File.ReadAllText(Path.Combine(TestFolders.Repository, "docs", "drafting.md"));
        int start = page.IndexOf("```json", StringComparison.Ordinal) + "```json".Length;
        DraftingProfile profile = Parse(page[start..page.IndexOf("```", start, StringComparison.Ordinal)]);
        Assert.Equal((2, true), (profile.Plans.Count, profile.Plans[1].UsesDraftWeights));
    }

    [Fact]
    public void Of_a_later_minor_version_unknown_properties_are_passed_over_and_so_are_plans_that_need_what_is_unknown()
    {
        const string Later = """
            { "version": "1.7", "colour": { "x": [1] }, "model": { "family": "llama", "layers": 8, "vocabularySize": 10, "kind": "base" },
              "plans": [{ "exitLayer": 1, "gate": [0.5], "requires": ["gate"] }, { "exitLayer": 2, "mood": "good" }] }
            """;
        DraftingProfile profile = Parse(Later);
        Assert.Equal(LayerPlan.EarlyExit(8, 2), Assert.Single(profile.Plans).Plan);
        Assert.Equal("it.json: plans[0] is passed over, since it requires \"gate\", which this version of the library does not have.", Assert.Single(profile.Warnings));

        // Of this version an unknown property is a misspelt one.
        SpecDecodeException error = Assert.Throws<SpecDecodeException>(() => Parse(Later.Replace("1.7", "1.0", StringComparison.Ordinal)));
        Assert.StartsWith("it.json: model.kind is no property of a drafting profile of version 1.3: there are family, ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_schema_has_the_properties_that_are_read()
    {
        using JsonDocument schema = JsonDocument.Parse(File.ReadAllText(Path.Combine(TestFolders.Repository, "src", "SpecDecode", "DraftingProfileSchema.json")));
        JsonElement top = schema.RootElement.GetProperty("properties");
        Assert.Equal(Known(schema.RootElement), Read("", "1"));
        Assert.Equal(Known(top.GetProperty("model")), Read("\"model\": {", "1"));
        Assert.Equal(Known(top.GetProperty("measured")), Read("\"measured\": {", "1"));
        Assert.Equal(Known(schema.RootElement.GetProperty("$defs").GetProperty("plan")), Read("\"exitLayer\": 1", "1"));

        static string Known(JsonElement element) => string.Join(", ", element.GetProperty("properties").EnumerateObject().Select(property => property.Name).Order(StringComparer.Ordinal));

        // The properties that an error names where one stands there that is unknown.
        static string Read(string behind, string value)
        {
            string json = """{ "version": "1.0", "model": { "family": "llama", "layers": 8, "vocabularySize": 10 }, "measured": { "threads": 1 }, "plans": [{ "exitLayer": 1 }] }""";
            int place = behind.Length == 0 ? 1 : json.IndexOf(behind, StringComparison.Ordinal) + behind.Length;
            json = json.Insert(place, behind.EndsWith('1') ? $", \"zz\": {value}" : $" \"zz\": {value}, ");
            string message = Assert.Throws<SpecDecodeException>(() => Parse(json)).Message;
            return message[(message.IndexOf("there are ", StringComparison.Ordinal) + "there are ".Length)..^1];
        }
    }

    private static DraftingProfile Parse(string json) => DraftingProfile.Parse(Encoding.UTF8.GetBytes(json), "it.json");
}
