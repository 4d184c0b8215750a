using System.Globalization;
using System.Text.Json;
using SpecDecode.Drafting;
using SpecDecode.Evaluation;
using SpecDecode.Generation;
using SpecDecode.Plans;

namespace SpecDecode.Tests.Reference;

public sealed class FixtureTests
{
    public static TheoryData<string> Folders =>
        [.. Directory.GetDirectories(TestFolders.Fixtures).Select(folder => Path.GetFileName(folder)).Order()];

    [Theory]
    [MemberData(nameof(Folders))]
    public void Full_depth_every_exit_layer_and_the_skip_set_agree_with_the_reference(string fixture)
    {
        using TextModel model = Load(fixture);
        using JsonDocument json = Expected(fixture);
        int[] tokens = Expectation.Integers(json.RootElement.GetProperty("tokens"));
        void Check(JsonElement expected, LayerPlan plan, string what)
        {
            LogitsResult result = model.Evaluate(tokens, plan, TestContext.Current.CancellationToken);
            Expectation.Read(expected).Check(result.LastLogits, result.ArgMaxPerPosition, $"{fixture}, {what}");
        }

        Check(json.RootElement, LayerPlan.Full(model.LayerCount), "full depth");
        foreach (JsonProperty exit in json.RootElement.GetProperty("exit_layer").EnumerateObject())
        {
            Check(exit.Value, LayerPlan.EarlyExit(model.LayerCount, int.Parse(exit.Name, CultureInfo.InvariantCulture)), $"exit layer {exit.Name}");
        }

        JsonElement skip = json.RootElement.GetProperty("skip");
        LayerPlan plan = LayerPlan.LayerSkip(
            model.LayerCount, Expectation.Integers(skip.GetProperty("attention")), Expectation.Integers(skip.GetProperty("mlp")));
        Check(skip, plan, "skip set");

        // What the skip set alone would write: at each place the best token after all that went before.
        int[] prompt = tokens[..json.RootElement.GetProperty("greedy_prompt_length").GetInt32()];
        int[] greedy = Expectation.Integers(skip.GetProperty("greedy"));
        LogitsResult written = model.Evaluate([.. prompt, .. greedy], plan, TestContext.Current.CancellationToken);
        Expectation.CheckGreedy(
            greedy, Expectation.Numbers(skip.GetProperty("greedy_margin")), [.. written.ArgMaxPerPosition.Skip(prompt.Length - 1).SkipLast(1)],
            $"{fixture}, skip set");
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void The_greedy_continuation_is_the_references(string fixture)
    {
        using TextModel model = Load(fixture);
        using JsonDocument json = Expected(fixture);
        int[] tokens = Expectation.Integers(json.RootElement.GetProperty("tokens"));
        int[] greedy = Expectation.Integers(json.RootElement.GetProperty("greedy"));
        GenerationResult result = model.Generate(new GenerationRequest
        {
            Tokens = tokens[..json.RootElement.GetProperty("greedy_prompt_length").GetInt32()],
            MaxTokens = greedy.Length,
            IgnoreEndOfSequence = true,
        }, cancellationToken: TestContext.Current.CancellationToken);

        Expectation.CheckGreedy(greedy, Expectation.Numbers(json.RootElement.GetProperty("greedy_margin")), result.Tokens, fixture);
        Assert.Null(result.Text);
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void The_greedy_continuation_comes_out_the_same_drafted(string fixture)
    {
        using TextModel model = Load(fixture);
        using JsonDocument json = Expected(fixture);
        int[] tokens = Expectation.Integers(json.RootElement.GetProperty("tokens"));
        int[] greedy = Expectation.Integers(json.RootElement.GetProperty("greedy"));
        JsonElement skip = json.RootElement.GetProperty("skip");
        LayerPlan[] plans =
        [
            .. Enumerable.Range(1, model.LayerCount).Select(exit => LayerPlan.EarlyExit(model.LayerCount, exit)),
            LayerPlan.LayerSkip(
                model.LayerCount, Expectation.Integers(skip.GetProperty("attention")), Expectation.Integers(skip.GetProperty("mlp"))),
        ];
        IReadOnlyList<GenerationResult> results = model.Generate(
            [.. plans.Select((plan, i) => new GenerationRequest
            {
                Tokens = tokens[..json.RootElement.GetProperty("greedy_prompt_length").GetInt32()],
                MaxTokens = greedy.Length,
                IgnoreEndOfSequence = true,
                Drafting = DraftingOptions.Of(plan) with { DraftLength = 1 + i * 3 },
            })],
            cancellationToken: TestContext.Current.CancellationToken);
        for (int i = 0; i < plans.Length; i++)
        {
            Expectation.CheckGreedy(
                greedy, Expectation.Numbers(json.RootElement.GetProperty("greedy_margin")), results[i].Tokens, $"{fixture}, {plans[i]}");
        }
    }

    private static TextModel Load(string fixture) =>
        PlainModel.Load(Path.Combine(TestFolders.Fixtures, fixture), new ModelOptions { CacheFolder = TestFolders.WeightCache });

    private static JsonDocument Expected(string fixture) =>
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(TestFolders.Fixtures, fixture, "expected.json")));
}
