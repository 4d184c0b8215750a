using SpecDecode.LayerSearch;

namespace SpecDecode.Tests.LayerSearch;

/// <summary>Sets are proposed once each, and lead to a good one in fewer tries than chance alone.</summary>
public sealed class SkipProposalsTests
{
    private const int Bits = 20;

    [Fact]
    public void No_set_comes_twice_nor_the_best_itself_until_there_are_no_more()
    {
        SkipProposals proposals = new(4, new Random(1));
        bool[] best = new bool[4];
        HashSet<string> seen = [Text(best)];
        for (int turn = 0; turn < 40; turn++)
        {
            foreach (bool[] next in proposals.Next(best, 3))
            {
                Assert.True(seen.Add(Text(next)), $"{Text(next)} comes twice.");
                proposals.Note(next, next.Count(bit => bit));
                if (next.Count(bit => bit) > best.Count(bit => bit))
                {
                    best = next;
                }
            }
        }

        Assert.Equal(4, best.Count(bit => bit));
        Assert.True(seen.Count >= 14, $"{seen.Count} of 16 sets");
        Assert.Equal(seen.Count - 1, proposals.Tried);
    }

    [Fact]
    public void What_was_tried_may_come_again_once_it_is_forgotten()
    {
        SkipProposals proposals = new(1, new Random(1));
        bool[] next = Assert.Single(proposals.Next([false], 5));
        proposals.Note(next, 1);
        Assert.Empty(proposals.Next([false], 5));
        proposals.Forget();
        Assert.Single(proposals.Next([false], 5));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void A_good_set_is_found_in_few_of_a_million(int seed)
    {
        // Bits help or harm, some of them in pairs, and what is seen scatters.
        Random world = new(seed);
        double[] worth = [.. Enumerable.Range(0, Bits).Select(_ => world.NextDouble() - 0.4)];
        double[] pairs = [.. Enumerable.Range(0, Bits - 1).Select(_ => 0.4 * (world.NextDouble() - 0.5))];
        double True(bool[] set) => Enumerable.Range(0, Bits).Sum(i => set[i] ? worth[i] : 0) + Enumerable.Range(0, Bits - 1).Sum(i => set[i] && set[i + 1] ? pairs[i] : 0);
        double most = Enumerable.Range(0, 1 << Bits).AsParallel().Max(number => True([.. Enumerable.Range(0, Bits).Select(i => (number >> i & 1) == 1)]));

        SkipProposals proposals = new(Bits, new Random(seed));
        bool[] best = [.. Enumerable.Range(0, Bits).Select(i => i % 2 == 0)];
        double bestSeen = True(best);
        while (proposals.Tried < 150)
        {
            foreach (bool[] next in proposals.Next(best, 5))
            {
                double seen = True(next) + 0.05 * (world.NextDouble() - 0.5);
                proposals.Note(next, seen);
                if (seen > bestSeen)
                {
                    (best, bestSeen) = (next, seen);
                }
            }
        }

        TestContext.Current.SendDiagnosticMessage(FormattableString.Invariant($"{True(best):f3} of {most:f3}"));
        Assert.True(True(best) > 0.93 * most, FormattableString.Invariant($"{True(best)} of {most} in 150 tries"));
    }

    private static string Text(bool[] set) => string.Concat(set.Select(bit => bit ? '1' : '0'));
}
