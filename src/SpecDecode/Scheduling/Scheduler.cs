using System.Diagnostics;
using SpecDecode.Caching;
using SpecDecode.Sequences;
using SpecDecode.Speculation;
using SpecDecode.Stages;

namespace SpecDecode.Scheduling;

/// <summary>
/// The sequences of a model from their coming to their end: who waits, who is live, and who ends. Belongs to one thread; only
/// <see cref="Sequence.RequestCancellation"/> may be called from others.
/// </summary>
/// <param name="stages">The model.</param>
/// <param name="limits">How many sequences, how much cache, how long pieces of prompts.</param>
/// <param name="rules">How tokens are chosen and accepted; null takes the rules that there are.</param>
internal sealed class Scheduler(IStages stages, SchedulerLimits limits, AcceptanceRules? rules = null)
{
    private readonly EngineStep _step = new(stages, limits.PrefillChunk, rules);
    private readonly KvRoom _room = new(stages, limits);
    private readonly List<Sequence> _waiting = [];
    private readonly List<Sequence> _live = [];
    private readonly List<Sequence> _ended = [];
    private readonly List<Sequence> _alone = [];
    private readonly List<Sequence> _preempted = [];
    private readonly PlainStepTime _plainTime = new();
    private Action<Sequence>? _wait;
    private long _lastNumber;

    /// <summary>The memory for keys and values, and what of it is spoken for.</summary>
    public KvBudget Budget => _room.Budget;

    /// <summary>Pages that are kept for texts that begin as others did.</summary>
    public int KeptPages => _room.KeptPages;

    /// <summary>Sequences that wait, in the order in which they will be admitted: those of the highest priority first, of equal ones as they came, those that gave their memory up at their old place.</summary>
    public IReadOnlyList<Sequence> Waiting => _waiting;

    /// <summary>Sequences that are admitted and have not ended.</summary>
    public IReadOnlyList<Sequence> Live => _live;

    /// <summary>Sequences that ended in the last step, of the waiting ones too; their caches are given back.</summary>
    public IReadOnlyList<Sequence> Ended => _ended;

    /// <summary>Whether there is nobody to serve.</summary>
    public bool IsIdle => _waiting.Count == 0 && _live.Count == 0;

    /// <summary>Who may keep caches of sequences that have ended; null for nobody.</summary>
    public ICacheKeeper? Keeper { get; set; }

    /// <summary>What made the last step's verification fail; null when it did not.</summary>
    public Exception? PassError { get; private set; }

    /// <summary>What a draft policy threw in the last step; null when none did.</summary>
    public Exception? PolicyError => _step.PolicyError;

    /// <summary>Whether the cache of a sequence of so many tokens fits the budget at all.</summary>
    public bool CanEverAdmit(int capacity) => Budget.CanEverHold(capacity);

    /// <summary>Lets a sequence wait for admission, which comes in the order of <see cref="Waiting"/>, as soon as there is room.</summary>
    /// <param name="sequence">A sequence for which <see cref="CanEverAdmit"/> holds.</param>
    public void Add(Sequence sequence)
    {
        if (!CanEverAdmit(sequence.Capacity))
        {
            throw new InvalidOperationException("The sequence never fits the budget for keys and values, so it would wait for ever.");
        }

        sequence.Number = ++_lastNumber;
        Wait(sequence);
    }

    /// <summary>
    /// Ends what is cancelled or late, admits who fits, and runs a step. A verifying pass that fails leaves its sequences as they were;
    /// each of them is then tried alone, and the one that fails alone ends with the error.
    /// </summary>
    public StepRecord Step()
    {
        _ended.Clear();
        PassError = null;
        EndCancelled();
        Admit();
        long roomForDrafts = _room.MakeRoom(_live, _preempted, Keeper);
        _preempted.ForEach(_wait ??= Wait);
        StepRecord record = default;
        if (_live.Count > 0)
        {
            record = Run(Suspect() ?? (IReadOnlyList<Sequence>)_live, roomForDrafts) with { Preemptions = _preempted.Count };
            EndFinished();
        }

        _room.Note(_live);
        return record;
    }

