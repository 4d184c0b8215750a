namespace SpecDecode.Caching;

/// <summary>
/// The one way in which caches grow. A pass opens it, enlists every sequence with the rows that it will write, says how
/// many positions each keeps, and commits. Whatever happens before that (a failing stage, a cancelled request), disposing
/// it leaves every cache at the length that it had.
/// </summary>
internal readonly ref struct CacheTransaction : IDisposable
{
    private readonly List<Entry> _entries;

    /// <summary>Opens a transaction.</summary>
    /// <param name="entries">An empty list that it may use, so that a pass allocates nothing.</param>
    public CacheTransaction(List<Entry> entries) => _entries = entries;

    /// <summary>Adds a sequence to the transaction; until it says what it keeps, it keeps nothing new.</summary>
    /// <param name="cache">Its cache, which must have room.</param>
    /// <param name="rows">Positions beyond the committed length that the pass writes.</param>
    /// <returns>The sequence's place in the transaction, for <see cref="Keep"/>.</returns>
    /// <exception cref="InvalidOperationException">There is no room, or the cache is in a transaction.</exception>
    public int Enlist(KvCache cache, int rows)
    {
        cache.Begin(rows);
        _entries.Add(new Entry(cache, cache.CommittedLength));
        return _entries.Count - 1;
    }

    /// <summary>Says how many positions of a sequence are exact and stay when the transaction commits.</summary>
    /// <param name="place">What <see cref="Enlist"/> returned.</param>
    /// <param name="length">From the committed length to the cached one.</param>
    public void Keep(int place, int length)
    {
        KvCache cache = _entries[place].Cache;
        ArgumentOutOfRangeException.ThrowIfLessThan(length, cache.CommittedLength);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, cache.CachedLength);
        _entries[place] = new Entry(cache, length);
    }

    /// <summary>Ends the transaction with every sequence at the length it keeps.</summary>
    public void Commit()
    {
        foreach (Entry entry in _entries)
        {
            entry.Cache.End(entry.KeptLength);
        }

        _entries.Clear();
    }

    /// <summary>Ends the transaction; every sequence that was not committed is where it was before.</summary>
    public void Dispose()
    {
        foreach (Entry entry in _entries)
        {
            entry.Cache.End(entry.Cache.CommittedLength);
        }

        _entries.Clear();
    }

    /// <summary>A sequence in the transaction.</summary>
    /// <param name="Cache">Its cache.</param>
    /// <param name="KeptLength">The length it has after the commit.</param>
    internal readonly record struct Entry(KvCache Cache, int KeptLength);
}
