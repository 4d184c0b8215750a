using SpecDecode.Calibration;
using SpecDecode.Drafting;
using SpecDecode.Drafting.Profiles;
using SpecDecode.Generation;
using SpecDecode.Plans;
using SpecDecode.Sampling;

namespace SpecDecode.Tests.Generation;

/// <summary>Cascades on the real story model with a copy in 4 bits: texts are those of plain decoding, and drafts those of the plan alone, by every rule.</summary>
public sealed class CascadeTextTests : IDisposable
{
    private const int Layers = 12;

    private static readonly string[] Prompts =
        ["Once upon a time, there was a little bird who could not sing.", "Tom had a red ball.", "The dog saw a cat.", "Mia liked to draw. She drew a house and"];

    private static readonly SamplingOptions[] Ways =
    [
        SamplingOptions.Greedy,
        new() { Temperature = 0.9f, TopP = 0.95f, Seed = 5, Acceptance = AcceptanceRule.SharedNoise },
        new() { Temperature = 0.8f, TopK = 40, Seed = 6, Acceptance = AcceptanceRule.Rejection },
    ];

    private readonly TemporaryFolder _cache = new();

    public void Dispose() => _cache.Dispose();

    [Theory]
    [InlineData(Precision.Int4)]
    [InlineData(null)]
    public void Drafts_are_those_of_the_plan_alone_and_texts_those_of_plain_decoding(Precision? copy)
    {
        using TextModel model = Load(copy);
        DraftingStatistics all = new();
        foreach (SamplingOptions sampling in Ways)
        {
            GenerationRequest[] plain = [.. Prompts.Select(prompt => new GenerationRequest { Prompt = prompt, MaxTokens = 60, IgnoreEndOfSequence = true, Sampling = sampling })];
            IReadOnlyList<GenerationResult> expected = Write(model, plain, DraftingOptions.None);
            foreach (LayerPlan plan in (LayerPlan[])[copy is null ? LayerPlan.EarlyExit(Layers, 8) : LayerPlan.Full(Layers), LayerPlan.LayerSkip(Layers, [6, 8], [7, 9])])
            {
                DraftingOptions options = DraftingOptions.Of(plan) with { DraftLength = 6 };
                IReadOnlyList<GenerationResult> alone = Write(model, plain, options);
                foreach (DraftingOptions cascade in (DraftingOptions[])[
                    options with { CascadeExits = [2] }, options with { CascadeExits = [1, 4], CascadeLength = 2 }, options with { CascadeExits = [3], CascadeLength = 5, CascadeThreshold = 0.4f }])
                {
                    IReadOnlyList<GenerationResult> guessed = Write(model, plain, cascade);
                    for (int i = 0; i < plain.Length; i++)
                    {
                        Assert.Equal(alone[i].Tokens, guessed[i].Tokens);
                        Assert.Equal((alone[i].Drafting.Rounds, alone[i].Drafting.Drafted, alone[i].Drafting.Accepted), (guessed[i].Drafting.Rounds, guessed[i].Drafting.Drafted, guessed[i].Drafting.Accepted));
                        Assert.True(sampling.Acceptance == AcceptanceRule.Rejection || expected[i].Tokens.SequenceEqual(guessed[i].Tokens), $"text {i} parts");
                        all.Add(guessed[i].Drafting);
                    }
                }
            }
        }

        TestContext.Current.SendDiagnosticMessage($"{all}; {all.GuessesTaken} of {all.Guessed} guesses taken");
        Assert.True(all.GuessesTaken > 500 && all.Guessed > all.GuessesTaken + 100, $"{all.GuessesTaken} of {all.Guessed} guesses");
    }

    [Fact]
    public void Texts_of_many_ways_to_draft_stand_beside_each_other()
    {
        using TextModel model = Load(Precision.Int8);
        DraftingOptions whole = new() { Strategy = DraftingStrategy.EarlyExit };
        DraftingOptions[] ways =
        [
            DraftingOptions.None, whole with { CascadeExits = [2] }, whole, whole with { CascadeExits = [1, 2, 3], DraftLength = 9 }, new() { Strategy = DraftingStrategy.Auto },
            whole with { CascadeExits = [2], Threshold = 0.5f }, whole with { CascadeExits = [2], Policy = DraftingPolicy.ConfidenceStop },
        ];
        GenerationRequest[] requests = [.. ways.Select((way, i) => new GenerationRequest { Prompt = Prompts[i % Prompts.Length], MaxTokens = 70, IgnoreEndOfSequence = true, Drafting = way })];
        IReadOnlyList<GenerationResult> together = model.Generate(requests, cancellationToken: TestContext.Current.CancellationToken);
        for (int i = 0; i < requests.Length; i++)
        {
            Assert.Equal(model.Generate(requests[i] with { Drafting = DraftingOptions.None }, cancellationToken: TestContext.Current.CancellationToken).Tokens, together[i].Tokens);
        }
    }

    [Fact]
    public void What_calibrate_finds_and_a_profile_names_drafts_so()
    {
        using TextModel model = Load(Precision.Int4);
        CalibrationReport report = model.Calibrate(
            [.. Prompts.Select(prompt => new GenerationRequest { Prompt = prompt })],
            new CalibrationOptions { Methods = ["cascade"], Budget = TimeSpan.FromSeconds(6), MaxTokens = 40, MeasuredPlans = 1 }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.All(report.Plans, plan => Assert.Equal("cascade", plan.Method));
        Assert.All(report.Plans, plan => Assert.InRange(plan.CascadeExits.Count, 1, 2));
        Assert.Contains(report.Plans, plan => plan.UsesDraftWeights && plan.Plan.Equals(LayerPlan.Full(Layers)));
        Assert.True(report.Plans[0].SameText);

        string file = Path.Combine(_cache.Path, "profile.json");
        model.CreateProfile(report).Save(file);
        DraftingProfile profile = DraftingProfile.Load(file);
        Assert.Equal(report.Plans.Select(plan => plan.CascadeExits), profile.Plans.Select(plan => plan.CascadeExits));
        GenerationRequest request = new() { Prompt = Prompts[0], MaxTokens = 60, IgnoreEndOfSequence = true };
        GenerationResult drafted = model.Generate(request with { Drafting = new DraftingOptions { Profile = file } }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(drafted.Drafting.Guessed > 0);
        IReadOnlyList<int> plain = model.Generate(request, cancellationToken: TestContext.Current.CancellationToken).Tokens;
        Assert.Equal(plain, drafted.Tokens);

        // auto weighs them as it does all plans.
        GenerationResult auto = model.Generate(request with { Drafting = new DraftingOptions { Strategy = DraftingStrategy.Auto, Profile = file } }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(plain, auto.Tokens);
    }

    private static IReadOnlyList<GenerationResult> Write(TextModel model, GenerationRequest[] requests, DraftingOptions options) =>
        model.Generate([.. requests.Select(request => request with { Drafting = options })], cancellationToken: TestContext.Current.CancellationToken);

    private TextModel Load(Precision? copy) => PlainModel.Load(
        TestFolders.StoryModel, new ModelOptions { CacheFolder = _cache.Path, DraftPrecision = copy }, new RuntimeOptions());
}
