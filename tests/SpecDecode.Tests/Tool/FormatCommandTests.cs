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
    public void White_space_and_order_are_options()
    {
        string schema = _folder.Write("constants.json", """{"type":"object","properties":{"a":{"const":1},"b":{"const":[2,3]}},"required":["a","b"],"additionalProperties":false}""");
        Assert.Equal("""{"a":1,"b":[2,3]}""", Generate("--json-schema", schema).Output.TrimEnd('\n', '\r'));
        Assert.Equal("""{"a": 1, "b": [2, 3]}""", Generate("--json-schema", schema, "--json-white-space", "spaced").Output.TrimEnd('\n', '\r'));

        // The model likes line breaks, and breaks lines wherever it may until its tokens are spent.
        Assert.Matches("^\\s*\\{\\s*\\n", Generate("--json-schema", schema, "--json-white-space", "Free").Output.TrimEnd());
        using JsonDocument free = JsonDocument.Parse(Generate("--json-schema", schema, "--json-property-order", "free").Output);
        Assert.Equal(["a", "b"], free.RootElement.EnumerateObject().Select(property => property.Name).Order());

        // A least number of properties can be counted in a given order alone.
        string counted = _folder.Write("counted.json", """{"properties":{"a":{"const":1},"b":{"const":2}},"type":"object","minProperties":1}""");
        Assert.Equal(0, Generate("--json-schema", counted, "--json-property-order", "as-given").ExitCode);
        Assert.Contains("minProperties", Generate("--json-schema", counted, "--json-property-order", "free").Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--json-white-space is 'dense': give one of compact, spaced, free.", "--json-object", "--json-white-space", "dense")]
    [InlineData("--json-property-order is 'sorted': give one of as-given, free.", "--json-object", "--json-property-order", "sorted")]
    [InlineData("--json-white-space has no effect without --json-schema or --json-object.", "--regex", "a", "--json-white-space", "free")]
    [InlineData("--json-property-order has no effect without --json-schema or --json-object.", "--json-property-order", "free")]
    public void A_wrong_word_and_one_without_effect_are_misuse(string said, params string[] options)
    {
        ToolRun run = Generate(options);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(said, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_choice_an_expression_and_rules_are_held_to()
    {
        Assert.Contains(Generate("--choice", " happy", "--choice", " sad").Output.TrimEnd('\n', '\r'), (string[])[" happy", " sad"]);
        Assert.Matches("^[a-z]{3}!\\r?\\n$", Generate("--regex", "[a-z]{3}!").Output);
        Assert.Matches("^(ab|cd){2}\\.\\r?\\n$", Generate("--grammar", _folder.Write("rules.gbnf", "root ::= pair pair \".\"\npair ::= \"ab\" | \"cd\"")).Output);
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
