using System.Diagnostics.CodeAnalysis;
using SpecDecode.Drafting.Profiles;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Drafting;

/// <summary>
/// How the model drafts for itself: section <c>Drafting</c> of the configuration, and what a request may say in its place. The text is
/// the same whatever is chosen here. Where the model was loaded with a copy of its weights in lower precision
/// (<see cref="ModelOptions.DraftPrecision"/>), the drafter runs on that.
/// </summary>
public sealed partial record DraftingOptions
{
    /// <summary>The longest draft that may be asked for.</summary>
    public const int MaxDraftLength = 64;

    /// <summary>The default of <see cref="DraftLength"/>.</summary>
    public const int DefaultDraftLength = 4;

    /// <summary>Most tokens of a draft whose policy finds its length, where <see cref="DraftLength"/> was not set.</summary>
    internal const int AutoDraftLength = 16;

    /// <summary>The default of <see cref="CascadeLength"/>.</summary>
    public const int DefaultCascadeLength = 3;

    // That of Of, for the strategy plan; null else.
    private LayerPlan? _plan;
    private int? _draftLength;
    private int? _cascadeLength;

    // That of WithProfile, or of the file as it was when a host read it.
    private DraftingProfile? _profile;

    // What the file held when it was first asked for; says nothing that Profile does not.
    private DraftingProfile? _read;

    // That of WithPolicy. Not a property: it cannot be configured.
    private IDraftPolicy? _policy;

    /// <summary>Plain decoding: nothing is drafted.</summary>
    public static DraftingOptions None => new() { Strategy = DraftingStrategy.None };

    /// <summary>The name of a way to draft: one of <see cref="DraftingStrategy"/>, in any case.</summary>
    /// <value>
    /// The default, null, is <c>auto</c>, which drafts where that pays; where a <see cref="Profile"/> is given, it is the profile's best plan that the loaded model can run, with that
    /// plan's length and threshold.
    /// </value>
    public string? Strategy { get; set; }

    /// <summary>For <c>early-exit</c>: how many layers the drafter runs; 1 to the number of layers of the model.</summary>
    /// <value>
    /// The default is null. Required for <c>early-exit</c>, but for a drafter on a copy of the weights in lower precision, which runs
    /// all layers without it.
    /// </value>
    public int? ExitLayer { get; set; }

    /// <summary>For <c>layer-skip</c>: layers whose attention the drafter leaves out, from 0.</summary>
    /// <value>The default is none.</value>
    /// <exception cref="ArgumentNullException">It is set to null.</exception>
    public IReadOnlyList<int> SkipAttention
    {
        get;
        set => field = value ?? throw new ArgumentNullException(nameof(value), "Give a list of layers, which may be empty.");
    } = [];

    /// <summary>For <c>layer-skip</c>: layers whose MLP the drafter leaves out, from 0.</summary>
    /// <value>The default is none.</value>
    /// <exception cref="ArgumentNullException">It is set to null.</exception>
    public IReadOnlyList<int> SkipMlp
    {
        get;
        set => field = value ?? throw new ArgumentNullException(nameof(value), "Give a list of layers, which may be empty.");
    } = [];

    /// <summary>Draft length: tokens that are drafted in a round, unless something ends the draft sooner.</summary>
    /// <value>
    /// The default is 4, for <c>auto</c>, <c>lookup</c> and <c>swift</c>, which find their length, at most 16, and with another <see cref="Policy"/> at most its own; 1 to 64.
    /// </value>
    public int DraftLength
    {
        get => _draftLength ?? (FindsLength ? AutoDraftLength : PolicyName switch
        {
            DraftingPolicy.AdaptiveThreshold => AdaptiveThresholdPolicy.DefaultMaxLength,
            DraftingPolicy.ConfidenceStop => ConfidenceStopPolicy.DefaultMaxLength,
            _ => DefaultDraftLength,
        });
        set => _draftLength = value;
    }

    /// <summary>
    /// Confidence threshold: once a draft token's probability (raw softmax of the drafter's logits) is below it, no further
    /// one is drafted; that token is still verified.
    /// </summary>
    /// <value>The default is 0, which never stops; 0 to 1.</value>
    public float Threshold { get; set; }

