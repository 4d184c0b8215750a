using System.Collections.Immutable;
using SpecDecode.Plans;

namespace SpecDecode.Tests.Plans;

public sealed class SegmentsTests
{
    [Fact]
    public void The_full_plan_alone_is_one_segment() =>
        Assert.Equal(["A0 M0 A1 M1 A2 M2"], Cut(3));

    [Fact]
    public void An_early_exit_cuts_at_its_depth() =>
        Assert.Equal(["A0 M0 A1 M1", "A2 M2 A3 M3"], Cut(4, LayerPlan.EarlyExit(4, 2)));

    [Fact]
    public void A_skip_set_cuts_around_what_it_leaves_out() =>
        Assert.Equal(["A0 M0 A1", "M1 A2", "M2 A3 M3"], Cut(4, LayerPlan.LayerSkip(4, [2], [1])));

    [Fact]
    public void Blocks_in_another_order_stand_alone() =>
        Assert.All(Cut(3, LayerPlan.Of(3, LayerPlan.Full(3).Blocks.Reverse())), segment => Assert.DoesNotContain(' ', segment));

    [Fact]
    public void A_stretch_that_runs_twice_is_one_segment() =>
        Assert.Equal(["A0 M0", "A1 M1", "A2 M2"], Cut(3, LayerPlan.Of(3, [.. LayerPlan.EarlyExit(3, 2).Blocks, .. LayerPlan.EarlyExit(3, 2).Blocks.Skip(2)])));

    /// <summary>Of random sets of plans, against the definition: a stretch is a segment where nothing longer around it is together in every run.</summary>
    [Fact]
    public void Segments_of_any_set_of_plans_are_the_longest_stretches_that_always_run_together()
    {
        Random random = new(1);
        for (int trial = 0; trial < 2_000; trial++)
        {
            int layers = random.Next(1, 7);
            LayerPlan[] plans = [.. Enumerable.Range(0, random.Next(0, 5)).Select(_ => AnyPlan(random, layers))];
            ImmutableArray<Block>[] runs = [.. Segments.Runs(layers, plans)];
            ImmutableArray<ImmutableArray<Block>> segments = Segments.Cut(runs);
            string what = $"trial {trial}, {layers} layers: {string.Join(" | ", plans.Select(plan => plan.ToString()))}";

            // Every block is in exactly one, and every run is made of whole ones.
            Assert.True(segments.SelectMany(segment => segment).Order(ByPlace).SequenceEqual(runs.SelectMany(run => run).Distinct().Order(ByPlace)), what);
            foreach (ImmutableArray<Block> run in runs)
            {
                int place = 0;
                while (place < run.Length)
                {
                    ImmutableArray<Block> segment = Assert.Single(segments, each => each[0] == run[place]);
                    Assert.True(run.AsSpan()[place..].StartsWith(segment.AsSpan()), what);
                    place += segment.Length;
                }
            }

            // Two of them could be one only if they were neighbours in every run that has either; so they are as long as they can be.
            foreach (ImmutableArray<Block> first in segments)
            {
                foreach (ImmutableArray<Block> second in segments)
                {
                    Assert.False(AlwaysTogether(runs, first[^1], second[0]), $"{what}: {string.Join(' ', first)} and {string.Join(' ', second)}");
                }
            }
        }
    }

    [Fact]
    public void Passes_that_draft_and_verify_are_runs_of_the_plans()
    {
        // What the verifier runs between the depths at which rows join, whichever rounds are in the batch.
        LayerPlan[] plans = [LayerPlan.EarlyExit(5, 1), LayerPlan.EarlyExit(5, 3), LayerPlan.LayerSkip(5, [2], [])];
        ImmutableArray<ImmutableArray<Block>> segments = Segments.Cut(Segments.Runs(5, plans));
        ImmutableArray<Block> full = LayerPlan.Full(5).Blocks;
        int[] depths = [0, .. plans.Select(plan => plan.ExactDepth), full.Length];
        foreach (int from in depths)
        {
            foreach (int to in depths.Where(to => to > from))
            {
                Assert.Contains(segments, segment => segment[0] == full[from]);
                Assert.Contains(segments, segment => segment[^1] == full[to - 1]);
            }
        }
    }

    private static IComparer<Block> ByPlace { get; } = Comparer<Block>.Create((a, b) => (a.Layer, a.Kind).CompareTo((b.Layer, b.Kind)));

    private static IEnumerable<string> Cut(int layers, params LayerPlan[] plans) =>
        Segments.Cut(Segments.Runs(layers, plans)).Select(segment => string.Join(' ', segment)).Order(StringComparer.Ordinal).OrderBy(segment => segment[1]).ThenBy(segment => segment[0]);

    private static bool AlwaysTogether(IEnumerable<ImmutableArray<Block>> runs, Block first, Block second)
    {
        foreach (ImmutableArray<Block> run in runs)
        {
            for (int i = 0; i < run.Length; i++)
            {
                if ((run[i] == first && (i == run.Length - 1 || run[i + 1] != second)) || (run[i] == second && (i == 0 || run[i - 1] != first)))
                {
                    return false;
                }
            }
        }

        return true;
    }

    private static LayerPlan AnyPlan(Random random, int layers)
    {
        Block[] full = [.. LayerPlan.Full(layers).Blocks];
        switch (random.Next(4))
        {
            case 0:
                return LayerPlan.EarlyExit(layers, random.Next(1, layers + 1));
            case 1:
                return LayerPlan.LayerSkip(layers, Some(), Some());
            case 2:
                // With stretches run again.
                int start = random.Next(full.Length);
                return LayerPlan.Of(layers, [.. full, .. full[start..]]);
            default:
                random.Shuffle(full);
                return LayerPlan.Of(layers, full.Take(random.Next(full.Length + 1)));
        }

        int[] Some() => [.. Enumerable.Range(0, layers).Where(_ => random.Next(3) == 0)];
    }
}
