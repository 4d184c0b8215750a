using System.Globalization;
using SpecDecode.Constraints;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Grammars;
using SpecDecode.Plans;
using SpecDecode.Sampling;
using SpecDecode.Tests.Grammars;

#pragma warning disable xUnit1051 // Every call takes seconds at most.

namespace SpecDecode.Tests.Generation;

/// <summary>Texts of the story model that are held to a form: valid where they end, and the same with drafts and without.</summary>
[Collection(nameof(TalesModels))]
public class StructuredOutputTests(TalesModels models)
{
    private const int Layers = 12;
    private const int Tokens = 96;

    // A tenth by default, all in long runs: SPECDECODE_TEST_GRAMMAR_TEXTS asks for so many of 300 schemas, three seeds each.
    private static readonly int Schemas = int.TryParse(Environment.GetEnvironmentVariable("SPECDECODE_TEST_GRAMMAR_TEXTS"), CultureInfo.InvariantCulture, out int count) ? count : TestScale.Cases(90, 300);
    private static readonly int Seeds = Schemas > 90 ? 3 : 1;

    private static readonly DraftingOptions[] Drafts =
    [
        DraftingOptions.EarlyExit(2), DraftingOptions.Of(LayerPlan.Full(Layers)), DraftingOptions.Of(LayerPlan.LayerSkip(Layers, [4, 6, 8], [3, 5, 7, 9])),
    ];