    /// <summary>Ends every sequence where it is.</summary>
    /// <param name="reason">Why; those whose cancellation was asked for before are cancelled.</param>
    public void EndAll(FinishReason reason)
    {
        _ended.Clear();
        EndCancelled();
        foreach (Sequence sequence in _waiting)
        {
            sequence.Cancel(reason);
            Retire(sequence);
        }

        _waiting.Clear();
        _live.ForEach(sequence => sequence.Cancel(reason));
        EndFinished();
        _room.Note(_live);
    }

    /// <summary>Keeps nothing any more of texts that have ended.</summary>
    public void ForgetKept()
    {
        _room.Empty();
        _room.Note(_live);
    }

    private void Wait(Sequence sequence)
    {
        int place = _waiting.Count;
        while (place > 0 && (_waiting[place - 1].Priority < sequence.Priority
            || (_waiting[place - 1].Priority == sequence.Priority && _waiting[place - 1].Number > sequence.Number)))
        {
            place--;
        }

        _waiting.Insert(place, sequence);
    }

    private StepRecord Run(IReadOnlyList<Sequence> sequences, long roomForDrafts)
    {
        try
        {
            StepRecord record = _step.Run(sequences, roomForDrafts);
            for (int i = 0; i < _step.Rounds.Count; i++)
            {
                _step.Rounds[i].Sequence.IsSuspect = false;
                _room.Publish(_step.Rounds[i].Sequence);
            }

            return record with { PlainTime = _plainTime.Note(record) };
        }
        catch (Exception error)
        {
            PassError = error;
            foreach (Round round in _step.Rounds)
            {
                if (_step.Rounds.Count == 1)
                {
                    round.Sequence.Fail(error);
                }

                round.Sequence.IsSuspect = true;
            }

            return new StepRecord { Sequences = _step.Rounds.Count, FailedPasses = 1 };
        }
    }

    private List<Sequence>? Suspect()
    {
        for (int i = 0; i < _live.Count; i++)
        {
            if (_live[i].IsSuspect)
            {
                _alone.Clear();
                _alone.Add(_live[i]);
                return _alone;
            }
        }

        return null;
    }

    private void Admit()
    {
        while (_waiting.Count > 0 && _live.Count < limits.MaxSequences)
        {
            Sequence sequence = _waiting[0];
            if (_room.TryAdmit(sequence, _live, Keeper) is not { } cache)
            {
                return;
            }

            _waiting.RemoveAt(0);
            sequence.Admit(cache);
            _live.Add(sequence);
        }
    }

    private void EndCancelled()
    {
        long now = Stopwatch.GetTimestamp();
        for (int i = _waiting.Count - 1; i >= 0; i--)
        {
            if (IsUnwanted(_waiting[i], now))
            {
                Retire(_waiting[i]);
                _waiting.RemoveAt(i);
            }
        }

        for (int i = 0; i < _live.Count; i++)
        {
            IsUnwanted(_live[i], now);
        }

        EndFinished();
    }

    // Whether nobody waits for it any more; it has ended then.
    private static bool IsUnwanted(Sequence sequence, long now)
    {
        if (sequence.IsCancellationRequested)
        {
            sequence.Cancel();
            return true;
        }

        if (sequence.IsLate(now))
        {
            sequence.Cancel(FinishReason.Deadline);
            return true;
        }

        return false;
    }

    private void EndFinished()
    {
        int kept = 0;
        for (int i = 0; i < _live.Count; i++)
        {
            if (_live[i].FinishReason is null)
            {
                _live[kept++] = _live[i];
            }
            else
            {
                Retire(_live[i]);
            }
        }

        _live.RemoveRange(kept, _live.Count - kept);
    }

    private void Retire(Sequence sequence)
    {
        if (sequence.FinishReason is not (FinishReason.Stop or FinishReason.Length) || Keeper?.TryKeep(sequence) != true)
        {
            sequence.Dispose();
        }

        _ended.Add(sequence);
    }
}
