using SpecDecode.Evaluation;
using SpecDecode.Plans;

namespace SpecDecode.Calibration;

/// <summary>Plans as sets of blocks that are left out: a bit for each block that may be.</summary>
internal static class SkipSets
{
    /// <summary>The plan that leaves out the optional blocks whose bit is set.</summary>
    /// <param name="search">The search.</param>
    /// <param name="skipped">A bit for each of <see cref="IPlanSearch.Optional"/>.</param>
    public static PlanCandidate Candidate(IPlanSearch search, ReadOnlySpan<bool> skipped)
    {
        HashSet<Block> left = [];
        for (int i = 0; i < skipped.Length; i++)
        {
            if (skipped[i])
            {
                left.Add(search.Optional[i]);
            }
        }

        return Candidate(search, left);
    }

    /// <summary>The plan that leaves out some blocks.</summary>
    public static PlanCandidate Candidate(IPlanSearch search, IReadOnlySet<Block> skipped) => new(
        LayerPlan.Of(search.LayerCount, LayerPlan.Full(search.LayerCount).Blocks.Where(block => !skipped.Contains(block))), search.Weights[0]);

    /// <summary>The layers of which both blocks may be left out.</summary>
    public static IReadOnlyList<int> OptionalLayers(IPlanSearch search) =>
        [.. search.Optional.GroupBy(block => block.Layer).Where(blocks => blocks.Count() == 2).Select(blocks => blocks.Key)];

    /// <summary>A random set in which each bit is set with a certain chance.</summary>
    public static bool[] Draw(Random random, int bits, double chance)
    {
        bool[] skipped = new bool[bits];
        for (int i = 0; i < bits; i++)
        {
            skipped[i] = random.NextDouble() < chance;
        }

        return skipped;
    }
}
