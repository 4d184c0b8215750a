using SpecDecode.Caching;

namespace SpecDecode.Tests.Scheduling;

/// <summary>Pages of a few positions, whose entries know whether they were ever written.</summary>
internal sealed class FakeKvMemory(int layers) : IKvMemory
{
    private readonly List<(ulong[] Entries, bool[] Written)?> _slabs = [];
    private readonly Stack<(ulong[] Entries, bool[] Written)> _givenBack = [];

    public int PagePositions => 4;

    public long PageBytes => 64L * layers;

    public int SlabPages => 2;

    /// <summary>Told before a slab is made; what it throws, the call throws.</summary>
    public Action? OnAdd { get; set; }

    /// <summary>Told before a slab is given back; what it throws, the call throws.</summary>
    public Action? OnRemove { get; set; }

    /// <summary>A pool over memory of its own.</summary>
    public static KvPool NewPool(int layers = 1) => new(new FakeKvMemory(layers));

    /// <summary>Has memory at hand for so many positions of each of some sequences, so that taking it allocates nothing.</summary>
    public static void Prepare(KvPool pool, int sequences, int positions)
    {
        List<KvCache> caches = [.. Enumerable.Range(0, sequences).Select(_ => new KvCache(pool, positions))];
        caches.ForEach(cache => cache.Hold(positions));
        caches.ForEach(cache => cache.Dispose());
    }

    public void AddSlab(int slab)
    {
        OnAdd?.Invoke();
        while (_slabs.Count <= slab)
        {
            _slabs.Add(null);
        }

        Assert.Null(_slabs[slab]);
        if (_givenBack.TryPop(out (ulong[] Entries, bool[] Written) again))
        {
            Array.Clear(again.Written);
            _slabs[slab] = again;
            return;
        }

        int entries = SlabPages * PagePositions * layers;
        _slabs[slab] = (new ulong[entries], new bool[entries]);
    }

    public void RemoveSlab(int slab)
    {
        OnRemove?.Invoke();
        _givenBack.Push(_slabs[slab]!.Value);
        _slabs[slab] = null;
    }

    public void BringIn(int page) => Assert.NotNull(_slabs[page / SlabPages]);

    public void Copy(int from, int to)
    {
        for (int place = 0; place < PagePositions * layers; place++)
        {
            (ulong[] entries, bool[] written, int first) = Slab(from);
            (ulong[] toEntries, bool[] toWritten, int toFirst) = Slab(to);
            toEntries[toFirst + place] = entries[first + place];
            toWritten[toFirst + place] = written[first + place];
        }
    }

    public void Write(KvCache cache, int layer, int position, ulong entry)
    {
        (ulong[] entries, bool[] written, int first) = Slab(Page(cache, position));
        entries[first + Place(layer, position)] = entry;
        written[first + Place(layer, position)] = true;
    }

    public ulong Read(KvCache cache, int layer, int position)
    {
        (ulong[] entries, bool[] written, int first) = Slab(Page(cache, position));
        if (!written[first + Place(layer, position)])
        {
            Assert.Fail($"The entry of layer {layer} at position {position} is read, but was never written.");
        }

        return entries[first + Place(layer, position)];
    }

    public void Dispose() => _slabs.Clear();

    private int Page(KvCache cache, int position)
    {
        if ((uint)(position / PagePositions) >= (uint)cache.Pages.Length)
        {
            Assert.Fail($"Position {position} is used of a cache of {cache.Pages.Length} pages.");
        }

        return cache.Pages[position / PagePositions];
    }

    private int Place(int layer, int position) => layer * PagePositions + position % PagePositions;

    private (ulong[] Entries, bool[] Written, int First) Slab(int page)
    {
        (ulong[] entries, bool[] written)? slab = _slabs[page / SlabPages];
        return slab is var (entries, written)
            ? (entries, written, page % SlabPages * PagePositions * layers)
            : throw new InvalidOperationException($"Page {page} is used, and its slab is not there.");
    }
}

/// <summary>Stages over such memory.</summary>
internal interface IFakeStages
{
    FakeKvMemory Memory { get; }
}
