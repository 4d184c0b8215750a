namespace SpecDecode.Drafting;

/// <summary>How one sequence drafts, from its coming to its end.</summary>
/// <param name="policy">Who decides.</param>
/// <param name="plans">What it may choose from.</param>
/// <param name="maxLength">Most tokens of a draft; 1 to <see cref="DraftingOptions.MaxDraftLength"/>.</param>
internal sealed class SequenceDrafting(IDraftPolicy policy, IReadOnlyList<DraftPlan> plans, int maxLength)
{
    /// <summary>Who decides.</summary>
    public IDraftPolicy Policy { get; } = policy;

    /// <summary>What may be chosen from.</summary>
    public IReadOnlyList<DraftPlan> Plans { get; } = plans;

    /// <summary>Most tokens of a draft.</summary>
    public int MaxLength { get; } = maxLength;

    /// <summary>Whether its plan is one that is searched for (<see cref="SearchedPlan"/>).</summary>
    public bool IsSearched { get; init; }

    /// <summary>What the policy remembers about the sequence.</summary>
    public object? State { get; set; }

    /// <summary>The name of the strategy where the policy chooses: <c>auto</c>, <c>lookup</c>, <c>swift</c>, or <c>policy</c> for one that was brought.</summary>
    public string Strategy => Policy is not AutoDraftPolicy ? "policy" : IsSearched ? DraftingStrategy.Swift : Plans.Count == 0 ? DraftingStrategy.Lookup : DraftingStrategy.Auto;

    /// <summary>The plan that it drafts by, as its options say, of several by length the first; null where the policy chooses.</summary>
    public DraftPlan? FixedPlan => DraftingPolicy.NameOf(Policy) is not null && Plans is [var plan, ..] ? plan : null;

    /// <summary>One plan, its length and its threshold.</summary>
    public static SequenceDrafting Of(DraftPlan plan) => new(FixedDraftPolicy.Instance, [plan], plan.Length);

    /// <summary>The first of some plans, and from the lengths on that others name these, each with its length and threshold.</summary>
    /// <param name="plans">The plans; at least one.</param>
    public static SequenceDrafting ByLength(IReadOnlyList<DraftPlan> plans)
    {
        DraftPlan[] taken = [plans[0], .. plans.Skip(1).Where(plan => plan.FromLengths.Count > 0)];
        return new SequenceDrafting(FixedDraftPolicy.Instance, taken, taken.Max(plan => plan.Length));
    }

    /// <inheritdoc cref="Of"/>
    public static implicit operator SequenceDrafting?(DraftPlan? plan) => plan is null ? null : Of(plan);
}
