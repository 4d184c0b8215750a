using System.Collections;
using SpecDecode.Caching;

namespace SpecDecode.Scheduling;

/// <summary>The rounds of a step: who takes part in it, with how many rows.</summary>
internal sealed class RoundList : IReadOnlyList<Round>
{
    // However many sequences write, prompts get a row in every so many steps.
    private const int StepsToAPromptsRow = 4;

    private readonly List<Round> _rounds = [];
    private int _turn;
    private uint _first;

    /// <inheritdoc/>
    public int Count { get; private set; }

    /// <summary>Rows of prompts among those of this step.</summary>
    public int PromptRows { get; private set; }

    /// <inheritdoc/>
    public Round this[int index] => _rounds[index];

    /// <summary>
    /// Gives the sequences their rows: first a row to each that writes, then pieces of the prompts that are read, then the
    /// drafts, evenly. So neither a long prompt nor a long draft holds others up; prompts leave half of the room to drafts that
    /// want it; whoever found no room is nearer to the front in the next step.
    /// </summary>
    /// <param name="live">Sequences that are not finished.</param>
    /// <param name="maxRows">Rows of the verifying pass.</param>
    /// <param name="transaction">Takes the caches in, each with the rows that it may grow by.</param>
    public void Gather(IReadOnlyList<Sequence> live, int maxRows, CacheTransaction transaction)
    {
        Count = 0;
        PromptRows = 0;
        int leftToPrompts = _turn % StepsToAPromptsRow == 0 && AnyReadsPrompt(live) ? 1 : 0;
        int room = maxRows - AddPending(live, readingPrompt: false, maxRows - leftToPrompts);
        int writers = Count;
        room -= AddPending(live, readingPrompt: true, Math.Max(room - WantedDrafts(), (room + 1) / 2));
        AdmitWithDrafts(writers, room, transaction);
        _turn++;

        // The order changes only when somebody found no room: rows that stay in their places find their bindings again.
        _first += Count < live.Count ? 1u : 0u;
    }

    /// <inheritdoc/>
    public IEnumerator<Round> GetEnumerator() => _rounds.Take(Count).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static bool AnyReadsPrompt(IReadOnlyList<Sequence> live)
    {
        bool any = false;
        for (int i = 0; i < live.Count; i++)
        {
            any |= live[i].ReadsPrompt;
        }

        return any;
    }

    // Adds sequences with as many of their pending tokens as fit; the rows that this takes.
    private int AddPending(IReadOnlyList<Sequence> live, bool readingPrompt, int room)
    {
        int used = 0;
        for (int i = 0; i < live.Count && used < room; i++)
        {
            Sequence sequence = live[(int)((_first + (uint)i) % (uint)live.Count)];
            if (sequence.ReadsPrompt == readingPrompt)
            {
                int pending = Math.Min(sequence.Pending.Length, room - used);
                Next().Begin(sequence, pending);
                PromptRows += sequence.WritesFirstToken ? pending : 0;
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
            wanted += _rounds[i].Sequence.DraftLimit;
        }

        return wanted;
    }

    // What one draft leaves of its even share is the next ones'.
    private void AdmitWithDrafts(int writers, int room, CacheTransaction transaction)
    {
        int keptSlot = 0;
        for (int i = 0; i < Count; i++)
        {
            Round round = _rounds[i];
            int draft = i < writers ? Math.Min(round.Sequence.DraftLimit, (room - keptSlot) / (writers - i)) : 0;
            round.Admit(transaction.Enlist(round.Sequence.Cache, round.PendingLength + draft), draft, keptSlot);
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
