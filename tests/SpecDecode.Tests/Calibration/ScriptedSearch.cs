using System.Diagnostics.CodeAnalysis;
using SpecDecode.Calibration;
using SpecDecode.Evaluation;
using SpecDecode.Plans;
using SpecDecode.Stages;
using SpecDecode.Tests.Scheduling;

namespace SpecDecode.Tests.Calibration;

/// <summary>
/// A search whose scores are made up: each block left out costs agreement by its weight, all are equally dear unless it is said otherwise, and the expected speed-up follows
/// as that of the best draft length. So the best set is known. Who looks into the model finds a <see cref="ScriptedModel"/>.
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

    /// <summary>Tokens of each text's prompt.</summary>
    public const int PromptLength = 3;

    /// <summary>The model that is looked into.</summary>
    public static ScriptedModel Model(int layers) => new(layers, 31, 5);

    /// <summary>The texts that are looked at; the second takes more than one pass.</summary>
    public static IReadOnlyList<int[]> Texts(ScriptedModel model) => [.. Enumerable.Range(0, 2).Select(i =>
    {
        int[] prompt = [i, 2, 3 + i];
        return (int[])[.. prompt, .. model.Continue(prompt, 12 + 30 * i, new HashSet<int>())];
    })];

    /// <summary>By what a plan's agreement is multiplied beside what it leaves out.</summary>
    public Func<LayerPlan, double> Factor { get; init; } = _ => 1;

    /// <summary>What a block takes; embedding and head take 1.</summary>
    public Func<Block, double> Cost { get; init; } = _ => 1;

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

    public double DraftRow(PlanCandidate plan) => plan.Plan.Blocks.Sum(Cost) + 1;

    public bool TryLook(Action<IStages, IReadOnlyList<WrittenText>> look)
    {
        if (Tried.Count >= _budget)
        {
            return false;
        }

        ScriptedModel model = Model(LayerCount);
        using ScriptedStages stages = new(model, 16);
        WrittenText[] texts = [.. Texts(model).Select(text => TextReading.Read(stages, text, PromptLength, CancellationToken.None))];
        look(stages, texts);
        Array.ForEach(texts, text => text.Cache.Dispose());
        return true;
    }

    /// <summary>The score of a plan.</summary>
    public PlanScore Score(PlanCandidate candidate)
    {
        double agreement = Factor(candidate.Plan);
        foreach (Block block in LayerPlan.Full(LayerCount).Blocks.Except(candidate.Plan.Blocks))
        {
            agreement *= 1 - _weights[block];
        }

        double cost = DraftRow(candidate) / (LayerPlan.Full(LayerCount).Blocks.Sum(Cost) + 1);
        return new PlanScore(agreement, Enumerable.Range(1, 8).Max(length => Enumerable.Range(0, length + 1).Sum(place => Math.Pow(agreement, place)) / (length * cost + 1.05)));
    }
}
