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
/// reads it. Of a plan with a cascade (<see cref="DraftCascade"/>) a pass runs one level, whose rows the level above takes up.
/// </summary>
/// <param name="stages">The model.</param>
/// <param name="rules">How draft tokens are chosen.</param>
/// <param name="vocabulary">From which tokens.</param>
internal sealed class Drafter(IStages stages, AcceptanceRules rules, DraftVocabulary vocabulary)
{
    private readonly List<Round> _rounds = [];
    private readonly List<RowSource> _sources = [];

    // Of the rows whose logits are looked at: the row, and the place of its round in the pass.
    private readonly int[] _scoredRows = new int[stages.MaxRows];
    private readonly int[] _scoredRounds = new int[stages.MaxRows];

    // By round, whether the pass has nothing more to say about it.
    private readonly bool[] _isSettled = new bool[stages.MaxRows];
    private readonly int[] _keptRows = new int[stages.MaxRows];
    private readonly int[] _keptSlots = new int[stages.MaxRows];
    private RowBatch _batch = new(stages.MaxRows);
    private RowBatch _next = new(stages.MaxRows);

    // Of the pass's plan, the level that runs, and whether it comes to rows of proposed tokens.
    private int _level;
    private bool _runsProposed;

    // What was guessed for whom since it judged last.
    private DraftPlan? _guessedFor;
    private TimeSpan _guessTime;

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
        _guessedFor = null;
        while (Gather(rounds) is { } plan)
        {
            try
            {
                long start = Stopwatch.GetTimestamp();
                RunRows(plan);
                rows += _batch.Rows;
                Passes++;
                TimeSpan time = Stopwatch.GetElapsedTime(start);
                if (_level == 0)
                {
                    time += _guessedFor?.GoesWith(plan) == true ? _guessTime : TimeSpan.Zero;
                    _guessedFor = null;
                    policies.Continue(rounds, new DraftPass(plan, _batch.Rows, time) { Drafts = _rounds.Count, Tokens = AddedTokens(), RunsProposed = _runsProposed });
                }
                else
                {
                    _guessTime = _guessedFor?.GoesWith(plan) == true ? _guessTime + time : time;
                    _guessedFor = plan;
                }
            }
            catch (Exception)
            {
                FailedPasses++;
                for (int i = 0; i < _rounds.Count; i++)
                {
                    _rounds[i].Choice.EndPass(_level);
                    EndFailedDraft(_rounds[i]);
                }
            }
        }

