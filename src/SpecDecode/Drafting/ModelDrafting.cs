using SpecDecode.Drafting.Profiles;
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

    // Of the layers, the part behind which an exit guesses for the whole copy, and how far.
    private const double GuessShare = 1.0 / 6;
    private const int Guesses = 2;

    // auto looks at each of its plans again and again: so many, the best, of a profile, as it has of its own.
    private const int MostOfProfile = 6;

    private readonly int _layerCount;
    private readonly bool _hasDraftWeights;
    private readonly BridgeSet _bridges;
    private readonly List<DraftPlan> _given = [];
    private readonly ModelIdentity? _identity;
    private readonly DraftPlan[] _defaults;

    // What a profile was taken to mean last: the same list for all requests that name it.
    private (DraftingProfile Profile, IReadOnlyList<DraftPlan> Plans)? _latest;

    /// <summary>Nothing is learnt yet.</summary>
    /// <param name="layerCount">Number of the model's layers.</param>
    /// <param name="hasDraftWeights">Whether it is loaded with a copy of its weights for drafting.</param>
    /// <param name="identity">Which model it is; null where only its layers are compared with a profile's.</param>
    /// <param name="found">A profile of this model that lies in its folder; null where there is none.</param>
    /// <param name="bridges">The model's bridges, which get those of profiles; null where there are none.</param>
    /// <exception cref="SpecDecodeException">The profile's bridges are none of this model.</exception>
    public ModelDrafting(int layerCount, bool hasDraftWeights, ModelIdentity? identity = null, DraftingProfile? found = null, BridgeSet? bridges = null)
    {
        _bridges = bridges ?? BridgeSet.None;
        _layerCount = layerCount;
        _hasDraftWeights = hasDraftWeights;
        _identity = identity;
        _defaults = [.. Enumerate(layerCount, hasDraftWeights)];
        Candidates = found is null ? _defaults : [.. Merge(found.Plans)];
        Auto = new AutoDraftPolicy(layerCount);
        Swift = new SearchedPlan(layerCount, hasDraftWeights ? WeightSet.Drafter : WeightSet.Verifier);
    }

    /// <summary>The plans that are chosen from where the options name none.</summary>
    public IReadOnlyList<DraftPlan> Candidates { get; }

    /// <summary>The policy of requests that leave the choice.</summary>
    public AutoDraftPolicy Auto { get; }

    /// <summary>The plan of requests that leave it to a search.</summary>
    public SearchedPlan Swift { get; }

    /// <summary>How a request with such options drafts; null for plain decoding.</summary>
    /// <param name="options">Options without errors.</param>
    /// <param name="place">What stands before an option's name in an error.</param>
    /// <exception cref="SpecDecodeException">They name a layer that the model does not have.</exception>
    public SequenceDrafting? Of(DraftingOptions options, string place)
    {
        if (options.FindProfile() is { } profile)
        {
            return OfProfile(Fit(profile), profile, options);
        }

        DraftPlan? plan = options.Resolve(_layerCount, _hasDraftWeights, place);
        if (plan is not null && _bridges.FindError(plan.Plan) is { } problem)
        {
            throw new SpecDecodeException($"{place}Plan: {problem}");
        }

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

        if (options.IsSearched)
        {
            if (_layerCount < SearchedPlan.LeastLayers)
            {
                throw new SpecDecodeException(
                    $"{place}Strategy is {DraftingStrategy.Swift}, which leaves out layers between the first and the last, but the model has {_layerCount}: use {DraftingStrategy.EarlyExit}, or {DraftingStrategy.Auto}.");
            }

            Swift.Ask();
            return new SequenceDrafting(Auto, Swift.Plans, options.DraftLength) { IsSearched = true };
        }

        if (plan is null)
        {
            return new SequenceDrafting(Auto, options.IsAuto ? Candidates : [], options.DraftLength);
        }

        return Shared(plan) is { } shared
            ? new SequenceDrafting(Auto, [shared], options.DraftLength)
            : new SequenceDrafting(new AutoDraftPolicy(_layerCount), [plan], options.DraftLength);
    }

    /// <summary>What a profile means for this model.</summary>
    /// <param name="profile">The profile.</param>
    /// <exception cref="OptionException">It is another model's, or has no plan that this one can run.</exception>
    public ProfileFit Fit(DraftingProfile profile)
    {
        ProfileFit fit = ProfileFit.Of(profile, _identity ?? profile.Model with { LayerCount = _layerCount }, _hasDraftWeights);
        return _bridges.FindErrorOrAdd(profile.Bridges) is { } problem
            ? throw new OptionException($"{ProfileFit.Option} is {profile.Source ?? "a profile"}, which cannot be used since {problem}.")
            : fit;
    }

    private SequenceDrafting OfProfile(ProfileFit fit, DraftingProfile profile, DraftingOptions options)
    {
        if (!options.IsAuto)
        {
            DraftPlan best = fit.Plans[0].ToDraftPlan(_layerCount);
            return options.HasPolicy(out IDraftPolicy? own)
                ? new SequenceDrafting(own, [best], best.Length)
                : SequenceDrafting.ByLength([best, .. fit.Plans.Skip(1).Select(plan => plan.ToDraftPlan(_layerCount))]);
        }

        IReadOnlyList<DraftPlan> plans = Known(profile, fit, out bool isShared);
        return new SequenceDrafting(
            options.HasPolicy(out IDraftPolicy? policy) ? policy : isShared ? Auto : new AutoDraftPolicy(_layerCount), plans, options.DraftLength);
    }

    private IReadOnlyList<DraftPlan> Known(DraftingProfile profile, ProfileFit fit, out bool isShared)
    {
        lock (_given)
        {
            isShared = true;
            if (_latest is { } latest && ReferenceEquals(latest.Profile, profile))
            {
                return latest.Plans;
            }
        }

        DraftPlan[] plans = [.. Merge(fit.Plans)];
        DraftPlan?[] shared = [.. plans.Select(Shared)];
        if (shared.Contains(null))
        {
            isShared = false;
            return plans;
        }

        lock (_given)
        {
            _latest = (profile, shared!);
        }

        return shared!;
    }

    // A profile speaks for the weights that its plans run on: one that knows of no copy in lower precision says nothing against it.
    private IEnumerable<DraftPlan> Merge(IReadOnlyList<ProfilePlan> plans)
    {
        DraftPlan[] named =
        [
            .. plans.Where(plan => _hasDraftWeights || !plan.UsesDraftWeights).Take(MostOfProfile)
                .Select(plan => (plan with { DraftLength = DraftingOptions.MaxDraftLength, Threshold = 0 }).ToDraftPlan(_layerCount)),
        ];
        return named.Concat(_defaults.Where(plan => named.All(known => known.Weights != plan.Weights)));
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
                yield return Exit(layerCount, layerCount, WeightSet.Drafter, [Math.Max(1, (int)Math.Round(GuessShare * layerCount))]);
                yield return Exit(layerCount, (layerCount + 1) / 2, WeightSet.Drafter);
            }
        }
    }

    private static DraftPlan Exit(int layerCount, int exit, WeightSet weights, params int[] guessing)
    {
        DraftingOptions options = DraftingOptions.EarlyExit(exit) with { DraftLength = DraftingOptions.MaxDraftLength };
        return new()
        {
            Plan = LayerPlan.EarlyExit(layerCount, exit), Weights = weights, Length = DraftingOptions.MaxDraftLength,
            Cascade = guessing.Length == 0 ? null : new DraftCascade(guessing, Guesses, 0),
            Options = guessing.Length == 0 ? options : options with { CascadeExits = guessing, CascadeLength = Guesses },
        };
    }

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
