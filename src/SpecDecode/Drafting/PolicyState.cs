namespace SpecDecode.Drafting;

/// <summary>What an <see cref="AutoDraftPolicy"/> has learnt about a model on a machine.</summary>
internal sealed record PolicyState
{
    /// <summary>Most plans that are kept.</summary>
    public const int MostPlans = 64;

    /// <summary>What plain passes take, by <see cref="BatchSize"/>; null where none was measured.</summary>
    public CostState?[] Plain { get; init; } = [];

    /// <summary>What is known of plans; of no plan twice.</summary>
    public PlanState[] Plans { get; init; } = [];

    /// <summary>How often lookups are accepted, by rule.</summary>
    public CalibrationState[] Lookup { get; init; } = [];

    /// <summary>The same where another match went on otherwise.</summary>
    public CalibrationState[] DoubtedLookup { get; init; } = [];

    /// <summary>Whether it could have come about. What has been read from a file may be anything.</summary>
    public bool IsSound() => LearntLists.AreSound(Plain) && LearntLists.AreSound(Lookup) && LearntLists.AreSound(DoubtedLookup)
        && Plans is { Length: <= MostPlans } && Array.TrueForAll(Plans, plan => plan is not null && plan.IsSound()) && Plans.DistinctBy(plan => (plan.Blocks, plan.UsesDraftWeights)).Count() == Plans.Length;
}