    /// <summary>
    /// Cascade (CS Drafting, 2312.11462; CAS-Spec, 2510.26843): earlier exits from the plan of <c>early-exit</c>, <c>layer-skip</c> or a plan given in code, at which tokens are guessed
    /// for it, so that the drafter judges several in one pass. The earliest guesses for the one behind it, the last for the plan; the draft is the one that the plan alone
    /// would have made. Pays where a pass of the plan costs much and an exit is often right, as with a whole copy of the weights.
    /// </summary>
    /// <value>The default is none. Up to 3 layers, each once: from 1 to less than what the plan runs, of which everything before them is run as in the whole model.</value>
    /// <exception cref="ArgumentNullException">It is set to null.</exception>
    public IReadOnlyList<int> CascadeExits
    {
        get;
        set => field = value ?? throw new ArgumentNullException(nameof(value), "Give a list of exit layers, which may be empty.");
    } = [];

    /// <summary>Tokens that an exit of <see cref="CascadeExits"/> guesses before the next one, or the plan, judges them.</summary>
    /// <value>The default is 3; 1 to 64.</value>
    public int CascadeLength
    {
        get => _cascadeLength ?? DefaultCascadeLength;
        set => _cascadeLength = value;
    }

    /// <summary>Once a guess of <see cref="CascadeExits"/> is less probable than this, no further one is made before they are judged.</summary>
    /// <value>The default is 0, which never stops; 0 to 1.</value>
    public float CascadeThreshold { get; set; }

    /// <summary>
    /// Who decides how far the plan of <c>early-exit</c>, <c>layer-skip</c> or a plan given in code drafts: one of <see cref="DraftingPolicy"/>, in any case. For
    /// comparison; <c>auto</c> and <c>lookup</c> decide by themselves.
    /// </summary>
    /// <value>The default is <c>fixed</c>: <see cref="DraftLength"/> and <see cref="Threshold"/>.</value>
    public string Policy { get; set; } = DraftingPolicy.Fixed;

    private string PolicyName => Policy?.ToLowerInvariant() ?? "";

    // The one that holds: 0 says nothing where a policy has one of its own.
    private float PlanThreshold => Threshold == 0 && PolicyName == DraftingPolicy.ConfidenceStop ? ConfidenceStopPolicy.DefaultThreshold : Threshold;

    /// <summary>
    /// A file that says how this model drafts best (<see cref="DraftingProfile"/>). Without a <see cref="Strategy"/> the model drafts by its best
    /// plan that the loaded model can run, that plan's length and threshold; with <c>auto</c> its plans are what is chosen from. Read when it is needed
    /// first, and by a host when the configuration is read.
    /// </summary>
    /// <value>
    /// The default is null: none is named. <c>auto</c> then chooses from the plans of <c>specdecode-profile.json</c> in the model's folder, where there is one.
    /// </value>
    public string? Profile
    {
        get;
        set => (field, _profile, _read) = (value, null, null);
    }

    // Of a profile whose best plan is taken, none: there is nothing to choose from.
    private string Name => Strategy?.ToLowerInvariant() ?? (HasProfile ? DraftingStrategy.None : DraftingStrategy.Auto);

    // Whether the best plan of a profile is what is drafted by.
    private bool TakesBestPlan => Strategy is null && HasProfile;

    /// <summary>Whether all plans of the model are there to be chosen from, unless one is named.</summary>
    internal bool IsAuto => Name == DraftingStrategy.Auto;

    /// <summary>Whether the policy finds how far to draft.</summary>
    internal bool FindsLength => Name is DraftingStrategy.Auto or DraftingStrategy.Lookup or DraftingStrategy.Swift;

    /// <summary>Whether its plan is searched for.</summary>
    internal bool IsSearched => Name == DraftingStrategy.Swift;