    [Fact]
    public void Texts_by_a_schema_validate_and_are_the_same_drafted_and_plain()
    {
        List<string> wrong = [];
        int texts = 0, ended = 0;
        long forced = 0;
        foreach ((string name, string schema, Grammar grammar) in Sources().Take(Schemas))
        {
            for (int seed = 1; seed <= Seeds; seed++)
            {
                GenerationRequest request = new()
                {
                    Prompt = "Once upon a time", MaxTokens = Tokens, Grammar = grammar, Sampling = new SamplingOptions { Temperature = 1, Seed = seed + (100 * texts) },
                    Drafting = DraftingOptions.None,
                };
                GenerationResult plain = models.Wide.Generate(request);
                GenerationResult drafted = models.Wide.Generate(request with { Drafting = Drafts[texts % Drafts.Length] });
                texts++;
                forced += drafted.Drafting.Forced;
                if (!plain.Tokens.SequenceEqual(drafted.Tokens))
                {
                    wrong.Add($"{name}: '{plain.Text}' is '{drafted.Text}' when drafted");
                }

                if (plain.FinishReason != FinishReason.Stop)
                {
                    continue;
                }

                ended++;
                if (!JsonSchemaTexts.Validates(JsonSchemaTexts.Build(schema), plain.Text!))
                {
                    wrong.Add($"{name}: '{plain.Text}' is not valid");
                }
            }
        }

        TestContext.Current.SendDiagnosticMessage($"{texts} texts, {ended} of them ended by themselves; {forced} forced tokens");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong.Take(10)));
        Assert.True(ended > texts / 4, $"{ended} of {texts} texts ended by themselves.");
        Assert.True(forced > texts, $"{forced} tokens were forced in {texts} texts.");
    }

    [Fact]
    public void A_choice_an_expression_and_rules_hold_greedy_texts()
    {
        Assert.Contains(Text(Grammar.OfChoices(["a dragon", "a small boat", "nothing"])), (string[])["a dragon", "a small boat", "nothing"]);
        Assert.Matches("^[A-Z][a-z]{2,9} has [0-9]{1,3} apples\\.$", Text(Grammar.OfRegex("[A-Z][a-z]{2,9} has [0-9]{1,3} apples\\.")));
        Assert.Matches("^(ab|cd){2,4}\\.$", Text(Grammar.OfGbnf("root ::= pair{2,4} \".\"\npair ::= \"ab\" | \"cd\"")));

        string Text(Grammar grammar)
        {
            GenerationRequest request = new() { Prompt = "The dog saw", Grammar = grammar, MaxTokens = 60, Drafting = DraftingOptions.None, Sampling = new SamplingOptions() };
            GenerationResult plain = models.Wide.Generate(request);
            Assert.Equal(plain.Tokens, models.Wide.Generate(request with { Drafting = DraftingOptions.EarlyExit(3) }).Tokens);
            Assert.Equal(FinishReason.Stop, plain.FinishReason);
            return plain.Text!;
        }
    }

    [Fact]
    public void Rejection_sampling_and_batches_keep_to_the_form()
    {
        Grammar grammar = Grammar.OfRegex("\\{\"mood\":\"(good|bad|so-so)\",\"stars\":[1-5]\\}");
        foreach (AcceptanceRule rule in (AcceptanceRule[])[AcceptanceRule.Rejection, AcceptanceRule.SharedNoise])
        {
            GenerationResult result = models.Wide.Generate(new GenerationRequest
            {
                Prompt = "The film was", Grammar = grammar, MaxTokens = 60, Choices = 8, Drafting = DraftingOptions.EarlyExit(3),
                Sampling = new SamplingOptions { Temperature = 1.5f, Seed = 7, Acceptance = rule },
            });
            Assert.All(result.Choices, choice => Assert.Matches("^\\{\"mood\":\"(good|bad|so-so)\",\"stars\":[1-5]\\}$", choice.Text));
        }
    }

    [Fact]
    public void Forced_runs_are_accepted_and_counted_by_themselves()
    {
        Grammar grammar = Grammar.OfJsonSchema("""
            {"type":"object","properties":{"the_name_of_the_little_dog":{"enum":["Max","Spot"]},"whether_it_likes_the_park":{"type":"boolean"}},
            "required":["the_name_of_the_little_dog","whether_it_likes_the_park"]}
            """);
        GenerationResult result = models.Wide.Generate(new GenerationRequest
        {
            Prompt = "There was a dog", Grammar = grammar, MaxTokens = 90, Drafting = DraftingOptions.EarlyExit(1), Sampling = new SamplingOptions(),
        });
        Assert.Equal(FinishReason.Stop, result.FinishReason);
        Assert.StartsWith("{\"the_name_of_the_little_dog\":\"", result.Text, StringComparison.Ordinal);
        Assert.InRange(result.Drafting.Forced, 8, long.MaxValue);
    }

    [Fact]
    public void A_text_that_is_cut_is_the_beginning_of_one_that_fits()
    {
        GenerationResult result = models.Wide.Generate(new GenerationRequest
        {
            Prompt = "Once", Grammar = Grammar.OfJsonSchema("""{"type":"array","items":{"type":"string","minLength":5},"minItems":20}"""), MaxTokens = 25, Sampling = new SamplingOptions(),
        });
        Assert.Equal(FinishReason.Length, result.FinishReason);
        Assert.StartsWith("[\"", result.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_text_that_nothing_can_end_is_refused()
    {
        GenerationRequest request = new() { Prompt = "Once", Grammar = Grammar.OfJsonObject(), IgnoreEndOfSequence = true };
        Assert.Contains("No token ends the text", Assert.Throws<SpecDecodeException>(() => models.Wide.Generate(request)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tokens_that_the_form_does_not_allow_are_taken_back_like_others()
    {
        var tokenizer = models.Wide.Tokenizer!;
        TokenConstraintContext context = new(new int[] { 1 }, tokenizer.VocabularySize, new HashSet<int> { 2 }, tokenizer);
        ITokenConstraintState state = new GrammarConstraint(Grammar.OfChoices(["a cat", "a dog"])).Begin(context);
        float[] before = Masked(state);
        int allowed = Array.FindIndex(before, float.IsFinite), banned = Array.FindIndex(before, float.IsNegativeInfinity);
        Assert.True(state.Allows(allowed));
        Assert.False(state.Allows(banned));
        state.Advance(allowed);
        float[] behind = Masked(state);
        state.Advance(banned);
        state.Advance(allowed);
        Assert.All(Masked(state), logit => Assert.True(float.IsFinite(logit)));
        state.Rollback(2);
        Assert.Equal(behind, Masked(state));
        state.Rollback(1);
        Assert.Equal(before, Masked(state));

        float[] Masked(ITokenConstraintState at)
        {
            float[] logits = new float[tokenizer.VocabularySize];
            at.Process(logits);
            return logits;
        }
    }

    private static IEnumerable<(string Name, string Schema, Grammar Grammar)> Sources()
    {
        foreach ((string name, string schema) in JsonSchemaTexts.Written)
        {
            yield return (name, schema, Grammar.OfJsonSchema(schema));
        }

        for (int seed = 0; ; seed++)
        {
            string schema = RandomSchemas.Make(new Random(seed));
            Grammar grammar;
            try
            {
                grammar = Grammar.OfJsonSchema(schema);
            }
            catch (GrammarException)
            {
                continue;
            }

            yield return ($"random {seed}", schema, grammar);
        }
    }
}
