using SpecDecode.Caching;
using SpecDecode.Sequences;
using SpecDecode.Stages;

namespace SpecDecode.Scheduling;

/// <summary>
/// Memory for keys and values, as the scheduler hands it out: who fits, what is found of a text already, who gives memory up. A sequence that is admitted has been
/// promised the pages that it will take next; what is promised and not taken counts as taken.
/// </summary>
internal sealed class KvRoom
{
    // A sequence that gave its memory up comes back when there is some more room than it needs; of the budget so much.
    private const int ComebackShare = 8;

    // Pages of room for each live sequence that texts nobody uses are given up for, so that drafts need not be cut.
    private const int RoomForDrafts = 2;

    private readonly IStages _stages;
    private readonly bool _reserves;
    private readonly List<int> _found = [];
    private readonly PrefixCache? _prefixes;

    /// <summary>Begins with nothing handed out.</summary>
    /// <param name="stages">The model.</param>
    /// <param name="limits">How much there is, and how it is handed out.</param>
    public KvRoom(IStages stages, SchedulerLimits limits)
    {
        _stages = stages;
        _reserves = limits.Admission == KvAdmission.Reserve;
        Budget = new KvBudget(stages.Pages, limits.KvBytes);
        int kept = (int)(Budget.Pages * limits.PrefixCache);
        _prefixes = kept > 0 ? new PrefixCache(stages.Pages, kept) : null;
    }

    /// <summary>What is spoken for.</summary>
    public KvBudget Budget { get; }

    /// <summary>Pages that are kept for texts that begin alike.</summary>
    public int KeptPages => _prefixes?.Pages ?? 0;

    /// <summary>Gives a sequence a cache, with what is found of its tokens, if there is room.</summary>
    /// <param name="sequence">The sequence.</param>
    /// <param name="live">Those that have been admitted.</param>
    /// <param name="keeper">Who may keep caches of sequences that have ended.</param>
    /// <returns>The cache; null where the sequence has to wait.</returns>
    public KvCache? TryAdmit(Sequence sequence, IReadOnlyList<Sequence> live, ICacheKeeper? keeper)
    {
        // One that has come back twice stays, and so all others must have room for their longest.
        bool isSafe = _reserves || sequence.Preemptions > 1;
        long promised = Promised(live, isSafe);
        long needed = PromisedTo(sequence, isSafe) + (isSafe || sequence.Preemptions == 0 ? 0 : Budget.Pages / ComebackShare);
        if (live.Count > 0 && keeper is null && Budget.MostRoom(promised) < needed - _stages.Pages.PagesOf(sequence.Length))
        {
            return null;
        }

        sequence.PrefixRoot ??= new PrefixRoot(_stages.KvKind(sequence.Capacity), sequence.CacheScope);
        KvCache cache = new(_stages.Pages, sequence.Capacity);
        PrefixPlace place = Find(sequence, cache);

        // One that is alone has what there is.
        if (IsBeingRead(sequence, cache.CommittedLength, live) || (!TryMakeRoom(needed - cache.Pages.Length, promised, keeper) && live.Count > 0))
        {
            cache.Dispose();
            return null;
        }

        sequence.Prefix = place;
        return cache;
    }

    /// <summary>
    /// Sees to it that every live sequence can take the pages that it needs in the next step: gives up what nobody uses, and then has sequences give up theirs, the last that
    /// came of those of the lowest priority first. The one that is last in that order always goes on.
    /// </summary>
    /// <param name="live">The live sequences; those that give up are taken out.</param>
    /// <param name="preempted">Takes those that gave up.</param>
    /// <param name="keeper">Who may keep caches of sequences that have ended.</param>
    /// <returns>Pages that drafts may take beyond what is promised.</returns>
    public long MakeRoom(List<Sequence> live, List<Sequence> preempted, ICacheKeeper? keeper)
    {
        preempted.Clear();
        if (_reserves)
        {
            return long.MaxValue;
        }

        while (!TryMakeRoom(0, Promised(live, isSafe: false, growth: 0), keeper) && live.Count > 1)
        {
            Sequence last = Last(live);
            live.Remove(last);
            last.Preempt();
            preempted.Add(last);
        }

        long promised = Promised(live, isSafe: false, growth: 0);
        while (Budget.Room(promised) < (long)RoomForDrafts * live.Count && _prefixes?.TryFreeOne() == true)
        {
        }

        return Math.Max(0, Budget.Room(promised));
    }

