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
    /// Gives the sequences their rows. Those that write come before prompts that are read, so that a long prompt does not
    /// hold them up; a draft shrinks where the pass is full; whoever found no room is nearer to the front in the next step.
    /// </summary>
    /// <param name="live">Sequences that are not finished.</param>
    /// <param name="maxRows">Rows of the verifying pass.</param>
    /// <param name="transaction">Takes the caches in, each with the rows that it may grow by.</param>
    public void Gather(IReadOnlyList<Sequence> live, int maxRows, CacheTransaction transaction)
    {
        Count = 0;
        PromptRows = 0;
        int leftToPrompts = _turn % StepsToAPromptsRow == 0 && AnyReadsPrompt(live) ? 1 : 0;
        int used = Add(live, readingPrompt: false, 0, maxRows - leftToPrompts, transaction);
        Add(live, readingPrompt: true, used, maxRows, transaction);
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

    // The rows of the pass that are used, with those of the sequences added here.
    private int Add(IReadOnlyList<Sequence> live, bool readingPrompt, int used, int maxRows, CacheTransaction transaction)
    {
        for (int i = 0; i < live.Count && used < maxRows; i++)
        {
            Sequence sequence = live[(int)((_first + (uint)i) % (uint)live.Count)];
            if (sequence.ReadsPrompt == readingPrompt)
            {
                int pending = Math.Min(sequence.Pending.Length, maxRows - used);
                int draft = Math.Min(sequence.DraftLimit, maxRows - used - pending);
                Next().Begin(sequence, transaction.Enlist(sequence.Cache, pending + draft), pending, draft, keptSlot: used);
                PromptRows += sequence.WritesFirstToken ? pending : 0;
                used += pending + draft;
            }
        }

        return used;
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
