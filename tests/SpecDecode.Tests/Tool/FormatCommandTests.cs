using System.Text.Json;

namespace SpecDecode.Tests.Tool;

/// <summary><c>generate</c> with what its text is held to.</summary>
public sealed class FormatCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_schema_in_a_file_gives_json_by_it()
    {
        string schema = _folder.Write("schema.json", """{"type":"object","properties":{"mood":{"enum":["glad","sad"]},"n":{"type":"integer","maximum":9,"minimum":0}},"required":["mood","n"]}""");
        ToolRun run = Generate("--json-schema", schema);
        Assert.Equal(0, run.ExitCode);
        using JsonDocument text = JsonDocument.Parse(run.Output);
        Assert.Contains(text.RootElement.GetProperty("mood").GetString(), (string[])["glad", "sad"]);
        Assert.InRange(text.RootElement.GetProperty("n").GetInt32(), 0, 9);
    }

    [Fact]
    public void A_choice_an_expression_and_rules_are_held_to()
    {
        Assert.Contains(Generate("--choice", " happy", "--choice", " sad").Output.TrimEnd('\n', '\r'), (string[])[" happy", " sad"]);
        Assert.Matches("^[a-z]{3}!\\r?\\n$", Generate("--regex", "[a-z]{3}!").Output);
        Assert.Matches("^(ab)+\\.\\r?\\n$", Generate("--grammar", _folder.Write("rules.gbnf", "root ::= \"ab\" root | \"ab.\"")).Output);
        Assert.StartsWith("{", Generate("--json-object").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_forms_are_refused_and_so_is_what_cannot_be_honoured()
    {
        ToolRun both = Generate("--regex", "a", "--json-object");
        Assert.NotEqual(0, both.ExitCode);
        Assert.Contains("--json-object and --regex each say what the text is", both.Error, StringComparison.Ordinal);
        ToolRun unique = Generate("--json-schema", _folder.Write("unique.json", """{"properties":{"a":{"uniqueItems":true}}}"""));
        Assert.NotEqual(0, unique.ExitCode);
        Assert.Contains("'#/properties/a' has the keyword 'uniqueItems'", unique.Error, StringComparison.Ordinal);
        Assert.Contains("cannot be read", Generate("--grammar", _folder.File("missing.gbnf")).Error, StringComparison.Ordinal);
    }

    private static ToolRun Generate(params string[] options) => ToolRun.Of(
        ["generate", "--model", TestFolders.StoryModel, "--cache-folder", TestFolders.WeightCache, "--prompt", "The dog was", "--max-tokens", "60", "--quiet", .. options]);
}
