using System.Text.Json;

namespace SpecDecode.Tests.Tool;

/// <summary><c>--draft-profile</c>, and profiles in a model's folder.</summary>
public sealed class ProfileCommandTests : IDisposable
{
    private const string Profile = """
        { "version": "1.0", "model": { "family": "llama", "layers": 4, "vocabularySize": 512 },
          "plans": [{ "exitLayer": 4, "weights": "drafter", "draftLength": 2 }, { "exitLayer": 2, "draftLength": 3, "measuredSpeedup": 1.25 }] }
        """;

    private static readonly string[] Generate = ["--tokens", "435,326,262", "--max-tokens", "24", "--ignore-eos", "--json"];

    private readonly FixtureCheckpoint _model = new();

    public void Dispose() => _model.Dispose();

    [Fact]
    public void A_profile_drafts_changes_no_token_and_warns_of_what_it_cannot_run()
    {
        ToolRun plain = ToolRun.On(_model, "generate", [.. Generate, "--draft", "none"]);
        foreach (string[] draft in (string[][])[[], ["--draft", "auto"], ["--draft", "AUTO", "--draft-length", "2"]])
        {
            ToolRun drafted = ToolRun.On(_model, "generate", [.. Generate, "--draft-profile", Write(Profile), .. draft]);
            Assert.True(drafted.ExitCode == 0, drafted.Error);
            Assert.Equal(plain.Ints("tokens"), drafted.Ints("tokens"));
            Assert.Contains("specdecode: warning: ", drafted.Error, StringComparison.Ordinal);
            Assert.Contains("of its 2 plans 1 would draft on a copy", drafted.Error, StringComparison.Ordinal);
            Assert.True(draft.Length > 0 || drafted.Json.GetProperty("drafted").GetInt64() > 0);
        }

        ToolRun copy = ToolRun.On(_model, "generate", [.. Generate, "--draft-profile", Write(Profile), "--draft-precision", "int8"]);
        Assert.Equal(plain.Ints("tokens"), copy.Ints("tokens"));
        Assert.DoesNotContain("would draft on a copy", copy.Error, StringComparison.Ordinal);
        Assert.Equal(2, copy.Ints("accepted_per_position").Length);
    }

    [Theory]
    [InlineData("leave --exit-layer out", "--exit-layer", "2")]
    [InlineData("leave --skip-mlp out", "--skip-mlp", "2")]
    [InlineData("leave --draft-threshold out", "--draft-threshold", "0.5")]
    [InlineData("leave --draft-length out, or use --draft auto", "--draft-length", "2")]
    [InlineData("both say how to draft", "--draft", "early-exit", "--exit-layer", "2")]
    [InlineData("both say how to draft", "--draft", "lookup")]
    [InlineData("--draft none drafts nothing, so --draft-profile has no effect", "--draft", "none")]
    [InlineData("leave --exit-layer out", "--draft", "auto", "--exit-layer", "2")]
    public void What_the_profile_says_itself_may_not_be_said_beside_it(string sentence, params string[] options)
    {
        ToolRun run = ToolRun.On(_model, "generate", [.. Generate, "--draft-profile", Write(Profile), .. options]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(sentence, run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"layers\": 4", "\"layers\": 5", "--draft-profile is {0}, of a model with 5 layers, and this one has 4")]
    [InlineData("\"exitLayer\": 2", "\"exitLayer\": 4, \"weights\": \"drafter\"", "{0}: plans[1] runs the same blocks on the same weights")]
    [InlineData("}] }", "}]", "{0}: is not valid JSON")]
    public void A_profile_that_cannot_be_used_is_a_sentence(string from, string to, string sentence)
    {
        string path = Write(Profile.Replace(from, to, StringComparison.Ordinal));
        ToolRun run = ToolRun.On(_model, "generate", [.. Generate, "--draft-profile", path]);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains(string.Format(System.Globalization.CultureInfo.InvariantCulture, sentence, path), Assert.Single(run.Complaints), StringComparison.Ordinal);
    }

    [Fact]
    public void Info_shows_the_profile_in_the_folder_and_why_one_is_not_used()
    {
        _model.Write("specdecode-profile.json", Profile);
        ToolRun text = ToolRun.Of("info", "--model", _model.Folder);
        Assert.Contains("drafting     profile of 2 plans, from specdecode-profile.json", text.Output, StringComparison.Ordinal);
        JsonElement json = ToolRun.Of("info", "--model", _model.Folder, "--json").Json.GetProperty("drafting_profile");
        Assert.Equal(("specdecode-profile.json", 2), (json.GetProperty("file").GetString(), json.GetProperty("plans").GetInt32()));

        _model.Write("specdecode-profile.json", Profile.Replace("512", "513", StringComparison.Ordinal));
        ToolRun other = ToolRun.Of("info", "--model", _model.Folder);
        Assert.Equal(0, other.ExitCode);
        Assert.DoesNotContain("drafting     profile", other.Output, StringComparison.Ordinal);
        Assert.Contains("513 token ids, and this one has 512", other.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_sweep_takes_none()
    {
        string prompts = _model.Beside("prompts.txt");
        File.WriteAllText(prompts, "x\n");
        ToolRun run = ToolRun.On(_model, "bench", "--prompts", prompts, "--sweep", "--draft-profile", Write(Profile));
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("--sweep chooses how to draft", run.Error, StringComparison.Ordinal);
    }

    private string Write(string profile)
    {
        string path = _model.Beside("profile.json");
        File.WriteAllText(path, profile);
        return path;
    }
}