        return rows;
    }

    private int AddedTokens()
    {
        int tokens = 0;
        for (int i = 0; i < _rounds.Count; i++)
        {
            tokens += _rounds[i].Choice.AddedTokens;
        }

        return tokens;
    }

    private static void EndFailedDraft(Round round)
    {
        round.Choice.Stop();
        round.Sequence.NoteDraftFailure();
    }

    // The first round that wants a token, and all others whose next pass is the same. A sequence that has been cancelled wants nothing more.
    private DraftPlan? Gather(IReadOnlyList<Round> rounds)
    {
        DraftPlan? first = null;
        _rounds.Clear();
        _batch.Clear();
        _runsProposed = false;
        for (int i = 0; i < rounds.Count; i++)
        {
            Round round = rounds[i];
            SequenceDraft draft = round.Choice;
            draft.BeginPass();
            if (!draft.WantsToken || round.Sequence.IsCancellationRequested)
            {
                continue;
            }

            int level = draft.NextLevel;
            if (first is null || (first.GoesWith(draft.Plan!) && level == _level))
            {
                first ??= draft.Plan!;
                _level = level;
                _runsProposed |= draft.RowsRun < draft.Length;
                ReadOnlySpan<int> tokens = draft.TokensToRun(level);
                _batch.Add(round.Sequence.Cache, round.CommittedLength + round.PendingLength - 1 + draft.Levels.RowsRun(level + 1), tokens);
                _rounds.Add(round);
            }
        }

        return first;
    }

    // Mostly a row for each round, that of its last token. Before it those of tokens that were proposed, in the first pass behind them, and those that a
    // level of a cascade takes up from the level below, whose logits say how far the guesses there are its own choice.
    private void RunRows(DraftPlan draft)
    {
        LayerPlan plan = draft.Plan;
        stages.Embed(_batch, draft.Weights);
        int depth = 0;
        if (_level < (draft.Cascade?.Levels ?? 0))
        {
            depth = RunTo(plan, depth, draft.Depth(_level + 1));
            JoinGuesses();
        }

        // The rows of a level, and those of the verifier's weights as far as they are exact, are taken up again.
        if (_level > 0 || draft.Weights == WeightSet.Verifier)
        {
            depth = RunTo(plan, depth, _level > 0 ? draft.Depth(_level) : plan.ExactDepth);
            KeepRows();
        }

        RunTo(plan, depth, draft.Depth(_level));
        Choose();
        for (int i = 0; i < _rounds.Count; i++)
        {
            _rounds[i].Choice.PassRows += _batch.Spans[i].Rows;
        }
    }

    private int RunTo(LayerPlan plan, int from, int to)
    {
        Pass.Run(stages, plan.Blocks.AsSpan()[from..to], _batch);
        return to;
    }

    // Rows that the level below has run go before those that it has not.
    private void JoinGuesses()
    {
        _next.Clear();
        _sources.Clear();
        bool joins = false;
        for (int i = 0; i < _rounds.Count; i++)
        {
            DraftLevels levels = _rounds[i].Choice.Levels;
            RowSpan span = _batch.Spans[i];
            int first = levels.RowsRun(_level);
            int kept = levels.RowsRun(_level + 1) - first;
            if (kept > 0)
            {
                _sources.Add(new RowSource(IsKept: true, _rounds[i].KeptSlot + first, kept));
                joins = true;
            }

            _sources.Add(new RowSource(IsKept: false, span.FirstRow, span.Rows));
            _next.AddRows(span.Cache, span.FirstPosition - kept, kept + span.Rows);
        }

        if (joins)
        {
            (_batch, _next) = (_next, _batch);
            stages.Arrange(_sources, _batch);
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
                _keptSlots[count++] = _rounds[i].KeptSlot + _rounds[i].Choice.Levels.RowsRun(_level) + row;
            }
        }

        stages.Keep(_keptRows.AsSpan(0, count), _keptSlots.AsSpan(0, count));
    }

    // A token behind the last one that the level has chosen, and behind each guess that is its own choice another.
    private void Choose()
    {
        bool choosesFromAll = !vocabulary.IsWorthIt || AnyIsToRepeat();
        int scored = 0;
        for (int i = 0; i < _rounds.Count; i++)
        {
            RowSpan span = _batch.Spans[i];
            DraftLevels levels = _rounds[i].Choice.Levels;
            for (int row = levels.Chosen(_level) - levels.RowsRun(_level); row < span.Rows; row++)
            {
                _scoredRows[scored] = span.FirstRow + row;
                _scoredRounds[scored++] = i;
            }

            _isSettled[i] = false;
        }

        for (int first = 0; first < scored; first += stages.MaxScoredRows)
        {
            int count = Math.Min(stages.MaxScoredRows, scored - first);
            ReadOnlySpan<int> rows = _scoredRows.AsSpan(first, count);
            if (choosesFromAll && stages.KeepsLogits && AnyChoosesGreedily(first, count))
            {
                PickChoices(rows, first);
                continue;
            }

            Span<float> logits = choosesFromAll && stages.DraftVocabulary.Length > 0 ? stages.Head(rows) : stages.DraftHead(rows);
            for (int i = 0; i < count; i++)
            {
                Pick(first + i, logits.Slice(i * stages.VocabularySize, stages.VocabularySize));
            }
        }

        for (int i = 0; i < _rounds.Count; i++)
        {
            _rounds[i].Choice.EndPass(_level);
        }
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
            isAny |= _rounds[_scoredRounds[i]].Sequence.ChoosesGreedily;
        }

        return isAny;
    }

    // Logits stay where they are, but for those of rows that somebody has to look at.
    private void PickChoices(ReadOnlySpan<int> rows, int first)
    {
        ReadOnlySpan<RowChoice> choices = stages.Choose(rows);
        for (int i = 0; i < rows.Length; i++)
        {
            int place = _scoredRounds[first + i];
            Round round = _rounds[place];
            if (!round.Sequence.ChoosesGreedily || float.IsNaN(choices[i].Probability))
            {
                Pick(first + i, stages.ChosenLogits(i));
            }
            else if (!_isSettled[place])
            {
                _isSettled[place] = !round.Choice.Take(_level, choices[i].Token, round.Choice.ReadsConfidenceAt(_level) ? choices[i].Probability : 0);
            }
        }
    }

    private void Pick(int scored, Span<float> logits)
    {
        int index = _scoredRounds[scored];
        if (_isSettled[index])
        {
            return;
        }

        Round round = _rounds[index];
        SequenceDraft draft = round.Choice;
        ReadOnlySpan<int> chosen = draft.ChosenBy(_level);
        bool isConstrained = round.Sequence.Constrain(chosen, logits);
        LogitRow row = new(logits);
        if (!isConstrained || !row.CanChoose)
        {
            // Blocks left out or repeated may overflow where the whole model does not, and constraints may leave none of the tokens that drafts
            // choose from: nothing to propose.
            draft.Stop(_level);
            _isSettled[index] = true;
            return;
        }

        // Whatever its policy makes of it, the token stays in the draft: a draft that left out what was drawn would be drawn from
        // another distribution.
        int token = rules[round.Sequence.Sampler.Rule].Draft(round, chosen.Length, row);
        _isSettled[index] = !draft.Take(_level, token, draft.ReadsConfidenceAt(_level) ? (float)Softmax.Probability(row, token) : 0);
    }
}
