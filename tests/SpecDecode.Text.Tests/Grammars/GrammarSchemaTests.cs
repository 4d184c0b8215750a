using System.Globalization;
using SpecDecode.Grammars;

namespace SpecDecode.Tests.Grammars;

public sealed class GrammarSchemaTests
{
    private static readonly string[] Words =
        ["\":\"", "\",\"", "\":", "{\"", "\"}", "},{", "]}", "\\u00", "\\n", "name", "value", " the", "ing", "true", "null", "false", "12", "0.", "-1", "日本", "ü", "\U0001F600", "2024-"];

    // Seeds of each schema: SPECDECODE_TEST_GRAMMAR_SEEDS asks for others than these.
    private static readonly int Seeds =
        int.TryParse(Environment.GetEnvironmentVariable("SPECDECODE_TEST_GRAMMAR_SEEDS"), CultureInfo.InvariantCulture, out int count) ? count : TestScale.Cases(3, 20);

    [Fact]
    public void Texts_walked_by_the_masks_of_written_schemas_validate()
    {
        var vocabulary = GrammarTexts.Vocabulary(Words);
        int ended = 0, walked = 0;
        List<string> wrong = [];
        foreach (var (name, schema) in JsonSchemaTexts.Written)
        {
            foreach (var options in (JsonGrammarOptions[])[new(), new() { WhiteSpace = JsonWhiteSpace.Spaced }, new() { WhiteSpace = JsonWhiteSpace.Free, AllowExponents = true }])
            {
                var grammar = Grammar.OfJsonSchema(schema, options).For(vocabulary);
                var judge = JsonSchemaTexts.Build(schema);
                for (int seed = 0; seed < Seeds; seed++)
                {
                    walked++;
                    string? text = JsonSchemaTexts.Walk(grammar, new Random(seed));
                    if (text is null)
                        continue;
                    ended++;
                    if (!JsonSchemaTexts.Validates(judge, text))
                        wrong.Add($"{name}, seed {seed}, {options.WhiteSpace}: {text}");
                }
            }
        }
        Assert.True(wrong.Count == 0, string.Join("\n", wrong.Take(20)));
        Assert.True(ended > walked * 9 / 10, $"{ended} of {walked} texts ended.");
    }

    [Fact]
    public void Texts_walked_by_the_masks_of_random_schemas_validate()
    {
        var vocabulary = GrammarTexts.Vocabulary(Words);
        int ended = 0, walked = 0, refused = 0;
        List<string> wrong = [];
        const int Schemas = 300;
        for (int i = 0; i < Schemas; i++)
        {
            Random random = new(i);
            string schema = RandomSchemas.Make(random);
            JsonGrammarOptions options = new()
            {
                WhiteSpace = (JsonWhiteSpace)random.Next(3), PropertyOrder = (JsonPropertyOrder)random.Next(2), AllowUnlistedProperties = random.Next(4) == 0,
            };
            TokenGrammar grammar;
            try
            {
                grammar = Grammar.OfJsonSchema(schema, options).For(vocabulary);
            }
            catch (GrammarException)
            {
                refused++;
                continue;
            }
            var judge = JsonSchemaTexts.Build(schema);
            for (int seed = 0; seed < Seeds; seed++)
            {
                walked++;
                if (JsonSchemaTexts.Walk(grammar, new Random(seed)) is not { } text)
                    continue;
                ended++;
                if (!JsonSchemaTexts.Validates(judge, text))
                    wrong.Add($"seed {i}, {text} by {schema}");
            }
        }
        Assert.True(wrong.Count == 0, string.Join("\n", wrong.Take(20)));
        Assert.True(refused < Schemas / 5, $"{refused} schemas were refused.");
        Assert.True(ended > walked * 8 / 10, $"{ended} of {walked} texts ended.");
    }
}
