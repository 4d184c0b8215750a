namespace SpecDecode.Caching;

/// <summary>How much memory the keys and values of all sequences may take together, and how much of it is spoken for.</summary>
/// <param name="pool">The pages.</param>
/// <param name="limit">Bytes; at least 0.</param>
internal sealed class KvBudget(KvPool pool, long limit)
{
    private long _reserved;
    private long _used;
    private long _kept;
    private long _shared;
    private int _promised;

    /// <summary>Bytes that there may be.</summary>
    public long Limit { get; } = limit;

    /// <summary>Pages that there may be.</summary>
    public int Pages { get; } = (int)Math.Min(limit / pool.PageBytes, int.MaxValue);

    /// <summary>
    /// Bytes of pages that sequences use or have been promised; pages that are only kept for whoever may want them do not count. May be asked from any thread.
    /// </summary>
    public long Reserved => Volatile.Read(ref _reserved);

    /// <summary>Bytes of pages that sequences use. May be asked from any thread.</summary>
    public long Used => Volatile.Read(ref _used);

    /// <summary>Bytes of pages that nobody uses and that are kept for others. May be asked from any thread.</summary>
    public long Kept => Volatile.Read(ref _kept);

    /// <summary>Bytes of pages that several use. May be asked from any thread.</summary>
    public long Shared => Volatile.Read(ref _shared);

    /// <summary>Pages that can still be taken or promised.</summary>
    /// <param name="promised">Pages that are promised and not taken.</param>
    public long Room(long promised) => Pages - pool.Used - promised;

    /// <summary>Pages that could be taken or promised if nothing were only kept.</summary>
    /// <param name="promised">Pages that are promised and not taken.</param>
    public long MostRoom(long promised) => Room(promised) + pool.Idle;

    /// <summary>Whether a sequence fits when nothing else is there.</summary>
    /// <param name="positions">Its longest length.</param>
    public bool CanEverHold(int positions) => pool.PagesOf(positions) <= Pages;

    /// <summary>Notes what is spoken for.</summary>
    /// <param name="promised">Pages that are promised and not taken; more than there are is all there are.</param>
    public void Note(long promised)
    {
        _promised = (int)Math.Min(promised, Math.Max(0, (long)Pages - pool.Used));
        Note();
    }

    /// <summary>Notes it again, after pages were given back.</summary>
    public void Note()
    {
        Volatile.Write(ref _kept, pool.Idle * pool.PageBytes);
        Volatile.Write(ref _shared, pool.Shared * pool.PageBytes);
        Volatile.Write(ref _used, (pool.Used - pool.Idle) * pool.PageBytes);
        Volatile.Write(ref _reserved, checked((pool.Used - pool.Idle + (long)_promised) * pool.PageBytes));
    }
}
