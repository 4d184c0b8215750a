using System.Text.Json;
using SpecDecode.Grammars;
using SpecDecode.Tests.Tokenizers;

namespace SpecDecode.Tests.Grammars;

/// <summary>The public JSON Schema test suite, where it is at hand: nothing that is invalid fits, and most of what is valid does.</summary>
public sealed class SchemaSuiteTests
{
    private static readonly JsonGrammarOptions Wide = new()
    {
        AllowUnlistedProperties = true, PropertyOrder = JsonPropertyOrder.Free, AllowExponents = true, MaxIntegerDigits = 60, MaxFractionDigits = 60,
    };

    [Fact]
    public void What_the_suite_calls_invalid_does_not_fit()
    {
        string folder = TokenizerFiles.ThirdParty("json-schema-test-suite", "tests", "draft2020-12");
        Assert.SkipUnless(Directory.Exists(folder), $"{folder} is not there.");
        int refused = 0, read = 0, valid = 0, fit = 0;
        List<string> wrong = [];
        foreach (string file in Directory.EnumerateFiles(folder, "*.json"))
        {
            using var document = JsonDocument.Parse(File.ReadAllText(file));
            foreach (var group in document.RootElement.EnumerateArray())
            {
                Grammar? grammar = Compile(group.GetProperty("schema").GetRawText());
                read++;
                refused += grammar is null ? 1 : 0;
                foreach (var test in grammar is null ? [] : group.GetProperty("tests").EnumerateArray().ToArray())
                {
                    bool fits = GrammarTexts.Accepts(grammar!, Compact(test.GetProperty("data")));
                    bool isValid = test.GetProperty("valid").GetBoolean();
                    valid += isValid ? 1 : 0;
                    fit += isValid && fits ? 1 : 0;
                    if (fits && !isValid)
                        wrong.Add($"{Path.GetFileName(file)}: {group.GetProperty("description")}: {test.GetProperty("description")}");
                }
            }
        }
        TestContext.Current.SendDiagnosticMessage($"{read} schemas, {refused} refused; {fit} of {valid} valid values fit");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.True(fit > valid * 8 / 10, $"{fit} of {valid} valid values fit.");
    }

    private static Grammar? Compile(string schema)
    {
        try
        {
            return Grammar.OfJsonSchema(schema, Wide);
        }
        catch (GrammarException)
        {
            return null;
        }
    }

    private static string Compact(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "{" + string.Join(',', value.EnumerateObject().Select(member => JsonSerializer.Serialize(member.Name, Plain) + ":" + Compact(member.Value))) + "}",
        JsonValueKind.Array => "[" + string.Join(',', value.EnumerateArray().Select(Compact)) + "]",
        JsonValueKind.String => JsonSerializer.Serialize(value.GetString(), Plain),
        _ => value.GetRawText(),
    };

    private static readonly JsonSerializerOptions Plain = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
