namespace SpecDecode.Drafting;

/// <summary>
/// Drafts while the drafter is sure (Kangaroo, 2404.18911): a draft ends behind the first token whose probability is below a threshold, or where it has
/// as many tokens as it may have. Remembers nothing, so one serves all models.
/// </summary>
/// <remarks>
/// The token that the drafter is not sure of stays in the draft and is judged: what is left out because of what was drawn would change the distribution
/// of sampled texts. Where tokens are sampled, the probability is that of the token that was drawn, by the raw softmax, in place of the paper's highest one.
/// </remarks>
public sealed class ConfidenceStopPolicy : IDraftPolicy
{
    /// <summary>The threshold of the paper.</summary>
    public const float DefaultThreshold = 0.6f;

    /// <summary>The most tokens of a draft in the paper.</summary>
    public const int DefaultMaxLength = 6;

    private readonly int _maxLength;

    /// <summary>A policy.</summary>
    /// <param name="threshold">The probability below which a draft ends; that of the options (<see cref="DraftingOptions.Threshold"/>), where they have one, goes before it.</param>
    /// <param name="maxLength">Most tokens of a draft; <see cref="DraftingOptions.DraftLength"/> limits them, too.</param>
    /// <exception cref="ArgumentOutOfRangeException">The threshold is not from 0 to 1, or the length not from 1 to <see cref="DraftingOptions.MaxDraftLength"/>.</exception>
    public ConfidenceStopPolicy(float threshold = DefaultThreshold, int maxLength = DefaultMaxLength)
    {
        if (!(threshold is >= 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(threshold), threshold, "Give a probability from 0 to 1.");
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(maxLength, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxLength, DraftingOptions.MaxDraftLength);
        Threshold = threshold;
        _maxLength = maxLength;
    }

    /// <summary>The probability below which a draft ends.</summary>
    public float Threshold { get; }

    /// <summary>The one by name: the options have its length.</summary>
    internal static ConfidenceStopPolicy Shared { get; } = new(maxLength: DraftingOptions.MaxDraftLength);

    /// <inheritdoc/>
    public void Plan(DraftStep drafts)
    {
        ArgumentNullException.ThrowIfNull(drafts);
        for (int i = 0; i < drafts.Drafts.Count; i++)
        {
            SequenceDraft draft = drafts.Drafts[i];
            if (draft.Plans.Count > 0)
            {
                draft.Choose(draft.Plans[0], Math.Min(_maxLength, draft.Limit));
            }
        }
    }

    /// <inheritdoc/>
    public void AfterPass(DraftStep drafts, DraftPass pass)
    {
        ArgumentNullException.ThrowIfNull(drafts);
        for (int i = 0; i < drafts.Drafts.Count; i++)
        {
            SequenceDraft draft = drafts.Drafts[i];
            if (draft is { IsInPass: true, Plan: { } plan } && !draft.IsSure(plan.Threshold > 0 ? plan.Threshold : Threshold))
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
