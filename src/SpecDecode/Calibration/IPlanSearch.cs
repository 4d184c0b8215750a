using System.Diagnostics.CodeAnalysis;
using SpecDecode.Evaluation;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Calibration;

/// <summary>One method's search, as the method sees it: what may be left out, and scores until the budget is used up.</summary>
internal interface IPlanSearch
{
    /// <summary>Number of layers.</summary>
    int LayerCount { get; }

    /// <summary>The blocks that a plan may leave out, in the order of the full plan.</summary>
    IReadOnlyList<Block> Optional { get; }

    /// <summary>The weights that drafters can run on. Plans are looked for on the first: the copy in lower precision where there is one.</summary>
    IReadOnlyList<WeightSet> Weights { get; }

    /// <summary>The layers behind which there is a bridge.</summary>
    IReadOnlyList<int> Bridges => [];

    /// <summary>The layers behind which a bridge was fitted and was no better than none.</summary>
    IReadOnlyList<int> WithoutBridge => [];

    /// <summary>Where random numbers begin.</summary>
    int Seed { get; }

    /// <summary>What a row of a draft takes, in any unit. Where nobody has measured it, all blocks are equally dear.</summary>
    /// <param name="plan">The plan.</param>
    double DraftRow(PlanCandidate plan) => plan.Plan.Blocks.Length;

    /// <summary>Scores plans, all on the same text. A plan that was scored before costs nothing.</summary>
    /// <param name="plans">The plans; a batch of some takes less time than one by one.</param>
    /// <param name="scores">Their scores, in their order.</param>
    /// <returns>False where the budget is used up or the search was cancelled.</returns>
    bool TryScore(IReadOnlyList<PlanCandidate> plans, [NotNullWhen(true)] out IReadOnlyList<PlanScore>? scores);

    /// <summary>Lets a method look into the model itself, where scores do not tell it enough.</summary>
    /// <param name="look">
    /// Is given the model and texts with their caches, and looks until it has what it needs. It writes behind a cache's committed length only,
    /// within transactions that keep nothing, and may roll caches back.
    /// </param>
    /// <returns>False where the budget is used up or the search was cancelled.</returns>
    bool TryLook(Action<IStages, IReadOnlyList<WrittenText>> look);
}
