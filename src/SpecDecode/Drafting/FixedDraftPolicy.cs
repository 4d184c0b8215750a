namespace SpecDecode.Drafting;

/// <summary>
/// The plan's own length in every round, whatever it brings, and an end behind the first token that is less probable than the plan's
/// threshold (<see cref="DraftPlan.Threshold"/>). Remembers nothing, so one serves all models.
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
            DraftPlan plan = draft.Plans[0];
            draft.Choose(plan, Math.Min(plan.Length, draft.Limit), readsConfidence: plan.Threshold > 0);
        }
    }

    /// <inheritdoc/>
    public void AfterPass(DraftStep drafts, DraftPass pass)
    {
        for (int i = 0; i < drafts.Drafts.Count; i++)
        {
            SequenceDraft draft = drafts.Drafts[i];
            if (draft is { IsInPass: true, Plan: { Threshold: > 0 and var threshold } } && !(draft.Confidences[^1] >= threshold))
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
