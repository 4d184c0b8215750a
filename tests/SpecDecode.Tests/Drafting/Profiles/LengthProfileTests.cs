using SpecDecode.Drafting;
using SpecDecode.Drafting.Profiles;
using SpecDecode.Generation;
using SpecDecode.Plans;

namespace SpecDecode.Tests.Drafting.Profiles;

/// <summary>Profiles that name a plan for each length of a text.</summary>
public sealed class LengthProfileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Of_several_plans_that_of_the_texts_length_drafts()
    {
        DraftPlan[] plans = [Exit(1), Exit(2, 100, 400), Exit(3, 200), Exit(4)];
        IReadOnlyList<DraftPlan> taken = SequenceDrafting.ByLength(plans).Plans;
        Assert.Equal(plans[..3], taken);
        Assert.Equal(
            [1, 1, 2, 2, 3, 3, 2, 2],
            ((int[])[1, 99, 100, 199, 200, 399, 400, 9999]).Select(length => FixedDraftPolicy.At(taken, length).Plan.Blocks.Length / 2));
    }

    [Fact]
    public void A_text_that_changes_its_plan_on_the_way_stays_that_of_plain_decoding()
    {
        string file = _folder.File("lengths.json");
        using TextModel model = PlainModel.Load(TestFolders.StoryModel, new ModelOptions { CacheFolder = TestFolders.WeightCache }, cancellationToken: TestContext.Current.CancellationToken);
        new DraftingProfile
        {
            Model = model.Identity,
            Plans =
            [
                new ProfilePlan { Plan = LayerPlan.EarlyExit(12, 2), DraftLength = 2 },
                new ProfilePlan { Plan = LayerPlan.LayerSkip(12, [3, 5, 7], [4, 6]), DraftLength = 4, FromLengths = [40] },
                new ProfilePlan { Plan = LayerPlan.EarlyExit(12, 6), DraftLength = 6, FromLengths = [80] },
            ],
        }.Save(file);
        GenerationRequest plain = new() { Prompt = "Once upon a time", MaxTokens = 110 };
        GenerationResult drafted = model.Generate(plain with { Drafting = new DraftingOptions { Profile = file } }, null, TestContext.Current.CancellationToken);
        Assert.Equal(model.Generate(plain, null, TestContext.Current.CancellationToken).Tokens, drafted.Tokens);

        // The first plan drafts two tokens at most, the second four, the third six.
        Assert.Equal(6, drafted.Drafting.AcceptedPerPosition.Count);
        Assert.True(drafted.Drafting.Accepted > 0);
    }

    [Fact]
    public void A_profile_of_an_earlier_version_is_read_as_before()
    {
        string file = _folder.File("old.json");
        MadeProfile.Exits(1, 2).Save(file);
        File.WriteAllText(file, File.ReadAllText(file).Replace("\"1.3\"", "\"1.1\"", StringComparison.Ordinal));
        DraftingProfile old = DraftingProfile.Load(file);
        Assert.Equal(MadeProfile.Exits(1, 2), old);
        Assert.Empty(old.Warnings);
        Assert.All(old.Plans, plan => Assert.Empty(plan.FromLengths));
    }

    private static DraftPlan Exit(int exit, params int[] lengths) => new() { Plan = LayerPlan.EarlyExit(8, exit), FromLengths = lengths };
}
