namespace SpecDecode.Drafting;

/// <summary>
/// The plan's own length in every round, whatever it brings, and an end behind the first token that is less probable than the plan's
/// threshold (<see cref="DraftPlan.Threshold"/>). Of several plans it takes that of the text's length. Remembers nothing, so one serves all models.
/// </summary>
internal sealed class FixedDraftPolicy : IDraftPolicy
{
    private FixedDraftPolicy()
    {
    }

    /// <summary>The policy.</summary>
    public static FixedDraftPolicy Instance { get; } = new();

    /// <inheritdoc/>
    public void Plan(DraftStep drafts)
    {
        for (int i = 0; i < drafts.Drafts.Count; i++)
        {
            SequenceDraft draft = drafts.Drafts[i];
            DraftPlan plan = At(draft.Plans, draft.Tokens.Length);
            draft.Choose(plan, Math.Min(plan.Length, draft.Limit), readsConfidence: plan.Threshold > 0);
        }
    }

    /// <summary>The plan that drafts at a length: the one that names the longest length which is not above it; the first before all of these.</summary>
    /// <param name="plans">The plans; at least one.</param>
    /// <param name="length">Tokens of the text.</param>
    public static DraftPlan At(IReadOnlyList<DraftPlan> plans, int length)
    {
        DraftPlan best = plans[0];
        int from = 0;
        for (int i = 0; i < plans.Count; i++)
        {
            IReadOnlyList<int> lengths = plans[i].FromLengths;
            for (int j = 0; j < lengths.Count; j++)
            {
                if (lengths[j] > from && lengths[j] <= length)
                {
                    (best, from) = (plans[i], lengths[j]);
                }
            }
        }

        return best;
    }

    /// <inheritdoc/>
    public void AfterPass(DraftStep drafts, DraftPass pass)
    {
        for (int i = 0; i < drafts.Drafts.Count; i++)
        {
            SequenceDraft draft = drafts.Drafts[i];
            if (draft is { IsInPass: true, Plan: { Threshold: > 0 and var threshold } } && !draft.IsSure(threshold))
            {
                draft.Stop();
            }
        }
    }

    /// <inheritdoc/>
    public void Observe(DraftStep drafts)
    {
    }
}
