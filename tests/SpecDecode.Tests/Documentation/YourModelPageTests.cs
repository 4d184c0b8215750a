using SpecDecode.Families;

namespace SpecDecode.Tests.Documentation;

public sealed class YourModelPageTests
{
    [Fact]
    public void Families_that_the_page_names_are_those_that_are_read_and_what_was_run_is_said_of_each()
    {
        string[][] rows = [.. File.ReadLines(Path.Combine(TestFolders.Repository, "docs", "your-model.md"))
            .SkipWhile(line => !line.StartsWith("| checkpoints |", StringComparison.Ordinal)).Skip(2).TakeWhile(line => line.StartsWith('|'))
            .Select(line => line.Trim('|').Split('|').Select(cell => cell.Trim()).ToArray())];

        Assert.Equal(
            ModelFamilies.All.Select(family => $"`{family.Defaults.ModelType}`").Order(StringComparer.Ordinal),
            rows.Select(row => row[1]).Distinct().Order(StringComparer.Ordinal));
        Assert.All(rows, row => Assert.True(row[^1] is "no" or "**yes**", string.Join(" | ", row)));
        Assert.Contains("story model", Assert.Single(rows, row => row[^1] == "**yes**")[0], StringComparison.Ordinal);
    }
}
