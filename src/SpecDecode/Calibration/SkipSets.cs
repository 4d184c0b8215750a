using SpecDecode.Evaluation;
using SpecDecode.Plans;
using SpecDecode.Stages;

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
    public static PlanCandidate Candidate(IPlanSearch search, IReadOnlySet<Block> skipped) => Candidate(search.LayerCount, search.Weights[0], skipped);

    /// <summary>The plan of a model that leaves out some blocks.</summary>
    public static PlanCandidate Candidate(int layerCount, WeightSet weights, IReadOnlySet<Block> skipped) =>
        new(LayerPlan.Of(layerCount, LayerPlan.Full(layerCount).Blocks.Where(block => !skipped.Contains(block))), weights);

    /// <summary>The layers of which both blocks may be left out.</summary>
    public static IReadOnlyList<int> OptionalLayers(IPlanSearch search) =>
        [.. search.Optional.GroupBy(block => block.Layer).Where(blocks => blocks.Count() == 2).Select(blocks => blocks.Key)];

    /// <summary>Scores plans, a batch at a time.</summary>
    /// <param name="search">The search.</param>
    /// <param name="plans">The plans, of which each counts once.</param>
    /// <returns>The plans with their scores; null where the budget is used up.</returns>
    public static IReadOnlyList<(PlanCandidate Plan, PlanScore Score)>? Score(IPlanSearch search, IEnumerable<PlanCandidate> plans)
    {
        List<(PlanCandidate, PlanScore)> scored = [];
        foreach (PlanCandidate[] batch in plans.Distinct().Chunk(SearchBatch.Plans))
        {
            if (!search.TryScore(batch, out IReadOnlyList<PlanScore>? scores))
            {
                return null;
            }

            scored.AddRange(batch.Zip(scores));
        }

        return scored;
    }

    /// <summary>Scores the plans that leave out the first of some blocks, the first two, and so on.</summary>
    /// <param name="search">The search.</param>
    /// <param name="ranked">Blocks, those first that matter least.</param>
    public static void ScoreNested(IPlanSearch search, IReadOnlyList<Block> ranked) =>
        Score(search, Enumerable.Range(1, ranked.Count).Select(count => Candidate(search, ranked.Take(count).ToHashSet())));

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
