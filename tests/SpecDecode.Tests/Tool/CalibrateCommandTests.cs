using System.Text.Json;
using System.Xml.Linq;
using SpecDecode.Calibration;
using SpecDecode.Drafting.Profiles;

namespace SpecDecode.Tests.Tool;

public sealed class CalibrateCommandTests : IDisposable
{
    private static readonly string[] Lines = ["Once upon a time", "", "The dog saw", "Mia and Tom", "A red ball"];

    // The model holds 512 tokens, which are characters.
    private const string LongPrompt =
        "A prompt that is too long: and on it goes, and on it goes, and on it goes, and on it goes, and on it goes, and on it goes, and on it goes, and on it goes, and on it goes, and on it goes, and on it goes, "
        + "and on it goes, and on it goes, and on it goes, and on it goes, and on it goes, and on it goes, and on it goes, and on it goes, and on it goes, and on it goes, and on it goes, and on it goes, "
        + "and on it goes, and on it goes, and on it goes, and on it goes, and on it goes, and on it goes, and on it goes, and on it goes, and on it goes, and on it goes, and on it goes, and on it goes.";

    private readonly FixtureCheckpoint _model = new FixtureCheckpoint().AddTokenizer();

    public void Dispose() => _model.Dispose();

    [Fact]
    public void A_calibration_writes_a_table_a_profile_that_loads_and_a_picture()
    {
        string profile = _model.Beside("profile.json");
        string svg = _model.Beside("front.svg");
        ToolRun run = Calibrate(Lines, "--output", profile, "--svg", svg, "--max-tokens", "16");

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.All(CalibrationOptions.AllMethods, method => Assert.Contains($"| {method} | ", run.Output, StringComparison.Ordinal));
        Assert.Contains("the same |", run.Output, StringComparison.Ordinal);
        Assert.Contains("kernels: ", run.Output, StringComparison.Ordinal);
        DraftingProfile read = DraftingProfile.Load(profile);
        Assert.NotNull(read.Model.Fingerprint);
        Assert.True(read.Plans[0].MeasuredSpeedup > 0);
        Assert.False(File.Exists(profile + ".state"));

        XElement picture = XDocument.Load(svg).Root!;
        XNamespace ns = "http://www.w3.org/2000/svg";
        Assert.Equal(ns + "svg", picture.Name);
        string[] labels = [.. picture.Elements(ns + "text").Select(text => text.Value)];
        Assert.Contains(labels, label => label.StartsWith("cost of a draft row", StringComparison.Ordinal));
        Assert.Contains("agreement", labels);
        Assert.Single(picture.Elements(ns + "polyline"));
        Assert.True(picture.Elements(ns + "circle").Count() > CalibrationOptions.AllMethods.Count + 5);
        Assert.All(
            picture.Elements(ns + "circle"),
            circle => Assert.True((double)circle.Attribute("cx")! is >= 0 and <= 720 && (double)circle.Attribute("cy")! is >= 0 and <= 480));

        // What was calibrated drafts, and the text is the same.
        ToolRun drafted = ToolRun.On(_model, "generate", "--prompt", "Once", "--max-tokens", "20", "--draft-profile", profile);
        ToolRun plain = ToolRun.On(_model, "generate", "--prompt", "Once", "--max-tokens", "20", "--draft", "none");
        Assert.True(drafted.ExitCode == 0, drafted.Error);
        Assert.Equal(plain.Output, drafted.Output);
    }

    [Fact]
    public void One_method_on_a_copy_of_the_weights_as_JSON()
    {
        ToolRun run = Calibrate(Lines, "--method", "exits", "--draft-precision", "int8", "--json", "--quiet");

        Assert.True(run.ExitCode == 0, run.Error);
        JsonElement json = run.Json;
        Assert.True(json.GetProperty("complete").GetBoolean());
        Assert.Equal(["exits"], json.GetProperty("methods").EnumerateArray().Select(method => method.GetProperty("method").GetString()));
        JsonElement[] plans = [.. json.GetProperty("plans").EnumerateArray()];

        // Every exit of both, and the whole copy; which of them are measured is the clock's business.
        Assert.Equal(7, Assert.Single(json.GetProperty("methods").EnumerateArray()).GetProperty("tried").GetInt32());
        Assert.All(plans, plan => Assert.True(plan.GetProperty("same_text") is { ValueKind: JsonValueKind.True or JsonValueKind.Null }));
        Assert.All(plans, plan => Assert.InRange(plan.GetProperty("held_out_agreement").GetDouble(), 0, 1));
        Assert.NotEmpty(json.GetProperty("front").EnumerateArray());
    }

    [Theory]
    [InlineData("there is no prompt in it")]
    [InlineData("one prompt", "Once upon a time")]
    [InlineData("Prompt 2: ", "Once", LongPrompt)]
    public void Prompts_that_will_not_do_are_told(string complaint, params string[] lines)
    {
        ToolRun run = Calibrate(lines);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains(complaint, string.Join('\n', run.Complaints), StringComparison.Ordinal);
        Assert.Empty(run.Output);
    }

    [Theory]
    [InlineData(1, "the folder", "--output", "/nowhere/at/all/profile.json")]
    [InlineData(1, "is a folder", "--svg", "/")]
    [InlineData(2, "give one of all, exits", "--method", "guess")]
    [InlineData(2, "--budget is '0'", "--budget", "0")]
    [InlineData(2, "--budget is 'NaN'", "--budget", "NaN")]
    [InlineData(2, "--max-tokens is '3'", "--max-tokens", "3")]
    [InlineData(2, "--draft-precision is 'fp32'", "--draft-precision", "fp32")]
    public void Options_that_cannot_be_are_told_before_anything_runs(int exitCode, string complaint, params string[] options)
    {
        ToolRun run = ToolRun.On(_model, "calibrate", ["--prompts", "nowhere.txt", .. options]);
        Assert.Equal(exitCode, run.ExitCode);
        Assert.Contains(complaint, run.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_model.Cache));
    }

    [Fact]
    public void A_state_of_other_prompts_is_refused()
    {
        string profile = _model.Beside("profile.json");
        File.WriteAllText(profile + ".state", """{"format":"specdecode-calibration-2","key":"another","seconds":1,"texts":[],"isWritten":false,"times":null,"methods":[]}""");
        ToolRun run = Calibrate(Lines, "--output", profile);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("other prompts", run.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(profile));
    }

    private ToolRun Calibrate(string[] prompts, params string[] options)
    {
        string file = _model.Beside("prompts.txt");
        File.WriteAllLines(file, prompts);
        return ToolRun.On(_model, "calibrate", ["--prompts", file, "--budget", options.Contains("--budget") ? "1" : "0.02", .. options]);
    }
}
