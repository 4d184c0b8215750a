using System.Text.RegularExpressions;
using SpecDecode.Tests.Tool;

namespace SpecDecode.Tests.Documentation;

/// <summary>What pages say that a command prints is what it prints.</summary>
public sealed partial class CommandOutputTests
{
    [Theory]
    [InlineData("user-guide.md")]
    [InlineData("requests.md")]
    [InlineData("structured-output.md")]
    public void Texts_that_a_page_shows_behind_generate_and_info_are_what_they_write(string page)
    {
        string guide = File.ReadAllText(Path.Combine(TestFolders.Repository, "docs", page));
        Match[] shown = [.. Shown().Matches(guide).Cast<Match>()];
        Assert.True(shown.Length >= 3, $"{shown.Length} texts were found.");
        foreach (Match example in shown)
        {
            string[] words = [.. Word().Matches(example.Groups["words"].Value).Cast<Match>().Select(word => word.Value.Trim('"').Replace("samples/models/tales-10m", TestFolders.StoryModel, StringComparison.Ordinal))];
            ToolRun run = ToolRun.Of(words[0] == "info" ? words : [.. words, "--cache-folder", TestFolders.WeightCache]);
            Assert.True(run.ExitCode == 0, run.Error);
            Assert.Equal(example.Groups["output"].Value, run.Output.Replace(TestFolders.StoryModel, "samples/models/tales-10m", StringComparison.Ordinal));
        }
    }

    // A command, the sentence that leads to what it prints, and that.
    [GeneratedRegex(@"```sh\ndotnet run [^\n]* -- (?<words>(?:generate|info) [^\n]*)\n```\n\n[^`]*```text\n(?<output>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Shown();

    [GeneratedRegex("\"[^\"]*\"|[^ ]+")]
    private static partial Regex Word();
}
