using SpecDecode.Drafting;
using SpecDecode.Plans;
using SpecDecode.Sampling;
using SpecDecode.Stages;

namespace SpecDecode.Speculation;

/// <summary>
/// Drafts for all rounds that want it: rounds of equal plan and weights go through the model together, one row each. Every row is
/// kept as it is at the plan's exact depth, where verification takes it up again (on weights of lower precision no row is
/// exact, and none is kept); what else a draft writes into the cache is overwritten by verification before anything committed
/// reads it.
/// </summary>
/// <param name="stages">The model.</param>
/// <param name="rules">How draft tokens are chosen.</param>
internal sealed class Drafter(IStages stages, AcceptanceRules rules)
{
    private readonly RowBatch _batch = new(stages.MaxRows);
    private readonly List<Round> _rounds = [];
    private readonly int[] _rows = [.. Enumerable.Range(0, stages.MaxRows)];

    /// <summary>Passes of the last run that failed.</summary>
    public int FailedPasses { get; private set; }

    /// <summary>
    /// Drafts until no round wants another token. A pass that fails ends the drafts in it where they were: what was drafted
    /// before is whole, and whatever the pass has left in the cache is overwritten by verification.
    /// </summary>
    /// <returns>Rows that were run.</returns>
    public int Run(IReadOnlyList<Round> rounds)
    {
        int rows = 0;
        FailedPasses = 0;
        while (Gather(rounds) is { } draft)
        {
            try
            {
                RunRow(draft.Plan, draft.Weights);
                rows += _rounds.Count;
            }
            catch (Exception)
            {
                FailedPasses++;
                _rounds.ForEach(EndFailedDraft);
            }
        }

        return rows;
    }

    private static void EndFailedDraft(Round round)
    {
        round.EndDraft();
        round.Sequence.NoteDraftFailure();
    }

    // The first round that wants a token, and all others of its plan. A sequence that has been cancelled wants nothing more.
    private DraftPlan? Gather(IReadOnlyList<Round> rounds)
    {
        DraftPlan? first = null;
        _rounds.Clear();
        _batch.Clear();
        for (int i = 0; i < rounds.Count; i++)
        {
            Round round = rounds[i];
            if (round.WantsDraft && !round.Sequence.IsCancellationRequested && (first is null || GoTogether(first, round.Sequence.Draft!)))
            {
                first ??= round.Sequence.Draft!;
                _rounds.Add(round);
                _batch.Add(round.Sequence.Cache, round.CommittedLength + round.PendingLength - 1 + round.DraftLength, round.TokenToDraftFrom);
            }
        }

        return first;
    }

    private static bool GoTogether(DraftPlan a, DraftPlan b) => a.Weights == b.Weights && a.Plan.Equals(b.Plan);

    private void RunRow(LayerPlan plan, WeightSet weights)
    {
        stages.Embed(_batch, weights);
        int exactDepth = weights == WeightSet.Verifier ? plan.ExactDepth : 0;
        Pass.Run(stages, plan.Blocks.AsSpan()[..exactDepth], _batch);
        for (int row = 0; row < _rounds.Count && weights == WeightSet.Verifier; row++)
        {
            stages.Keep(row, _rounds[row].KeptSlot + _rounds[row].DraftLength);
        }

        Pass.Run(stages, plan.Blocks.AsSpan()[exactDepth..], _batch);
        for (int first = 0; first < _rounds.Count; first += stages.MaxScoredRows)
        {
            int count = Math.Min(stages.MaxScoredRows, _rounds.Count - first);
            ReadOnlySpan<float> logits = stages.Head(_rows.AsSpan(first, count));
            for (int i = 0; i < count; i++)
            {
                Pick(_rounds[first + i], new LogitRow(logits.Slice(i * stages.VocabularySize, stages.VocabularySize)));
            }
        }
    }

    private void Pick(Round round, LogitRow row)
    {
        if (!row.CanChoose)
        {
            // Blocks left out or repeated may overflow where the whole model does not: nothing to propose.
            round.EndDraft();
            return;
        }

        int token = rules[round.Sequence.Sampler.Rule].Draft(round, row);
        float threshold = round.Sequence.Draft!.Threshold;

        // Behind a token that it is not sure of it drafts no further. The token stays in the draft: a draft that left out what
        // was drawn would be drawn from another distribution.
        bool confident = threshold <= 0 || Softmax.Probability(row, token) >= threshold;
        round.AddDraft(token, goOn: confident && !round.Sequence.Ends(token));
    }
}
