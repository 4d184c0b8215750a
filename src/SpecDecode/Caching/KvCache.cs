namespace SpecDecode.Caching;

/// <summary>
/// The key/value cache of one sequence: the pages that its entries are in, and lengths. Entries below <see cref="CommittedLength"/> are what plain decoding
/// would have left; a pass writes beyond it inside a <see cref="CacheTransaction"/>, and rolling back is nothing more than keeping a smaller length, since
/// the entries beyond are overwritten before they are read. It has the pages that it needs for its length, and no others. Pages may be shared with other
/// caches (<see cref="Take"/>); before a pass writes into one, the cache takes a copy of its own.
/// </summary>
internal sealed class KvCache : IDisposable
{
    private readonly KvPool _pool;
    private readonly int[] _pages;
    private int _pageCount;

    /// <summary>Makes an empty cache, which has no pages yet.</summary>
    /// <param name="pool">Where its pages come from.</param>
    /// <param name="capacity">Positions that it may come to have, at least 1.</param>
    public KvCache(KvPool pool, int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        _pool = pool;
        _pages = new int[pool.PagesOf(capacity)];
        Capacity = capacity;
    }

    /// <summary>Positions that it may come to have. Where rotary embeddings depend on how long a sequence may get, this is that.</summary>
    public int Capacity { get; }

    /// <summary>Its pages, in the order of positions.</summary>
    public ReadOnlySpan<int> Pages => _pages.AsSpan(0, _pageCount);

    /// <summary>Positions whose entries are exact and stay.</summary>
    public int CommittedLength { get; private set; }

    /// <summary>Positions whose entries may have been written: more than the committed ones while a transaction is open.</summary>
    public int CachedLength { get; private set; }

    /// <summary>Whether a transaction is open on this cache.</summary>
    public bool InTransaction { get; private set; }

    /// <summary>Pages that it has to take for so many rows behind the committed ones.</summary>
    public int PagesFor(int rows) => Math.Max(0, _pool.PagesOf(CommittedLength + rows) - _pageCount);

    /// <summary>Most rows behind the committed ones for which it takes so many pages.</summary>
    public int RowsIn(long pages) =>
        (int)Math.Min(Capacity, Math.Min(_pageCount + pages, _pages.Length) * _pool.PagePositions) - CommittedLength;

    /// <summary>Forgets entries from the end.</summary>
    /// <param name="length">What stays; 0 to <see cref="CommittedLength"/>.</param>
    /// <exception cref="InvalidOperationException">A transaction is open.</exception>
    public void RollBackTo(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, CommittedLength);
        if (InTransaction)
        {
            throw new InvalidOperationException("The cache is in a transaction; it rolls back by itself when that ends.");
        }

        CommittedLength = CachedLength = length;
        ReleaseFrom(_pool.PagesOf(length));
    }

    /// <summary>Begins with entries that are there already.</summary>
    /// <param name="pages">Their pages, which are shared from now on.</param>
    /// <param name="length">How many entries.</param>
    /// <exception cref="InvalidOperationException">It is not empty.</exception>
    public void Take(ReadOnlySpan<int> pages, int length)
    {
        if (_pageCount > 0 || InTransaction)
        {
            throw new InvalidOperationException("The cache has entries of its own.");
        }

        ArgumentOutOfRangeException.ThrowIfNotEqual(pages.Length, _pool.PagesOf(length));
        foreach (int page in pages)
        {
            _pool.Share(page);
            _pages[_pageCount++] = page;
        }

        CommittedLength = CachedLength = length;
    }

    /// <summary>Sees to it that there are pages for entries that are written outside of any transaction, by those who only measure. They are no text's.</summary>
    /// <param name="length">How many, from the first; at most <see cref="Capacity"/>.</param>
    /// <exception cref="SpecDecodeException">There is no memory.</exception>
    public void Hold(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Capacity);
        while (_pageCount < _pool.PagesOf(length))
        {
            _pages[_pageCount] = _pool.Take();
            _pageCount++;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ReleaseFrom(0);
        CommittedLength = CachedLength = 0;
        InTransaction = false;
    }

    internal void Begin(int rows)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        if (InTransaction)
        {
            throw new InvalidOperationException("The cache is in a transaction already.");
        }

        if (rows > Capacity - CommittedLength)
        {
            throw new InvalidOperationException($"{rows} rows do not fit behind {CommittedLength} of {Capacity} positions.");
        }

        if (CommittedLength % _pool.PagePositions != 0)
        {
            _pages[_pageCount - 1] = _pool.Own(_pages[_pageCount - 1]);
        }

        try
        {
            for (int needed = _pool.PagesOf(CommittedLength + rows); _pageCount < needed;)
            {
                _pages[_pageCount] = _pool.Take();
                _pageCount++;
            }
        }
        catch
        {
            ReleaseFrom(_pool.PagesOf(CommittedLength));
            throw;
        }

        InTransaction = true;
        CachedLength = CommittedLength + rows;
    }

    internal void End(int committedLength)
    {
        CommittedLength = CachedLength = committedLength;
        InTransaction = false;
        ReleaseFrom(_pool.PagesOf(committedLength));
    }

    // The last first, so that the next to take pages finds them as they were.
    private void ReleaseFrom(int count)
    {
        while (_pageCount > count)
        {
            _pool.Release(_pages[--_pageCount]);
        }
    }
}
