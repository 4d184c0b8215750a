using SpecDecode.Drafting;
using SpecDecode.LayerSearch;

namespace SpecDecode.Tests.LayerSearch;

/// <summary>Acceptance that changes for good is noticed once, and chance is not.</summary>
public sealed class AcceptanceDriftTests
{
    [Fact]
    public void What_scatters_about_a_mean_is_no_drift_and_another_mean_is_one()
    {
        Random random = new(5);
        AcceptanceDrift drift = new();
        bool Note(double chance) => drift.Note(Text(random, chance));
        for (int i = 0; i < 20; i++)
        {
            Assert.False(Note(0.6));
        }

        drift.Mark();
        for (int i = 0; i < 300; i++)
        {
            Assert.False(Note(0.6), $"Text {i} is taken for a drift.");
        }

        int texts = 0;
        while (!Note(0.35))
        {
            Assert.True(++texts < 30, "The drift is not noticed.");
        }

        // Nothing is marked now, so nothing drifts.
        for (int i = 0; i < 100; i++)
        {
            Assert.False(Note(i < 50 ? 0.1 : 0.9));
        }
    }

    [Fact]
    public void A_mark_that_comes_before_anything_is_known_holds_from_when_it_is()
    {
        AcceptanceDrift drift = new();
        Random random = new(6);
        drift.Mark();
        Assert.Null(drift.Share);
        for (int i = 0; i < 40; i++)
        {
            Assert.False(drift.Note(Text(random, 0.8)));
        }

        int texts = 0;
        while (!drift.Note(Text(random, 0.5)))
        {
            Assert.True(++texts < 30, "The drift is not noticed.");
        }
    }

    [Fact]
    public void Texts_without_drafts_say_nothing()
    {
        AcceptanceDrift drift = new();
        drift.Mark();
        for (int i = 0; i < 100; i++)
        {
            Assert.False(drift.Note(new DraftingStatistics()));
        }

        Assert.Null(drift.Share);
    }

    private static DraftingStatistics Text(Random random, double chance)
    {
        int accepted = Enumerable.Range(0, 60).Count(_ => random.NextDouble() < chance);
        return new DraftingStatistics { Evaluated = 60, Accepted = accepted, Drafted = 80 };
    }
}
