using SpecDecode.Plans;
using SpecDecode.Sampling;
using SpecDecode.Sequences;
using SpecDecode.Stages;

namespace SpecDecode.Speculation;

/// <summary>
/// Runs the rows of all rounds through the full plan at once. Rows that a draft has left at some depth are exact up to
/// there and join at that depth; all others (last draft tokens, tokens of plain sequences, pieces of prompts) enter at
/// depth 0. So at block i all rows whose depth is at most i run.
/// </summary>
internal sealed class Verifier
{
    private readonly IStages _stages;
    private readonly AcceptanceRules _rules;
    private readonly LayerPlan _fullPlan;
    private readonly List<RowSource> _sources = [];
    private readonly int[] _scoredRows;
    private readonly Round[] _scoredRounds;
    private float[] _raw = [];
    private RowBatch _batch;
    private RowBatch _next;

    /// <summary>Makes a verifier.</summary>
    /// <param name="stages">The model.</param>
    /// <param name="rules">How tokens are chosen and drafts accepted.</param>
    public Verifier(IStages stages, AcceptanceRules rules)
    {
        _stages = stages;
        _rules = rules;
        _fullPlan = LayerPlan.Full(stages.LayerCount);
        _batch = new RowBatch(stages.MaxRows);
        _next = new RowBatch(stages.MaxRows);
        _scoredRows = new int[stages.MaxScoredRows];
        _scoredRounds = new Round[stages.MaxScoredRows];
    }

    /// <summary>Runs the rounds' rows, and judges the drafts by what the full model makes of them.</summary>
    /// <returns>Rows that were run at full depth.</returns>
    public int Run(IReadOnlyList<Round> rounds)
    {
        Enter(rounds);
        int depth = 0;
        while (depth < _fullPlan.Blocks.Length)
        {
            int join = NextJoin(rounds, depth);
            Pass.Run(_stages, _fullPlan.Blocks.AsSpan()[depth..join], _batch);
            depth = join;
            Join(rounds, depth);
        }

        Score(rounds);
        return _batch.Rows;
    }

    private static int KeptDepth(Round round) => round.Choice.Plan!.Plan.ExactDepth;

    // Rows at depth 0: all but those that were kept.
    private void Enter(IReadOnlyList<Round> rounds)
    {
        _batch.Clear();
        for (int i = 0; i < rounds.Count; i++)
        {
            Round round = rounds[i];
            ReadOnlySpan<int> tokens = round.TokensToEnter;
            round.FirstRow = _batch.Add(round.Sequence.Cache, round.CommittedLength + round.Rows - tokens.Length, tokens);
        }

        _stages.Embed(_batch);
        Join(rounds, depth: 0);
    }

    private int NextJoin(IReadOnlyList<Round> rounds, int depth)
    {
        int next = _fullPlan.Blocks.Length;
        for (int i = 0; i < rounds.Count; i++)
        {
            if (rounds[i].HasKeptRows && KeptDepth(rounds[i]) > depth)
            {
                next = Math.Min(next, KeptDepth(rounds[i]));
            }
        }

        return next;
    }

    // Rows that were kept at this depth go before their sequence's others, in position order.
    private void Join(IReadOnlyList<Round> rounds, int depth)
    {
        bool joins = false;
        for (int i = 0; i < rounds.Count; i++)
        {
            joins |= rounds[i].HasKeptRows && KeptDepth(rounds[i]) == depth;
        }

        if (!joins)
        {
            return;
        }

        _next.Clear();
        _sources.Clear();
        for (int i = 0; i < rounds.Count; i++)
        {
            Round round = rounds[i];
            RowSpan span = _batch.Spans[i];
            int keptRows = round.HasKeptRows && KeptDepth(round) == depth ? round.DraftLength : 0;
            if (keptRows > 0)
            {
                _sources.Add(new RowSource(IsKept: true, round.KeptSlot, keptRows));
            }

            _sources.Add(new RowSource(IsKept: false, span.FirstRow, span.Rows));
            round.FirstRow = _next.AddRows(span.Cache, span.FirstPosition - keptRows, keptRows + span.Rows);
        }

        (_batch, _next) = (_next, _batch);
        _stages.Arrange(_sources, _batch);
    }