    /// <summary>Whether drafting is switched off: the strategy is <c>none</c>, in any case. Then whatever else is given drafts nothing either, but for a policy of <see cref="WithPolicy"/>, which may propose.</summary>
    public bool IsNone => DraftingStrategy.None.Equals(Strategy, StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether a profile is named, or given in code, and drafting is not switched off.</summary>
    internal bool HasProfile => !IsNone && (Profile is not null || _profile is not null);

    private string ProfileName => Profile ?? _profile?.Source ?? "of the application";

    /// <summary>Early exit (LayerSkip, 2404.16710): the drafter runs the first layers.</summary>
    /// <param name="exitLayer">How many; 1 to the number of layers of the model.</param>
    public static DraftingOptions EarlyExit(int exitLayer) => new() { Strategy = DraftingStrategy.EarlyExit, ExitLayer = exitLayer };

    /// <summary>Skipped blocks (SWIFT, 2410.06916): the drafter leaves some out.</summary>
    /// <param name="attention">Layers whose attention it leaves out, from 0.</param>
    /// <param name="mlp">Layers whose MLP it leaves out, from 0.</param>
    public static DraftingOptions LayerSkip(IReadOnlyList<int> attention, IReadOnlyList<int> mlp) =>
        new() { Strategy = DraftingStrategy.LayerSkip, SkipAttention = attention, SkipMlp = mlp };

    /// <summary>Any list of blocks.</summary>
    /// <param name="plan">The blocks that the drafter runs; none beyond the model's layers.</param>
    public static DraftingOptions Of(LayerPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        return new DraftingOptions { Strategy = DraftingStrategy.Plan, _plan = plan };
    }

    /// <summary>
    /// The same plans with a policy of one's own, which decides in place of the strategy's. It chooses from the plan of the strategy, with
    /// <c>auto</c>, the default, from several; with <c>none</c> and <c>lookup</c> there is none, and it may propose tokens.
    /// </summary>
    /// <param name="policy">The policy; one for a model, unless it is safe for concurrent use.</param>
    /// <exception cref="ArgumentNullException">It is null.</exception>
    public DraftingOptions WithPolicy(IDraftPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        return new DraftingOptions(this) { _policy = policy };
    }

    /// <summary>The same without a cascade (<see cref="CascadeExits"/>), which belongs to a plan: for another one.</summary>
    public DraftingOptions WithoutCascade() => new(this) { CascadeExits = [], CascadeThreshold = 0, _cascadeLength = null };

    /// <summary>Whether <see cref="WithPolicy"/> gave it a policy.</summary>
    internal bool HasOwnPolicy => _policy is not null;

    /// <summary>
    /// The same with a profile that is at hand, in place of one that <see cref="Profile"/> names. Of options that draft nothing (<see cref="None"/>) it makes those that draft by the
    /// profile's best plan.
    /// </summary>
    /// <param name="profile">The profile.</param>
    /// <exception cref="ArgumentNullException">It is null.</exception>
    /// <exception cref="SpecDecodeException">It says what no profile may say: a layer that its model does not have, a number out of range.</exception>
    public DraftingOptions WithProfile(DraftingProfile profile)
    {
        ArgumentNullException.ThrowIfNull(profile);
        profile.Check(profile.Source ?? "The profile");
        return new DraftingOptions(this) { Strategy = IsNone ? null : Strategy, Profile = null, _profile = profile };
    }

    /// <summary>The profile, which is read when it is first asked for; null where there is none, or drafting is switched off.</summary>
    /// <exception cref="OptionException">Its file cannot be read, or is damaged.</exception>
    internal DraftingProfile? FindProfile()
    {
        if (!HasProfile)
        {
            return null;
        }

        try
        {
            return _profile ?? (_read ??= DraftingProfile.Load(Profile!));
        }
        catch (SpecDecodeException error)
        {
            throw new OptionException($"{ProfileFit.Option}: {error.Message}", error);
        }
    }

    /// <summary>The same with what the profile's file holds now, so that options which name a file that has changed are others.</summary>
    /// <param name="path">The file's full path.</param>
    /// <exception cref="OptionException">It cannot be read, or is damaged.</exception>
    internal DraftingOptions WithFile(string path)
    {
        DraftingOptions options = this with { Profile = path };
        options._profile = options.FindProfile();
        return options;
    }

    /// <summary>Who decides in place of the strategy's policy, if anybody does.</summary>
    internal bool HasPolicy([NotNullWhen(true)] out IDraftPolicy? policy) =>
        (policy = _policy ?? (FindsLength || PolicyName == DraftingPolicy.Fixed ? null : DraftingPolicy.Find(PolicyName))) is not null;

    /// <inheritdoc/>
    public bool Equals(DraftingOptions? other) => other is not null
        && Name == other.Name && TakesBestPlan == other.TakesBestPlan && ExitLayer == other.ExitLayer && DraftLength == other.DraftLength && Threshold.Equals(other.Threshold)
        && SkipAttention.SequenceEqual(other.SkipAttention) && SkipMlp.SequenceEqual(other.SkipMlp) && Equals(_plan, other._plan)
        && CascadeExits.SequenceEqual(other.CascadeExits) && CascadeLength == other.CascadeLength && CascadeThreshold.Equals(other.CascadeThreshold)
        && Profile == other.Profile && Equals(_profile, other._profile) && ReferenceEquals(_policy, other._policy) && PolicyName == other.PolicyName;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, ExitLayer, DraftLength, Threshold, SkipAttention.Count, SkipMlp.Count, Profile);

