using SpecDecode.Caching;
using SpecDecode.Sampling;
using SpecDecode.Stages;

namespace SpecDecode.Evaluation;

/// <summary>
/// How often plans would have drafted what the full model has written (the measure of SWIFT, 2410.06916, by place in a draft): a parallel
/// pass for each plan over a short stretch of a text, whose row j is the j-th row of a draft that begins with the stretch. Such a row reads
/// exact entries before the stretch and the plan's own in it, as a draft's does, so where all rows before it agreed, it gives the draft's
/// token.
/// </summary>
/// <remarks>
/// Stretches go from the end of a text backwards and each cache is rolled back to where its stretch begins: what a plan leaves there no
/// later pass reads, so nothing has to be restored, and plans do not see each other. Several texts go in one pass, never two stretches
/// of one. All plans judge a stretch before the next one's turn, and a stretch counts once all have: results compare at any time.
/// </remarks>
internal sealed class PlanAgreement
{
    /// <summary>Tokens of a draft, unless it is said otherwise.</summary>
    public const int DefaultLength = 8;

    private readonly IStages _stages;
    private readonly PlanCandidate[] _candidates;
    private readonly TextStretches _texts;
    private readonly bool _startsEverywhere;
    private readonly AgreementTally[] _tallies;
    private readonly DraftReplay[] _replays;
    private readonly RowBatch _batch;
    private readonly int[] _rows;

    // Of the stretches in work: each candidate's agreeing tokens, candidate by candidate.
    private readonly List<int> _agreed = [];
    private int _candidate;

    /// <summary>Prepares an evaluation; nothing runs yet.</summary>
    /// <param name="stages">The model.</param>
    /// <param name="candidates">The plans; at least one.</param>
    /// <param name="texts">The texts, each with a cache of its own. Those too short for a draft add nothing.</param>
    /// <param name="length">Tokens of a draft, at least 1; no more than a pass has rows are taken.</param>
    /// <param name="startsEverywhere">
    /// Whether a draft begins at every position, which takes <paramref name="length"/> times as many passes and is what
    /// <see cref="Replay"/> needs; else one begins where the next ends.
    /// </param>
    /// <exception cref="ArgumentException">No candidate, or entries are missing in a cache.</exception>
    public PlanAgreement(
        IStages stages, IReadOnlyList<PlanCandidate> candidates, IReadOnlyList<WrittenText> texts, int length = DefaultLength, bool startsEverywhere = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        if (candidates.Count == 0)
        {
            throw new ArgumentException("There is no plan to judge.", nameof(candidates));
        }

        _stages = stages;
        _candidates = [.. candidates];
        _texts = new TextStretches(texts, length, stages.MaxRows, startsEverywhere);
        Length = Math.Min(length, stages.MaxRows);
        _startsEverywhere = startsEverywhere;
        _tallies = [.. candidates.Select(_ => new AgreementTally(Length))];
        _batch = new RowBatch(stages.MaxRows);
        _rows = new int[Math.Min(stages.MaxScoredRows, stages.MaxRows)];
        _replays = startsEverywhere ? [.. candidates.Select(_ => new DraftReplay(_texts.Texts, Length))] : [];
        Gather();
    }

    /// <summary>Tokens of a draft.</summary>
    public int Length { get; }

    /// <summary>Whether all stretches of all texts were judged by all plans.</summary>
    public bool IsDone => _texts.Current.Count == 0;

    /// <summary>Passes that were run.</summary>
    public int Passes { get; private set; }

    /// <summary>Rows that they had together.</summary>
    public long Rows { get; private set; }

    /// <summary>What is known of a plan so far: of each plan about the same stretches.</summary>
    /// <param name="candidate">Its number among the candidates.</param>
    public AgreementTally Of(int candidate) => _tallies[candidate];

    /// <summary>How drafts of a plan would have gone from the first new token to the last, once that is known of every position.</summary>
    /// <param name="candidate">Its number among the candidates.</param>
    /// <exception cref="InvalidOperationException">Drafts did not begin everywhere, or not all are judged.</exception>
    public DraftReplay Replay(int candidate) => _startsEverywhere && IsDone ? _replays[candidate]
        : throw new InvalidOperationException("Drafts must begin at every position, and all be judged, before they can be replayed.");

    /// <summary>Runs all passes that are left.</summary>
    /// <param name="cancellationToken">Ends the work between passes.</param>
    public void Run(CancellationToken cancellationToken)
    {
        while (!IsDone)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Step();
        }
    }

    /// <summary>Runs one pass: one plan over the stretches in work.</summary>
    /// <returns>Whether there is more to do.</returns>
    public bool Step()
    {
        if (IsDone)
        {
            return false;
        }

        RunPass(_candidates[_candidate]);
        if (++_candidate == _candidates.Length)
        {
            Count();
            Gather();
        }

        return !IsDone;
    }

    private void Gather()
    {
        _texts.Next();
        _agreed.Clear();
        _candidate = 0;
    }

    private void RunPass(PlanCandidate candidate)
    {
        using CacheTransaction transaction = _texts.Fill(_batch);
        _stages.Embed(_batch, candidate.Weights);
        Pass.Run(_stages, candidate.Plan.Blocks.AsSpan(), _batch);
        Passes++;
        Rows += _batch.Rows;
        Judge();
    }

    // Row after row of each stretch, until one disagrees: no draft comes to those behind it.
    private void Judge()
    {
        int before = _agreed.Count;
        int stretch = 0;
        int place = 0;
        bool isOpen = true;
        _agreed.Add(0);
        for (int scored = 0; scored < _batch.Rows;)
        {
            int count = Math.Min(_rows.Length, _batch.Rows - scored);
            for (int i = 0; i < count; i++)
            {
                _rows[i] = scored + i;
            }

            // The head of drafts, which may score but some tokens.
            ReadOnlySpan<float> logits = _stages.DraftHead(_rows.AsSpan(0, count));
            for (int i = 0; i < count; i++, scored++)
            {
                if (place == _texts.Current[stretch].Rows)
                {
                    stretch++;
                    place = 0;
                    isOpen = true;
                    _agreed.Add(0);
                }

                if (isOpen)
                {
                    LogitRow row = new(logits.Slice(i * _stages.VocabularySize, _stages.VocabularySize));
                    isOpen = row.CanChoose && row.Best == _texts.Token(_texts.Current[stretch], place);
                    _agreed[before + stretch] += isOpen ? 1 : 0;
                }

                place++;
            }
        }
    }

    private void Count()
    {
        for (int candidate = 0; candidate < _candidates.Length; candidate++)
        {
            for (int i = 0; i < _texts.Current.Count; i++)
            {
                Stretch stretch = _texts.Current[i];
                int agreed = _agreed[candidate * _texts.Current.Count + i];
                _tallies[candidate].Add(agreed, stretch.Rows);
                if (_startsEverywhere)
                {
                    _replays[candidate].Note(stretch.Text, stretch.First, agreed);
                }
            }
        }
    }
}