    private void Score(IReadOnlyList<Round> rounds)
    {
        int scored = 0;
        for (int i = 0; i < rounds.Count; i++)
        {
            Round round = rounds[i];
            for (int index = 0; index < round.ScoredRows && !round.IsDecided; index++)
            {
                _scoredRows[scored] = round.FirstRow + round.FirstScoredRow + index;
                _scoredRounds[scored] = round;
                if (++scored == _scoredRows.Length)
                {
                    Judge(scored);
                    scored = 0;
                }
            }
        }

        if (scored > 0)
        {
            Judge(scored);
        }
    }

    // Row after row of each round, until it is decided; rows behind that are computed with the others and not looked at.
    private void Judge(int scored)
    {
        if (_stages.KeepsLogits && AnyTakesGreedyChoice(scored))
        {
            JudgeChoices(scored);
            return;
        }

        Span<float> logits = _stages.Head(_scoredRows.AsSpan(0, scored));
        for (int i = 0; i < scored; i++)
        {
            Round round = _scoredRounds[i];
            if (!round.IsDecided)
            {
                Judge(round, logits.Slice(i * _stages.VocabularySize, _stages.VocabularySize));
            }
        }
    }

    private bool AnyTakesGreedyChoice(int scored)
    {
        bool isAny = false;
        for (int i = 0; i < scored; i++)
        {
            isAny |= _scoredRounds[i].TakesGreedyChoice;
        }

        return isAny;
    }

    // Logits stay where they are, but for those of rows that somebody has to look at.
    private void JudgeChoices(int scored)
    {
        ReadOnlySpan<RowChoice> choices = _stages.Choose(_scoredRows.AsSpan(0, scored));
        for (int i = 0; i < scored; i++)
        {
            Round round = _scoredRounds[i];
            if (!round.IsDecided && round.TakesGreedyChoice && !float.IsNaN(choices[i].Probability))
            {
                round.Settle(choices[i].Token);
            }
            else if (!round.IsDecided)
            {
                Judge(round, _stages.ChosenLogits(i));
            }
        }
    }

    private void Judge(Round round, Span<float> logits)
    {
        Sequence sequence = round.Sequence;
        if (round.PromptRowsScored < round.PromptRowsToScore)
        {
            int place = round.CommittedLength + ++round.PromptRowsScored;
            sequence.PromptLogProbabilities!.Record(place, logits, sequence.Prompt[place]);
            return;
        }

        // What the model itself thinks is kept where a constraint would change it.
        ReadOnlySpan<float> raw = logits;
        if (sequence.LogProbabilities is { IsProcessed: false } && sequence.Constraints is not null)
        {
            Array.Resize(ref _raw, Math.Max(_raw.Length, logits.Length));
            logits.CopyTo(_raw);
            raw = _raw.AsSpan(0, logits.Length);
        }

        if (!sequence.Constrain(round.Draft[..round.Accepted], logits))
        {
            Exception error = sequence.ConstraintError!;
            round.Fail(error as SpecDecodeException ?? new SpecDecodeException($"A constraint of the request threw: {error.Message}", error));
            return;
        }

        LogitRow row = new(logits);
        if (row.CanChoose)
        {
            int settled = round.Appended;
            _rules[sequence.Sampler.Rule].Judge(round, row);
            sequence.LogProbabilities?.Record(sequence.NewTokens.Length + settled, raw, round.Output[settled]);
        }
        else if (sequence.Constraints is not null && float.IsNegativeInfinity(row.Highest))
        {
            round.Fail(new SpecDecodeException(
                $"The constraints of the request leave no token that could be number {sequence.NewTokens.Length + round.Accepted + 1} of the text: they contradict each other, or the vocabulary has nothing for them. Loosen one."));
        }
        else if (round.DraftLength > 0)
        {
            round.Abandon();
        }
        else
        {
            round.Fail(row.NotFinite());
        }
    }
}
