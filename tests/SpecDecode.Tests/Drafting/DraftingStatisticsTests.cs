using SpecDecode.Drafting;

namespace SpecDecode.Tests.Drafting;

public sealed class DraftingStatisticsTests
{
    [Fact]
    public void Rounds_are_counted_by_the_length_of_their_draft_and_what_was_accepted_of_it()
    {
        DraftingStatistics one = new(), other = new();
        foreach ((int drafted, int accepted) in ((int, int)[])[(0, 0), (2, 1), (2, 1), (2, 2), (64, 64), (1, 0)])
        {
            one.Add(Round(drafted, accepted));
        }

        other.Add(Round(3, 2));
        other.Add(one);
        foreach (DraftingStatistics statistics in (DraftingStatistics[])[one, other])
        {
            Assert.Equal([1, 0], statistics.RoundsByDraftLength[1]);
            Assert.Equal([0, 2, 1], statistics.RoundsByDraftLength[2]);
            Assert.Equal(1, statistics.RoundsByDraftLength[64][64]);
            Assert.Equal(statistics.Drafted, statistics.RoundsByDraftLength.Sum(length => (long)length.Key * length.Value.Sum()));
            Assert.Equal(statistics.Accepted, statistics.RoundsByDraftLength.Sum(length => length.Value.Select((rounds, accepted) => (long)rounds * accepted).Sum()));
        }

        Assert.Equal([1, 2, 64], one.RoundsByDraftLength.Keys.Order());
        Assert.Equal([0, 0, 1, 0], other.RoundsByDraftLength[3]);
        Assert.Equal([0, 2, 1], new DraftingStatistics { RoundsByDraftLength = one.RoundsByDraftLength }.RoundsByDraftLength[2]);
        Assert.Throws<ArgumentException>(() => new DraftingStatistics { RoundsByDraftLength = new Dictionary<int, IReadOnlyList<int>> { [2] = [1, 2] } });
        Assert.Throws<ArgumentException>(() => new DraftingStatistics { RoundsByDraftLength = new Dictionary<int, IReadOnlyList<int>> { [65] = [1] } });
    }

    private static RoundRecord Round(int drafted, int accepted) => new()
    {
        Drafted = drafted, Evaluated = Math.Min(drafted, accepted + 1), Accepted = accepted, Appended = accepted + 1,
        VerifierToken = drafted == 0 ? TokenSource.Plain : accepted == drafted ? TokenSource.Bonus : TokenSource.Correction,
        DraftRows = drafted, VerifyRows = drafted + 1, DraftTime = TimeSpan.Zero, VerifyTime = TimeSpan.Zero,
    };
}
