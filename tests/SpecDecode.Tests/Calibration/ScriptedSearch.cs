using System.Diagnostics.CodeAnalysis;
using SpecDecode.Calibration;
using SpecDecode.Evaluation;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Tests.Calibration;

/// <summary>
/// A search whose scores are made up: each block left out costs agreement by its weight, all are equally dear, and the expected speed-up follows
/// as that of the best draft length. So the best set is known.
/// </summary>
internal sealed class ScriptedSearch : IPlanSearch
{
    private readonly Dictionary<Block, double> _weights = [];
    private readonly int _budget;

    /// <param name="layers">Layers of the model.</param>
    /// <param name="weight">What leaving out a block costs: 0 to 1.</param>
    /// <param name="budget">Plans that are scored.</param>
    /// <param name="seed">Where random numbers begin.</param>
    /// <param name="weights">The weights that there are.</param>
    public ScriptedSearch(int layers, Func<Block, double> weight, int budget = int.MaxValue, int seed = 1, params WeightSet[] weights)
    {
        LayerCount = layers;
        _budget = budget;
        Seed = seed;
        Weights = weights.Length > 0 ? weights : [WeightSet.Verifier];
        foreach (Block block in LayerPlan.Full(layers).Blocks)
        {
            _weights.Add(block, weight(block));
        }

        Optional = [.. LayerPlan.Full(layers).Blocks.Where(block => block.Layer > 0 && block.Layer < layers - 1)];
    }

    public int LayerCount { get; }

    public IReadOnlyList<Block> Optional { get; }

    public IReadOnlyList<WeightSet> Weights { get; }

    public int Seed { get; }

    /// <summary>What was scored, in order, repeats left out.</summary>
    public List<PlanCandidate> Tried { get; } = [];

    /// <summary>The batches, as they came.</summary>
    public List<int> Batches { get; } = [];

    public double BestSpeedup => Tried.Max(plan => Score(plan).Speedup);

    public PlanCandidate Best => Tried.MaxBy(plan => Score(plan).Speedup);

    public bool TryScore(IReadOnlyList<PlanCandidate> plans, [NotNullWhen(true)] out IReadOnlyList<PlanScore>? scores)
    {
        Assert.NotEmpty(plans);
        Batches.Add(plans.Count);
        scores = null;
        if (Tried.Count >= _budget)
        {
            return false;
        }

        Tried.AddRange(plans.Where(plan => !Tried.Contains(plan)));
        scores = [.. plans.Select(Score)];
        return true;
    }

    public bool TryLook(Action<IStages, IReadOnlyList<WrittenText>> look) => throw new InvalidOperationException("Scores are all there is.");

    /// <summary>The score of a plan.</summary>
    public PlanScore Score(PlanCandidate candidate)
    {
        double agreement = 1;
        foreach (Block block in LayerPlan.Full(LayerCount).Blocks.Except(candidate.Plan.Blocks))
        {
            agreement *= 1 - _weights[block];
        }

        double cost = (candidate.Plan.Blocks.Length + 1.0) / (2 * LayerCount + 1);
        return new PlanScore(agreement, Enumerable.Range(1, 8).Max(length => Enumerable.Range(0, length + 1).Sum(place => Math.Pow(agreement, place)) / (length * cost + 1.05)));
    }
}
