using System.Diagnostics;
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
/// <param name="vocabulary">From which tokens.</param>
internal sealed class Drafter(IStages stages, AcceptanceRules rules, DraftVocabulary vocabulary)
{
    private readonly RowBatch _batch = new(stages.MaxRows);
    private readonly List<Round> _rounds = [];
    private readonly int[] _lastRows = new int[stages.MaxRows];
    private readonly int[] _keptRows = new int[stages.MaxRows];
    private readonly int[] _keptSlots = new int[stages.MaxRows];

    /// <summary>Passes of the last run, without those that failed.</summary>
    public int Passes { get; private set; }

    /// <summary>Passes of the last run that failed.</summary>
    public int FailedPasses { get; private set; }

    /// <summary>
    /// Drafts until no round wants another token. A pass that fails ends the drafts in it where they were: what was drafted
    /// before is whole, and whatever the pass has left in the cache is overwritten by verification.
    /// </summary>
    /// <param name="rounds">The rounds.</param>
    /// <param name="policies">Asked after each pass whether the drafts go on.</param>
    /// <returns>Rows that were run.</returns>
    public int Run(IReadOnlyList<Round> rounds, DraftPolicies policies)
    {
        int rows = 0;
        Passes = 0;
        FailedPasses = 0;
        while (Gather(rounds) is { } plan)
        {
            try
            {
                long start = Stopwatch.GetTimestamp();
                RunRows(plan);
                rows += _batch.Rows;
                Passes++;
                policies.Continue(rounds, new DraftPass(plan, _batch.Rows, Stopwatch.GetElapsedTime(start)) { Drafts = _rounds.Count });
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
        round.Choice.Stop();
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
            SequenceDraft draft = round.Choice;
            draft.IsInPass = false;
            if (draft.WantsToken && !round.Sequence.IsCancellationRequested && (first is null || first.GoesWith(draft.Plan!)))
            {
                first ??= draft.Plan!;
                ReadOnlySpan<int> tokens = draft.TokensFrom(draft.RowsRun);
                int position = round.CommittedLength + round.PendingLength - 1 + draft.RowsRun;
                _lastRows[_rounds.Count] = _batch.Add(round.Sequence.Cache, position, tokens) + tokens.Length - 1;
                _rounds.Add(round);
            }
        }

        return first;
    }

    // A row for each round, that of its last token; before it those of tokens that were proposed, in the first pass behind them.
    private void RunRows(DraftPlan draft)
    {
        LayerPlan plan = draft.Plan;
        stages.Embed(_batch, draft.Weights);
        int exactDepth = draft.Weights == WeightSet.Verifier ? plan.ExactDepth : 0;
        Pass.Run(stages, plan.Blocks.AsSpan()[..exactDepth], _batch);
        if (draft.Weights == WeightSet.Verifier)
        {
            KeepRows();
        }

        Pass.Run(stages, plan.Blocks.AsSpan()[exactDepth..], _batch);
        bool choosesFromAll = !vocabulary.IsWorthIt || AnyIsToRepeat();
        for (int first = 0; first < _rounds.Count; first += stages.MaxScoredRows)
        {
            int count = Math.Min(stages.MaxScoredRows, _rounds.Count - first);
            ReadOnlySpan<int> rows = _lastRows.AsSpan(first, count);
            if (choosesFromAll && stages.KeepsLogits && AnyChoosesGreedily(first, count))
            {
                PickChoices(rows, first);
                continue;
            }

            Span<float> logits = choosesFromAll ? stages.Head(rows) : stages.DraftHead(rows);
            for (int i = 0; i < count; i++)
            {
                Pick(_rounds[first + i], logits.Slice(i * stages.VocabularySize, stages.VocabularySize));
            }
        }
    }

    private void KeepRows()
    {
        int count = 0;
        for (int i = 0; i < _rounds.Count; i++)
        {
            RowSpan span = _batch.Spans[i];
            for (int row = 0; row < span.Rows; row++)
            {
                _keptRows[count] = span.FirstRow + row;
                _keptSlots[count++] = _rounds[i].KeptSlot + _rounds[i].Choice.RowsRun + row;
            }
        }

        stages.Keep(_keptRows.AsSpan(0, count), _keptSlots.AsSpan(0, count));
    }

    // By rejection sampling a seed repeats its text where the drafts are the same, and the vocabulary of drafts follows what others have written.
    private bool AnyIsToRepeat()
    {
        bool isAny = false;
        for (int i = 0; i < _rounds.Count; i++)
        {
            Sampler sampler = _rounds[i].Sequence.Sampler;
            isAny |= sampler.Rule == AcceptanceRule.Rejection && sampler.Options.Seed is not null;
        }

        return isAny;
    }

    private bool AnyChoosesGreedily(int first, int count)
    {
        bool isAny = false;
        for (int i = first; i < first + count; i++)
        {
            isAny |= _rounds[i].Sequence.ChoosesGreedily;
        }

        return isAny;
    }

    // Logits stay where they are, but for those of rows that somebody has to look at.
    private void PickChoices(ReadOnlySpan<int> rows, int first)
    {
        ReadOnlySpan<RowChoice> choices = stages.Choose(rows);
        for (int i = 0; i < rows.Length; i++)
        {
            Round round = _rounds[first + i];
            if (round.Sequence.ChoosesGreedily && !float.IsNaN(choices[i].Probability))
            {
                round.Choice.Add(choices[i].Token, round.Choice.ReadsConfidence ? choices[i].Probability : 0);
            }
            else
            {
                Pick(round, stages.ChosenLogits(i));
            }
        }
    }

    private void Pick(Round round, Span<float> logits)
    {
        bool isConstrained = round.Sequence.Constrain(round.Draft, logits);
        LogitRow row = new(logits);
        if (!isConstrained || !row.CanChoose)
        {
            // Blocks left out or repeated may overflow where the whole model does not, and constraints may leave none of the tokens that drafts
            // choose from: nothing to propose.
            round.Choice.Stop();
            return;
        }

        // Whatever its policy makes of it, the token stays in the draft: a draft that left out what was drawn would be drawn from
        // another distribution.
        int token = rules[round.Sequence.Sampler.Rule].Draft(round, row);
        round.Choice.Add(token, round.Choice.ReadsConfidence ? (float)Softmax.Probability(row, token) : 0);
    }
}