    /// <summary>The options that matter, in words.</summary>
    public override string ToString()
    {
        string? blocks = Name switch
        {
            DraftingStrategy.EarlyExit => ExitLayer is { } exit ? $"exit layer {exit}" : "all layers",
            DraftingStrategy.LayerSkip => $"without attention [{string.Join(", ", SkipAttention)}] and MLP [{string.Join(", ", SkipMlp)}]",
            DraftingStrategy.Plan => $"{_plan?.Blocks.Length} blocks",
            DraftingStrategy.Auto or DraftingStrategy.Lookup or DraftingStrategy.Swift => Candidates,
            _ => null,
        };
        if (TakesBestPlan)
        {
            return $"profile {ProfileName}";
        }

        if (blocks is not null && FindsLength)
        {
            return FormattableString.Invariant($"{Name}: {blocks}draft length at most {DraftLength}");
        }

        if (blocks is not null && PolicyName != DraftingPolicy.Fixed)
        {
            string threshold = PolicyName == DraftingPolicy.ConfidenceStop ? FormattableString.Invariant($", threshold {PlanThreshold}") : "";
            return FormattableString.Invariant($"{Name}: {blocks}, {PolicyName}, draft length at most {DraftLength}{threshold}");
        }

        return blocks is null ? Name : FormattableString.Invariant($"{Name}: {blocks}, draft length {DraftLength}, threshold {Threshold}{(Cascade is { } cascade ? $", {cascade}" : "")}");
    }

    private DraftCascade? Cascade => CascadeExits.Count == 0 ? null : new DraftCascade(CascadeExits, CascadeLength, CascadeThreshold);

    // What auto is told to draft with, in words; nothing where it chooses.
    private string Candidates => HasProfile ? $"profile {ProfileName}, " : ExitLayer is { } exit ? $"exit layer {exit}, "
        : SkipAttention.Count + SkipMlp.Count > 0 ? $"without attention [{string.Join(", ", SkipAttention)}] and MLP [{string.Join(", ", SkipMlp)}], "
        : "";

    /// <summary>The one plan that the options mean for a model; null for plain decoding, and where a policy is to choose from several.</summary>
    /// <param name="layerCount">Number of its layers.</param>
    /// <param name="hasDraftWeights">Whether it is loaded with a copy of its weights for drafting.</param>
    /// <param name="place">What stands before an option's name in an error.</param>
    /// <exception cref="SpecDecodeException">They name a layer that the model does not have.</exception>
    internal DraftPlan? Resolve(int layerCount, bool hasDraftWeights, string place)
    {
        LayerPlan? plan = Name switch
        {
            DraftingStrategy.Auto when ExitLayer is { } exit => LayerPlan.EarlyExit(layerCount, Checked(nameof(ExitLayer), exit, 1, layerCount)),
            DraftingStrategy.Auto when SkipAttention.Count + SkipMlp.Count > 0 => (this with { Strategy = DraftingStrategy.LayerSkip }).Resolve(layerCount, hasDraftWeights, place)!.Plan,
            DraftingStrategy.EarlyExit => LayerPlan.EarlyExit(layerCount, Checked(nameof(ExitLayer), ExitLayer ?? layerCount, 1, layerCount)),
            DraftingStrategy.LayerSkip => LayerPlan.LayerSkip(
                layerCount, SkipAttention.Select(layer => Checked(nameof(SkipAttention), layer, 0, layerCount - 1)),
                SkipMlp.Select(layer => Checked(nameof(SkipMlp), layer, 0, layerCount - 1))),
            DraftingStrategy.Plan => _plan,
            _ => null,
        };
        if (plan is null)
        {
            return null;
        }

        if (plan.Blocks.Any(block => block.Layer >= layerCount))
        {
            throw new SpecDecodeException(
                $"{place}Plan names layer {plan.Blocks.Max(block => block.Layer)}, but the model has {layerCount} layers: name layers from 0 to {layerCount - 1}.");
        }

        if (Cascade is { } cascade && cascade.FindError(plan) is { } problem)
        {
            throw new SpecDecodeException(place + problem);
        }

        return new DraftPlan
        {
            Plan = plan, Cascade = Cascade, Length = DraftLength, Threshold = PlanThreshold, Weights = hasDraftWeights ? WeightSet.Drafter : WeightSet.Verifier,
            Options = this with { Strategy = Name, ExitLayer = Name == DraftingStrategy.EarlyExit ? ExitLayer ?? layerCount : ExitLayer },
        };

        int Checked(string option, int layer, int least, int most) => layer >= least && layer <= most
            ? layer
            : throw new SpecDecodeException(
                $"{place}{option} is {layer}, but the model has {layerCount} layers: give {(least == 1 ? "" : "layers from ")}{least} to {most}.");
    }
}
