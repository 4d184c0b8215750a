using System.Collections;
using SpecDecode.Caching;
using SpecDecode.Sequences;
using SpecDecode.Speculation;

namespace SpecDecode.Scheduling;

/// <summary>The rounds of a step: who takes part in it, with how many rows.</summary>
/// <param name="prefillChunk">Most rows of prompts in a step, all prompts together; at least 1.</param>
/// <param name="vocabularySize">Number of token ids.</param>
internal sealed class RoundList(int prefillChunk, int vocabularySize) : IReadOnlyList<Round>
{
    // However many sequences write, prompts get a row in every so many steps.
    private const int StepsToAPromptsRow = 4;

    private static readonly Comparison<Sequence> LongestWaitFirst = (a, b) =>
        a.LastServed != b.LastServed ? a.LastServed.CompareTo(b.LastServed) : a.Place.CompareTo(b.Place);

    private readonly List<Round> _rounds = [];
    private readonly List<Sequence> _order = [];
    private long _turn;
    private bool _isContended;

    /// <inheritdoc/>
    public int Count { get; private set; }

    /// <summary>Rows of prompts among those of this step, and of texts that are read again.</summary>
    public int PromptRows { get; private set; }

    /// <inheritdoc/>
    public Round this[int index] => _rounds[index];

    /// <summary>
    /// Gives the sequences their rows: first a row to each that writes, then pieces of the prompts that are read, then the
    /// drafts, evenly. So neither a long prompt nor a long draft holds others up; prompts leave half of the room to drafts that
    /// want it. Where there is not room for all, whoever has waited longest comes first, so that of n sequences none waits
    /// for more than 4n steps (<see cref="StepsToAPromptsRow"/> for a prompt among writers that fill every pass).
    /// </summary>
    /// <param name="live">Sequences that are not finished.</param>
    /// <param name="maxRows">Rows of the verifying pass.</param>
    /// <param name="roomForDrafts">Pages that drafts may take beyond those that pending tokens need.</param>
    /// <param name="transaction">Takes the caches in, each with the rows that it may grow by.</param>
    public void Gather(IReadOnlyList<Sequence> live, int maxRows, long roomForDrafts, CacheTransaction transaction)
    {
        Count = 0;
        PromptRows = 0;
        _turn++;
        bool anyReads = Order(live);
        int leftToPrompts = _turn % StepsToAPromptsRow == 0 && anyReads ? 1 : 0;
        int room = maxRows - AddPending(readingPrompt: false, maxRows - leftToPrompts);
        int writers = Count;
        room -= AddPending(readingPrompt: true, Math.Min(prefillChunk, Math.Max(room - WantedDrafts(), (room + 1) / 2)));
        AdmitWithDrafts(writers, room, roomForDrafts, transaction);
        _isContended = Count < live.Count;
    }

    /// <summary>Takes out the rounds of sequences that have been cancelled meanwhile; what they drafted is forgotten.</summary>
    public void RemoveCancelled()
    {
        int kept = 0;
        for (int i = 0; i < Count; i++)
        {
            if (!_rounds[i].Sequence.IsCancellationRequested)
            {
                (_rounds[kept], _rounds[i]) = (_rounds[i], _rounds[kept]);
                kept++;
            }
            else
            {
                _rounds[i].Choice.IsCancelled = true;
                PromptRows -= _rounds[i].Reads ? _rounds[i].PendingLength : 0;
            }
        }

        Count = kept;
    }

    /// <inheritdoc/>
    public IEnumerator<Round> GetEnumerator() => _rounds.Take(Count).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    // The order in which sequences are served; whether any of them reads its prompt. It is that of their coming while there is
    // room for all: rows that stay in their places find their bindings again.
    private bool Order(IReadOnlyList<Sequence> live)
    {
        bool anyReads = false;
        _order.Clear();
        for (int i = 0; i < live.Count; i++)
        {
            live[i].Place = i;
            anyReads |= live[i].ReadsPrompt;
            _order.Add(live[i]);
        }

        if (_isContended)
        {
            _order.Sort(LongestWaitFirst);
        }

        return anyReads;
    }

    // Adds sequences with as many of their pending tokens as fit; the rows that this takes.
    private int AddPending(bool readingPrompt, int room)
    {
        int used = 0;
        for (int i = 0; i < _order.Count && used < room; i++)
        {
            Sequence sequence = _order[i];
            if (sequence.ReadsPrompt == readingPrompt)
            {
                int pending = Math.Min(sequence.Pending.Length, room - used);
                Round round = Next();
                round.Begin(sequence, pending);
                sequence.LastServed = _turn;
                PromptRows += round.Reads ? pending : 0;
                used += pending;
            }
        }

        return used;
    }

    private int WantedDrafts()
    {
        int wanted = 0;
        for (int i = 0; i < Count; i++)
        {
            // One whose policy finds the length wants little more than it took the last time.
            Sequence sequence = _rounds[i].Sequence;
            wanted += sequence.Drafting?.FixedPlan is null ? Math.Min(sequence.DraftLimit, sequence.LastRound.Drafted + 1) : sequence.DraftLimit;
        }

        return wanted;
    }

    // What one draft leaves of its even share is the next ones'.
    private void AdmitWithDrafts(int writers, int room, long pages, CacheTransaction transaction)
    {
        int keptSlot = 0;
        for (int i = 0; i < Count; i++)
        {
            Round round = _rounds[i];
            int draft = i < writers ? Math.Min(round.Sequence.DraftLimit, (room - keptSlot) / (writers - i)) : 0;
            if (draft > 0)
            {
                int taken = round.Sequence.Cache.PagesFor(round.PendingLength);
                draft = Math.Min(draft, round.Sequence.Cache.RowsIn(taken + Math.Min(pages, int.MaxValue)) - round.PendingLength);
                pages -= round.Sequence.Cache.PagesFor(round.PendingLength + draft) - taken;
            }

            round.Admit(transaction.Enlist(round.Sequence.Cache, round.PendingLength + draft), draft, keptSlot, vocabularySize);
            keptSlot += draft;
        }
    }

    private Round Next()
    {
        if (Count == _rounds.Count)
        {
            _rounds.Add(new Round());
        }

        return _rounds[Count++];
    }
}
