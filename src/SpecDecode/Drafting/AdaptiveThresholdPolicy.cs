using SpecDecode.Sampling;

namespace SpecDecode.Drafting;

/// <summary>
/// A draft ends behind a token whose probability is below a threshold, and the threshold follows what is accepted (Draft &amp; Verify, 2309.08168,
/// section 3.3): for each sequence of its own, so one serves all models.
/// </summary>
/// <remarks>
/// <para>
/// After a round M ← 0.5 M + 0.5 · accepted / drafted, which begins with the first round's. Where M is below 0.9 the threshold is to rise by 0.01; else it stays where the
/// draft had all tokens that it might have, and is to fall by 0.01 where it had not; a tenth of that is done: th ← 0.9 th + 0.1 th′. The threshold begins at 0.8 with greedy
/// acceptance and at 0.5 with the other rules.
/// </para>
/// <para>
/// With <see cref="AcceptanceRule.Rejection"/> the judged tokens stand in place of the drafted ones: how far a draft went behind its first mistake depends on random numbers which
/// are used again for the same places, and what follows from them must not decide about these. The token at which a draft ends stays in it and is judged.
/// </para>
/// </remarks>
public sealed class AdaptiveThresholdPolicy : IDraftPolicy
{
    /// <summary>The most tokens of a draft in the paper.</summary>
    public const int DefaultMaxLength = 8;

    /// <summary>Where the threshold begins with greedy acceptance.</summary>
    public const double GreedyStart = 0.8;

    /// <summary>Where it begins when tokens are sampled.</summary>
    public const double SampledStart = 0.5;

    private const double TargetRate = 0.9;
    private const double Step = 0.01;
    private const double KeptRate = 0.5;
    private const double KeptThreshold = 0.9;

    private readonly int _maxLength;

    /// <summary>A policy.</summary>
    /// <param name="maxLength">Most tokens of a draft; <see cref="DraftingOptions.DraftLength"/> limits them, too.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is not from 1 to <see cref="DraftingOptions.MaxDraftLength"/>.</exception>
    public AdaptiveThresholdPolicy(int maxLength = DefaultMaxLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLength, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxLength, DraftingOptions.MaxDraftLength);
        _maxLength = maxLength;
    }

    /// <summary>The one by name: the options have its length.</summary>
    internal static AdaptiveThresholdPolicy Shared { get; } = new(DraftingOptions.MaxDraftLength);

    /// <summary>The threshold of a draft's sequence now.</summary>
    internal static double ThresholdOf(SequenceDraft draft) => StateOf(draft).Threshold;

    /// <inheritdoc/>
    public void Plan(DraftStep drafts)
    {
        ArgumentNullException.ThrowIfNull(drafts);
        for (int i = 0; i < drafts.Drafts.Count; i++)
        {
            SequenceDraft draft = drafts.Drafts[i];
            if (draft.Plans.Count > 0)
            {
                draft.Choose(draft.Plans[0], Most(draft));
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
            if (draft.IsInPass && !draft.IsSure(StateOf(draft).Threshold))
            {
                draft.Stop();
            }
        }
    }

    /// <inheritdoc/>
    public void Observe(DraftStep drafts)
    {
        ArgumentNullException.ThrowIfNull(drafts);
        for (int i = 0; i < drafts.Drafts.Count; i++)
        {
            SequenceDraft draft = drafts.Drafts[i];
            int drafted = draft.Rule == AcceptanceRule.Rejection ? draft.Evaluated : draft.Length;
            if (drafted > 0)
            {
                StateOf(draft).Learn((double)draft.Accepted / drafted, drafted >= Most(draft));
            }
        }
    }

    private static State StateOf(SequenceDraft draft)
    {
        if (draft.State is not State state)
        {
            state = new State(draft.Rule == AcceptanceRule.Greedy ? GreedyStart : SampledStart);
            draft.State = state;
        }

        return state;
    }

    private int Most(SequenceDraft draft) => Math.Min(_maxLength, draft.Limit);

    /// <summary>What is remembered of a sequence.</summary>
    private sealed class State(double threshold)
    {
        private double? _rate;

        public double Threshold { get; private set; } = threshold;

        public void Learn(double rate, bool hadAll)
        {
            _rate = _rate is { } before ? KeptRate * before + (1 - KeptRate) * rate : rate;
            double wanted = _rate < TargetRate ? Threshold + Step : hadAll ? Threshold : Threshold - Step;
            Threshold = Math.Clamp(KeptThreshold * Threshold + (1 - KeptThreshold) * wanted, 0, 1);
        }
    }
}