    /// <summary>Lets others find what a sequence has committed.</summary>
    public void Publish(Sequence sequence)
    {
        if (_prefixes is not null && sequence.FinishReason != FinishReason.Failed)
        {
            KvCache cache = sequence.Cache;
            sequence.Prefix = _prefixes.Add(sequence.PrefixRoot!, sequence.Prefix, sequence.Known[..cache.CommittedLength], cache.Pages);
        }
    }

    /// <summary>Gives up all pages that are only kept.</summary>
    public void Empty()
    {
        while (_prefixes?.TryFreeOne() == true)
        {
        }
    }

    /// <summary>Notes what is spoken for.</summary>
    public void Note(IReadOnlyList<Sequence> live) => Budget.Note(Promised(live, _reserves));

    private PrefixPlace Find(Sequence sequence, KvCache cache)
    {
        // Whoever wants to know how probable the prompt was needs all of its rows, and the last known token is always computed.
        if (_prefixes is null || sequence.PromptLogProbabilities is not null)
        {
            return PrefixPlace.Beginning;
        }

        PrefixPlace place = _prefixes.Find(sequence.PrefixRoot!, sequence.Known[..^1], _found);
        cache.Take(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_found), _found.Count * _stages.Pages.PagePositions);
        return place;
    }

    // Whether a live sequence is about to read what this one begins with, so that it will be found if it waits for that.
    private bool IsBeingRead(Sequence sequence, int found, IReadOnlyList<Sequence> live)
    {
        if (_prefixes is null || sequence.PromptLogProbabilities is not null)
        {
            return false;
        }

        int size = _stages.Pages.PagePositions;
        for (int i = 0; i < live.Count; i++)
        {
            Sequence other = live[i];
            if (other.ReadsPrompt && !other.Prefix.IsLost && other.PrefixRoot == sequence.PrefixRoot)
            {
                int common = other.Known.Span.CommonPrefixLength(sequence.Known.Span[..^1]) / size * size;
                if (common > found && other.Cache.CommittedLength < common)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private bool TryMakeRoom(long needed, long promised, ICacheKeeper? keeper)
    {
        while (Budget.Room(promised) < needed)
        {
            if (_prefixes?.TryFreeOne() != true && keeper?.GiveBack() != true)
            {
                return false;
            }
        }

        return true;
    }

    // A page more than it has tokens for: the next one.
    private long PromisedTo(Sequence sequence, bool isSafe, int growth = 1) =>
        isSafe ? _stages.Pages.PagesOf(sequence.Capacity) : Math.Min(_stages.Pages.PagesOf(sequence.Length) + growth, _stages.Pages.PagesOf(sequence.Capacity));

    private long Promised(IReadOnlyList<Sequence> live, bool isSafe, int growth = 1)
    {
        long promised = 0;
        for (int i = 0; i < live.Count; i++)
        {
            promised += Math.Max(0, PromisedTo(live[i], isSafe, growth) - live[i].Cache.Pages.Length);
        }

        return promised;
    }

    private static Sequence Last(List<Sequence> live)
    {
        Sequence last = live[0];
        foreach (Sequence sequence in live)
        {
            if (sequence.Priority < last.Priority || (sequence.Priority == last.Priority && sequence.Number > last.Number))
            {
                last = sequence;
            }
        }

        return last;
    }
}
