using SpecDecode.Evaluation;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Calibration.Selectors;

/// <summary>
/// Packs blocks into a drafter of a given latency (KnapSpec, 2602.20217): a block weighs what it takes, and is worth the agreement that is lost
/// without it alone. The paper's value is the cosine of hidden states and its latencies are functions of the context's length, chosen anew as
/// a text grows; here agreement is measured, latencies are those at the texts' mean length, and the packings for many latencies are scored.
/// </summary>
internal sealed class KnapsackSelector : ILayerSelector
{
    // All optional blocks together take so many units of time.
    private const int Units = 240;

    // Latencies that are packed for.
    private const int Capacities = 40;

    // No block is worth more than one without which so little agrees.
    private const double LeastAgreement = 1e-3;

    /// <inheritdoc/>
    public string Name => "knapsack";

    /// <inheritdoc/>
    public string Paper => "KnapSpec, 2602.20217";

    /// <inheritdoc/>
    public void Search(IPlanSearch search)
    {
        if (search.Optional.Count == 0 || Values(search) is not { } values)
        {
            return;
        }

        int[] weights = Weights(search);
        int total = weights.Sum();
        SkipSets.Score(
            search,
            Knapsack.Solve(weights, values, [.. Enumerable.Range(0, Capacities).Select(step => total * step / Capacities)])
                .Select(kept => SkipSets.Candidate(search, [.. kept.Select(isKept => !isKept)])));
    }

    // Losses add up where agreement multiplies. On a copy in lower precision the whole model does not agree everywhere either. Null where the
    // budget is used up.
    private static double[]? Values(IPlanSearch search)
    {
        double whole = 1;
        if (search.Weights[0] != WeightSet.Verifier)
        {
            if (SkipSets.Score(search, [Without(search)]) is not [var copy])
            {
                return null;
            }

            whole = copy.Score.Agreement;
        }

        return SkipSets.Score(search, search.Optional.Select(block => Without(search, block))) is { } scored
            ? [.. scored.Select(plan => Math.Max(0, Math.Log(Math.Max(whole, LeastAgreement)) - Math.Log(Math.Max(plan.Score.Agreement, LeastAgreement))))]
            : null;
    }

    // What a block takes, in whole units; one that was too fast to measure takes one.
    private static int[] Weights(IPlanSearch search)
    {
        double whole = search.DraftRow(Without(search));
        double[] times = [.. search.Optional.Select(block => Math.Max(0, whole - search.DraftRow(Without(search, block))))];
        double unit = times.Sum() / Units;
        return [.. times.Select(time => unit > 0 ? Math.Max(1, (int)Math.Round(time / unit)) : 1)];
    }

    private static PlanCandidate Without(IPlanSearch search, params Block[] blocks) => SkipSets.Candidate(search, blocks.ToHashSet());
}
