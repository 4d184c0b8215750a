using SpecDecode.Caching;
using SpecDecode.Sampling;
using SpecDecode.Stages;

namespace SpecDecode.Evaluation;

/// <summary>
/// How often earlier exits from a plan choose what the plan itself chooses, and what each other choose: one pass of the plan over stretches of texts, with the head at each
/// of the exits. A row counts where the plan's draft would have come to it: where its choices before it in the stretch are the text.
/// </summary>
internal sealed class GuessAgreement
{
    private readonly IStages _stages;
    private readonly PlanCandidate _plan;
    private readonly int[] _depths;
    private readonly TextStretches _texts;
    private readonly RowBatch _batch;
    private readonly int[] _scored;

    // By depth, the choice of each row; −1 where there is none.
    private readonly int[][] _choices;
    private readonly int[,] _same;

    /// <summary>Prepares an evaluation; nothing runs yet.</summary>
    /// <param name="stages">The model.</param>
    /// <param name="plan">The plan.</param>
    /// <param name="exits">The exits, as numbers of layers, ascending; the plan runs these and more as the whole model does.</param>
    /// <param name="texts">The texts, with entries of all tokens but the last.</param>
    /// <param name="length">Rows of a stretch.</param>
    public GuessAgreement(IStages stages, PlanCandidate plan, IReadOnlyList<int> exits, IReadOnlyList<WrittenText> texts, int length)
    {
        _stages = stages;
        _plan = plan;
        _depths = [.. exits.Select(exit => 2 * exit), plan.Plan.Blocks.Length];
        _texts = new TextStretches(texts, length, stages.MaxRows);
        _batch = new RowBatch(stages.MaxRows);
        _scored = new int[Math.Min(stages.MaxScoredRows, stages.MaxRows)];
        _choices = [.. _depths.Select(_ => new int[stages.MaxRows])];
        _same = new int[_depths.Length, _depths.Length];
        _texts.Next();
    }

    /// <summary>Whether all stretches were looked at.</summary>
    public bool IsDone => _texts.Current.Count == 0;

    /// <summary>Rows that counted.</summary>
    public int Rows { get; private set; }

    /// <summary>How often one chooses what another does; half a row of each kind is believed before any is seen.</summary>
    /// <param name="guess">The number of an exit.</param>
    /// <param name="judge">That of a later one, or the number of exits for the plan.</param>
    public double Chance(int guess, int judge) => (_same[guess, judge] + 0.5) / (Rows + 1);

    /// <summary>Runs one pass.</summary>
    public void Step()
    {
        using (CacheTransaction transaction = _texts.Fill(_batch))
        {
            _stages.Embed(_batch, _plan.Weights);
            int from = 0;
            for (int i = 0; i < _depths.Length; i++)
            {
                Pass.Run(_stages, _plan.Plan.Blocks.AsSpan()[from.._depths[i]], _batch);
                from = _depths[i];
                Choose(_choices[i]);
            }

            Count();
        }

        _texts.Next();
    }

    private void Choose(int[] choices)
    {
        for (int first = 0; first < _batch.Rows; first += _scored.Length)
        {
            int count = Math.Min(_scored.Length, _batch.Rows - first);
            for (int i = 0; i < count; i++)
            {
                _scored[i] = first + i;
            }

            Span<float> logits = _stages.DraftHead(_scored.AsSpan(0, count));
            for (int i = 0; i < count; i++)
            {
                LogitRow row = new(logits.Slice(i * _stages.VocabularySize, _stages.VocabularySize));
                choices[first + i] = row.CanChoose ? row.Best : -1;
            }
        }
    }

    private void Count()
    {
        int row = 0;
        foreach (Stretch stretch in _texts.Current)
        {
            for (int place = 0; place < stretch.Rows && (place == 0 || _choices[^1][row + place - 1] == _texts.Token(stretch, place - 1)); place++)
            {
                Rows++;
                for (int judge = 1; judge < _depths.Length; judge++)
                {
                    for (int guess = 0; guess < judge; guess++)
                    {
                        _same[guess, judge] += _choices[guess][row + place] == _choices[judge][row + place] ? 1 : 0;
                    }
                }
            }

            row += stretch.Rows;
        }
    }
}
