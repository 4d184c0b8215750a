using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Drafting;

/// <summary>How requests to a model draft: what their options mean for it, and the policy that all of them which leave the choice share.</summary>
internal sealed class ModelDrafting
{
    // Of the layers, so many at which a drafter may leave.
    private static readonly double[] ExitShares = [1.0 / 8, 1.0 / 4, 1.0 / 3, 1.0 / 2];

    // So many plans that requests name share what was learnt; a request that names one more learns for itself alone.
    private const int MostGiven = 32;

    private readonly int _layerCount;
    private readonly bool _hasDraftWeights;
    private readonly List<DraftPlan> _given = [];

    /// <summary>Nothing is learnt yet.</summary>
    /// <param name="layerCount">Number of the model's layers.</param>
    /// <param name="hasDraftWeights">Whether it is loaded with a copy of its weights for drafting.</param>
    public ModelDrafting(int layerCount, bool hasDraftWeights)
    {
        _layerCount = layerCount;
        _hasDraftWeights = hasDraftWeights;
        Candidates = [.. Enumerate(layerCount, hasDraftWeights)];
        Auto = new AutoDraftPolicy(layerCount);
    }

    /// <summary>The plans that are chosen from where the options name none.</summary>
    public IReadOnlyList<DraftPlan> Candidates { get; }

    /// <summary>The policy of requests that leave the choice.</summary>
    public AutoDraftPolicy Auto { get; }

    /// <summary>How a request with such options drafts; null for plain decoding.</summary>
    /// <param name="options">Options without errors.</param>
    /// <param name="place">What stands before an option's name in an error.</param>
    /// <exception cref="SpecDecodeException">They name a layer that the model does not have.</exception>
    public SequenceDrafting? Of(DraftingOptions options, string place)
    {
        DraftPlan? plan = options.Resolve(_layerCount, _hasDraftWeights, place);
        if (plan is null && !options.FindsLength && !options.HasOwnPolicy)
        {
            return null;
        }

        if (options.HasPolicy(out IDraftPolicy? policy))
        {
            return new SequenceDrafting(policy, plan is null && options.IsAuto ? Candidates : plan is null ? [] : [plan], options.DraftLength);
        }

        if (!options.FindsLength)
        {
            return plan;
        }

        if (plan is null)
        {
            return new SequenceDrafting(Auto, options.IsAuto ? Candidates : [], options.DraftLength);
        }

        return Shared(plan) is { } shared
            ? new SequenceDrafting(Auto, [shared], options.DraftLength)
            : new SequenceDrafting(new AutoDraftPolicy(_layerCount), [plan], options.DraftLength);
    }

    private static IEnumerable<DraftPlan> Enumerate(int layerCount, bool hasDraftWeights)
    {
        foreach (int exit in ExitShares.Select(share => Math.Max(1, (int)Math.Round(share * layerCount))).Distinct().Where(exit => exit < layerCount))
        {
            yield return Exit(layerCount, exit, WeightSet.Verifier);
        }

        if (hasDraftWeights)
        {
            yield return Exit(layerCount, layerCount, WeightSet.Drafter);
            if (layerCount > 1)
            {
                yield return Exit(layerCount, (layerCount + 1) / 2, WeightSet.Drafter);
            }
        }
    }

    private static DraftPlan Exit(int layerCount, int exit, WeightSet weights) => new()
    {
        Plan = LayerPlan.EarlyExit(layerCount, exit), Weights = weights, Length = DraftingOptions.MaxDraftLength,
        Options = DraftingOptions.EarlyExit(exit) with { DraftLength = DraftingOptions.MaxDraftLength },
    };

    // Plans are told apart by reference, so an equal one is the same; requests come from several threads. Null where there are too many.
    private DraftPlan? Shared(DraftPlan plan)
    {
        lock (_given)
        {
            DraftPlan? known = Candidates.Concat(_given).FirstOrDefault(known => known.GoesWith(plan));
            if (known is null && _given.Count < MostGiven)
            {
                known = plan;
                _given.Add(plan);
            }

            return known;
        }
    }
}
