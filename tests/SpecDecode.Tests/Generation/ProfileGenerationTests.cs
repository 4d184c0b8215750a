using SpecDecode.Drafting;
using SpecDecode.Drafting.Profiles;
using SpecDecode.Generation;
using SpecDecode.Plans;

namespace SpecDecode.Tests.Generation;

/// <summary>Profiles of the story model: the text stays, and folders of the same checkpoint are the same model.</summary>
public sealed class ProfileGenerationTests : IDisposable
{
    private readonly StoryFolder _story = new();
    private readonly TemporaryFolder _cache = new();

    private static GenerationRequest Request { get; } = new() { Prompt = "Once upon a time", MaxTokens = 100, IgnoreEndOfSequence = true };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _story.Dispose();
        _cache.Dispose();
    }

    [Fact]
    public void The_text_by_a_profile_is_that_of_plain_decoding_and_its_plan_is_what_drafts()
    {
        using TextModel model = Load(_story.Path);
        DraftingProfile profile = Profile(model.Identity, 3, 2);
        string path = _cache.File("named.json");
        profile.Save(path);
        GenerationResult plain = model.Generate(Request, cancellationToken: Cancellation);
        DraftingOptions[] ways =
        [
            new() { Profile = path }, new() { Profile = path, Strategy = "auto" }, DraftingOptions.None.WithProfile(profile),
            DraftingOptions.None.WithProfile(profile with { Plans = [new ProfilePlan { Plan = LayerPlan.LayerSkip(12, [5, 6], [7]), DraftLength = 2 }] }),
        ];
        foreach (DraftingOptions drafting in ways)
        {
            Assert.Empty(model.CheckDrafting(drafting));
            GenerationResult drafted = model.Generate(Request with { Drafting = drafting }, cancellationToken: Cancellation);
            Assert.Equal(plain.Tokens, drafted.Tokens);
            Assert.True(drafted.Drafting.Drafted > 0);
        }

        // The same as with the options that the plan's are.
        GenerationResult byProfile = model.Generate(Request with { Drafting = ways[0] }, cancellationToken: Cancellation);
        GenerationResult byOptions = model.Generate(Request with { Drafting = profile.Plans[0].ToOptions(model.LayerCount) }, cancellationToken: Cancellation);
        Assert.Equal(byOptions.Drafting.AcceptedPerPosition, byProfile.Drafting.AcceptedPerPosition);
        Assert.Equal(byOptions.Drafting.Drafted, byProfile.Drafting.Drafted);
    }

    [Fact]
    public void A_folder_that_was_prepared_of_a_checkpoint_in_any_precision_is_the_same_model_and_takes_its_profile_along()
    {
        DraftingProfile profile;
        using (TextModel model = Load(_story.Path))
        {
            Assert.Equal(("llama", 12, 4096, 32), (model.Identity.Family, model.Identity.LayerCount, model.Identity.VocabularySize, model.Identity.Fingerprint!.Length));
            Assert.Null(model.Profile);
            profile = Profile(model.Identity, 4);
        }

        profile.Save(Path.Combine(_story.Path, DraftingProfile.FileName));
        foreach (Precision precision in (Precision[])[Precision.Stored, Precision.Int8])
        {
            string prepared = _cache.File($"prepared-{precision}");
            SpecDecode.Models.ModelPreparation.Prepare(_story.Path, new ModelOptions { Precision = precision, CacheFolder = _cache.File("weights") }, prepared, cancellationToken: Cancellation);
            using TextModel model = Load(prepared);
            Assert.Equal(profile.Model, model.Identity);
            Assert.Equal(profile, model.Profile);
            Assert.Empty(model.Warnings);
            GenerationResult drafted = model.Generate(Request with { Drafting = new() { Profile = Path.Combine(_story.Path, DraftingProfile.FileName) } }, cancellationToken: Cancellation);
            Assert.Equal(model.Generate(Request, cancellationToken: Cancellation).Tokens, drafted.Tokens);
            Assert.True(drafted.Drafting.Drafted > 0);
            Assert.Equal(profile, TextModel.Inspect(prepared).Profile);
        }

        // The cache of another precision gives the same fingerprint, too.
        using TextModel rounded = PlainModel.Load(_story.Path, new ModelOptions { Precision = Precision.Int4, CacheFolder = _cache.File("weights") }, cancellationToken: Cancellation);
        Assert.Equal(profile.Model, rounded.Identity);
    }

    [Fact]
    public void A_profile_in_the_folder_is_for_auto_alone()
    {
        string path = Path.Combine(_story.Path, DraftingProfile.FileName);
        using (TextModel model = Load(_story.Path))
        {
            Profile(model.Identity, 4).Save(path);
        }

        using TextModel found = Load(_story.Path);
        Assert.NotNull(found.Profile);
        GenerationResult plain = found.Generate(Request, cancellationToken: Cancellation);
        Assert.Equal(0, plain.Drafting.Drafted);
        NotedPlans noted = new();
        GenerationResult drafted = found.Generate(Request with { Drafting = new DraftingOptions { Strategy = "auto" }.WithPolicy(noted) }, cancellationToken: Cancellation);
        Assert.Equal([LayerPlan.EarlyExit(12, 4)], noted.Plans!.Select(plan => plan.Plan));
        Assert.Equal(plain.Tokens, drafted.Tokens);
        Assert.Equal(plain.Tokens, found.Generate(Request with { Drafting = new() { Strategy = "auto" } }, cancellationToken: Cancellation).Tokens);
    }

    [Theory]
    [InlineData("layers", "of a model with 11 layers, and this one has 12")]
    [InlineData("weights", "its weights or its config.json")]
    [InlineData("damage", "is not valid JSON")]
    public void A_profile_that_is_not_the_models_is_passed_over_in_its_folder_and_refused_where_it_is_named(string difference, string sentence)
    {
        string path = Path.Combine(_story.Path, DraftingProfile.FileName);
        ModelIdentity identity;
        using (TextModel model = Load(_story.Path))
        {
            identity = model.Identity;
        }

        Profile(difference == "layers" ? identity with { LayerCount = 11 } : identity with { Fingerprint = new string('a', 32) }, 2).Save(path);
        if (difference == "damage")
        {
            File.WriteAllText(path, "{ \"version\": ");
        }

        using TextModel found = Load(_story.Path);
        Assert.Null(found.Profile);
        string warning = Assert.Single(found.Warnings);
        Assert.StartsWith(path, warning, StringComparison.Ordinal);
        Assert.Contains(sentence, warning, StringComparison.Ordinal);
        Assert.Contains("not used", warning, StringComparison.Ordinal);
        Assert.True(found.Generate(Request with { Drafting = new() { Strategy = "auto" } }, cancellationToken: Cancellation).Tokens.Count == 100);

        // The fingerprint of a checkpoint is not known without reading it, unless the default cache folder has it.
        Assert.True(difference == "weights" || TextModel.Inspect(_story.Path).Profile is null);

        GenerationRequest named = Request with { Drafting = new() { Profile = path } };
        string refusal = Assert.Throws<OptionException>(() => found.Generate(named, cancellationToken: Cancellation)).Message;
        Assert.StartsWith("Profile", refusal, StringComparison.Ordinal);
        Assert.Contains(sentence, refusal, StringComparison.Ordinal);
        Assert.Equal(refusal, Assert.Throws<OptionException>(() => found.CheckDrafting(named.Drafting!)).Message);
    }

    private TextModel Load(string folder) => PlainModel.Load(folder, new ModelOptions { CacheFolder = _cache.File("weights") }, cancellationToken: Cancellation);

    private static DraftingProfile Profile(ModelIdentity model, params int[] exits) => new()
    {
        Model = model, Plans = [.. exits.Select(exit => new ProfilePlan { Plan = LayerPlan.EarlyExit(Math.Max(model.LayerCount, exit), exit), DraftLength = 3, Threshold = 0.3f })],
    };

    /// <summary>Notes what it may choose from, and takes the first.</summary>
    private sealed class NotedPlans : IDraftPolicy
    {
        public IReadOnlyList<DraftPlan>? Plans { get; private set; }

        public void Plan(DraftStep drafts)
        {
            Plans = drafts.Drafts[0].Plans;
            drafts.Drafts[0].Choose(Plans[0], 1);
        }

        public void AfterPass(DraftStep drafts, DraftPass pass)
        {
        }

        public void Observe(DraftStep drafts)
        {
        }
    }
}
