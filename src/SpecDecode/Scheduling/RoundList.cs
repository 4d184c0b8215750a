using System.Collections;
using SpecDecode.Caching;

namespace SpecDecode.Scheduling;

/// <summary>The rounds of a step: who takes part in it, with how many rows.</summary>
internal sealed class RoundList : IReadOnlyList<Round>
{
    private readonly List<Round> _rounds = [];
    private int _turn;

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
        int room = maxRows;
        int keptSlot = 0;
        foreach (bool readingPrompt in (ReadOnlySpan<bool>)[false, true])
        {
            for (int i = 0; i < live.Count && room > 0; i++)
            {
                Sequence sequence = live[(int)(((uint)_turn + (uint)i) % (uint)live.Count)];
                if (sequence.ReadsPrompt != readingPrompt)
                {
                    continue;
                }

                int pending = Math.Min(sequence.Pending.Length, room);
                int draft = Math.Min(sequence.DraftLimit, room - pending);
                Next().Begin(sequence, transaction.Enlist(sequence.Cache, pending + draft), pending, draft, keptSlot);
                keptSlot += draft;
                room -= pending + draft;
                PromptRows += sequence.WritesFirstToken ? pending : 0;
            }
        }

        _turn++;
    }

    /// <inheritdoc/>
    public IEnumerator<Round> GetEnumerator() => _rounds.Take(Count).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private Round Next()
    {
        if (Count == _rounds.Count)
        {
            _rounds.Add(new Round());
        }

        return _rounds[Count++];
    }
}
