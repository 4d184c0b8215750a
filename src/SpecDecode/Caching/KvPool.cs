namespace SpecDecode.Caching;

/// <summary>
/// The pages of keys and values of all sequences of a model, with how many use each. Pages are taken from slabs of the lowest numbers first, and a slab that
/// nobody uses any more is given back, all but one. Not safe for concurrent use.
/// </summary>
/// <param name="memory">The memory; disposed with the pool.</param>
internal sealed class KvPool(IKvMemory memory) : IDisposable
{
    // Empty slabs that are kept, so that a page that comes and goes does not ask the system for memory each time.
    private const int EmptySlabs = 1;

    // By page: how many use it, whether one of them only keeps it for whoever may want it, and where nobody uses it the next free page of its slab.
    private int[] _users = [];
    private bool[] _isKept = [];
    private int[] _nextFree = [];

    // By slab: the first free page (−1 for none), and how many pages are used (−1 where there is no slab).
    private int[] _firstFree = [];
    private int[] _used = [];
    private int _lowest;
    private int _empty;
    private bool _isDisposed;

    /// <summary>Positions of a page.</summary>
    public int PagePositions { get; } = memory.PagePositions;

    /// <summary>Bytes of a page.</summary>
    public long PageBytes { get; } = memory.PageBytes;

    /// <summary>Pages that somebody uses.</summary>
    public int Used { get; private set; }

    /// <summary>Pages that several use, those not counted that only keep them (<see cref="Keep"/>).</summary>
    public int Shared { get; private set; }

    /// <summary>Pages that are only kept.</summary>
    public int Idle { get; private set; }

    /// <summary>Slabs that there are.</summary>
    public int Slabs { get; private set; }

    /// <summary>Pages that so many positions take.</summary>
    public int PagesOf(int positions) => (int)(((long)positions + PagePositions - 1) / PagePositions);

    /// <summary>Bytes that so many positions take, in whole pages.</summary>
    public long BytesOf(int positions) => checked(PagesOf(positions) * PageBytes);

    /// <summary>How many use a page.</summary>
    public int Users(int page) => _users[page];

    /// <summary>Takes a page that nobody uses.</summary>
    /// <returns>Its number. What is in it is whatever was there before.</returns>
    /// <exception cref="SpecDecodeException">There is no memory for another.</exception>
    public int Take()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        while (_lowest < _used.Length && _firstFree[_lowest] < 0 && _used[_lowest] >= 0)
        {
            _lowest++;
        }

        if (_lowest == _used.Length || _used[_lowest] < 0)
        {
            AddSlab(_lowest);
        }

        int page = _firstFree[_lowest];
        _firstFree[_lowest] = _nextFree[page];
        _empty -= _used[_lowest] == 0 ? 1 : 0;
        _used[_lowest]++;
        _users[page] = 1;
        Used++;
        memory.BringIn(page);
        return page;
    }

    /// <summary>Has one more use a page.</summary>
    public void Share(int page)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(_users[page], 1);
        Count(page, -1);
        _users[page]++;
        Count(page, 1);
    }

    /// <summary>Keeps a page that somebody uses, for others to find, until <see cref="Forget"/>. It has one more user from then on.</summary>
    public void Keep(int page)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(_users[page], 1);
        ArgumentOutOfRangeException.ThrowIfEqual(_isKept[page], true);
        Count(page, -1);
        _users[page]++;
        _isKept[page] = true;
        Count(page, 1);
    }

    /// <summary>Keeps a page no longer.</summary>
    public void Forget(int page)
    {
        ArgumentOutOfRangeException.ThrowIfEqual(_isKept[page], false);
        Count(page, -1);
        _isKept[page] = false;
        Count(page, 1);
        Release(page);
    }

    /// <summary>Has one less use a page, which is free when nobody does.</summary>
    public void Release(int page)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(_users[page], 1);
        Count(page, -1);
        int users = --_users[page];
        Count(page, 1);
        if (users > 0)
        {
            return;
        }

        Used--;
        if (_isDisposed)
        {
            return;
        }

        int slab = page / memory.SlabPages;
        _nextFree[page] = _firstFree[slab];
        _firstFree[slab] = page;
        _lowest = Math.Min(_lowest, slab);
        if (--_used[slab] == 0 && ++_empty > EmptySlabs)
        {
            RemoveSlab(slab);
        }
    }

    /// <summary>A page of one's own in place of one that others use too, with the same in it; the page itself where nobody else does.</summary>
    /// <exception cref="SpecDecodeException">There is no memory for another.</exception>
    public int Own(int page)
    {
        if (_users[page] == 1)
        {
            return page;
        }

        int own = Take();
        memory.Copy(page, own);
        Release(page);
        return own;
    }

    /// <summary>Gives the memory back; pages that are still used can be released afterwards, and nothing else.</summary>
    public void Dispose()
    {
        _isDisposed = true;
        memory.Dispose();
    }

    private void Count(int page, int by)
    {
        int others = _users[page] - (_isKept[page] ? 1 : 0);
        Shared += others > 1 ? by : 0;
        Idle += others == 0 && _isKept[page] ? by : 0;
    }

    private void AddSlab(int slab)
    {
        memory.AddSlab(slab);
        int pages = memory.SlabPages;
        if (slab == _used.Length)
        {
            Array.Resize(ref _used, slab + 1);
            Array.Resize(ref _firstFree, slab + 1);
            Array.Resize(ref _users, (slab + 1) * pages);
            Array.Resize(ref _nextFree, (slab + 1) * pages);
            Array.Resize(ref _isKept, (slab + 1) * pages);
        }

        for (int i = 0; i < pages; i++)
        {
            _nextFree[slab * pages + i] = i == pages - 1 ? -1 : slab * pages + i + 1;
        }

        _firstFree[slab] = slab * pages;
        _used[slab] = 0;
        _empty++;
        Slabs++;
    }

    private void RemoveSlab(int slab)
    {
        memory.RemoveSlab(slab);
        _firstFree[slab] = -1;
        _used[slab] = -1;
        _empty--;
        Slabs--;
    }
}
