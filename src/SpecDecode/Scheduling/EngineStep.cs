using SpecDecode.Caching;
using SpecDecode.Plans;
using SpecDecode.Sampling;

namespace SpecDecode.Scheduling;

/// <summary>
/// One step of the engine for all live sequences at once: their next tokens, and pieces of the prompts still being read,
/// go through the model as the rows of a single pass. Allocates nothing once its lists have grown. Not safe for
/// concurrent use.
/// </summary>
internal sealed class EngineStep
{
    // However many sequences write, prompts get a row in every so many steps.
    private const int StepsToAPromptsRow = 4;

    private readonly IStages _stages;
    private readonly LayerPlan _fullPlan;
    private readonly RowBatch _batch;
    private readonly List<CacheTransaction.Entry> _enlisted = [];
    private readonly List<Advance> _advances = [];
    private readonly int[] _scoredRows;
    private int _turn;

    /// <summary>Makes a step for a model.</summary>
    public EngineStep(IStages stages)
    {
        _stages = stages;
        _fullPlan = LayerPlan.Full(stages.LayerCount);
        _batch = new RowBatch(stages.MaxRows);
        _scoredRows = new int[stages.MaxScoredRows];
    }

    /// <summary>
    /// Advances the sequences: each gains a token, or reads a piece of its prompt, or waits for a later step when the pass
    /// is full. When a stage fails, every sequence is as it was before the step.
    /// </summary>
    /// <param name="live">Sequences that are not finished, in the order in which they came.</param>
    public void Run(IReadOnlyList<Sequence> live)
    {
        if (live.Count == 0)
        {
            return;
        }

        _batch.Clear();
        _advances.Clear();
        using CacheTransaction transaction = new(_enlisted);

        bool leavesRow = _turn % StepsToAPromptsRow == 0 && AnyReadsPrompt(live);
        Pack(live, readingPrompt: false, leavesRow ? 1 : 0, transaction);
        Pack(live, readingPrompt: true, 0, transaction);
        _turn++;

        Pass.Run(_stages, _fullPlan, _batch);
        PickTokens();
        foreach (Advance advance in _advances)
        {
            transaction.Keep(advance.Place, advance.CachedLength);
        }

        transaction.Commit();
        foreach (Advance advance in _advances)
        {
            if (advance.EndsPending)
            {
                advance.Sequence.Append(advance.Token);
            }
        }
    }

    // Sequences that write come before prompts that are read, so that a long prompt does not hold them up; whoever found
    // no room is nearer to the front in the next step.
    private void Pack(IReadOnlyList<Sequence> live, bool readingPrompt, int roomLeft, CacheTransaction transaction)
    {
        for (int i = 0; i < live.Count && _batch.Room > roomLeft; i++)
        {
            Sequence sequence = live[(int)(((uint)_turn + (uint)i) % (uint)live.Count)];
            if (sequence.ReadsPrompt != readingPrompt)
            {
                continue;
            }

            ReadOnlySpan<int> pending = sequence.Pending;
            int rows = Math.Min(pending.Length, _batch.Room - roomLeft);
            int committed = sequence.Cache.CommittedLength;
            int firstRow = _batch.Add(sequence.Cache, committed, pending[..rows]);
            _advances.Add(new Advance(
                sequence, transaction.Enlist(sequence.Cache, rows), firstRow + rows - 1, committed + rows, rows == pending.Length, Token: -1));
        }
    }

    private static bool AnyReadsPrompt(IReadOnlyList<Sequence> live)
    {
        bool any = false;
        for (int i = 0; i < live.Count; i++)
        {
            any |= live[i].ReadsPrompt;
        }

        return any;
    }

    // The logits of a sequence's last pending row say its next token: greedy, the lowest id on a tie.
    private void PickTokens()
    {
        for (int done = 0; done < _advances.Count;)
        {
            int first = done;
            int scored = 0;
            for (; done < _advances.Count && scored < _scoredRows.Length; done++)
            {
                if (_advances[done].EndsPending)
                {
                    _scoredRows[scored++] = _advances[done].LastRow;
                }
            }

            if (scored == 0)
            {
                continue;
            }

            ReadOnlySpan<float> logits = _stages.Head(_scoredRows.AsSpan(0, scored));
            for (int i = first; i < done; i++)
            {
                if (_advances[i].EndsPending)
                {
                    _advances[i] = _advances[i] with { Token = Greedy.Pick(logits[.._stages.VocabularySize]) };
                    logits = logits[_stages.VocabularySize..];
                }
            }
        }
    }

    /// <summary>What the step does with one sequence.</summary>
    private readonly record struct Advance(Sequence Sequence, int Place, int LastRow, int CachedLength, bool EndsPending, int Token);
}
