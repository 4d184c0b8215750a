using System.Buffers;

namespace SpecDecode.Tokenizers;

/// <summary>
/// A binary min-heap of possible merges, ordered by rank and then by position: the key is <c>rank &lt;&lt; 32 | position</c>.
/// </summary>
internal ref struct MergeQueue
{
    private ulong[] _heap;
    private int _count;

    /// <summary>Creates an empty queue.</summary>
    /// <param name="capacity">The number of entries to make room for at first.</param>
    public MergeQueue(int capacity) => _heap = ArrayPool<ulong>.Shared.Rent(Math.Max(capacity, 16));

    /// <summary>Appends an entry without ordering; <see cref="Order"/> must follow before the first <see cref="TryPop"/>.</summary>
    public void Append(int rank, int position)
    {
        Grow();
        _heap[_count++] = (ulong)(uint)rank << 32 | (uint)position;
    }

    /// <summary>Orders the appended entries, in linear time.</summary>
    public readonly void Order()
    {
        for (int i = _count / 2 - 1; i >= 0; i--)
            Sink(i, _heap[i]);
    }

    /// <summary>Adds an entry.</summary>
    public void Push(int rank, int position)
    {
        Grow();
        ulong key = (ulong)(uint)rank << 32 | (uint)position;
        int i = _count++;
        while (i > 0 && _heap[(i - 1) / 2] > key)
        {
            _heap[i] = _heap[(i - 1) / 2];
            i = (i - 1) / 2;
        }
        _heap[i] = key;
    }

    /// <summary>Takes the entry of lowest rank, leftmost first.</summary>
    public bool TryPop(out int rank, out int position)
    {
        if (_count == 0)
        {
            (rank, position) = (0, 0);
            return false;
        }
        (rank, position) = ((int)(_heap[0] >> 32), (int)(uint)_heap[0]);
        _count--;
        Sink(0, _heap[_count]);
        return true;
    }

    /// <summary>Returns the storage.</summary>
    public readonly void Dispose() => ArrayPool<ulong>.Shared.Return(_heap);

    private readonly void Sink(int i, ulong key)
    {
        for (int child = 2 * i + 1; child < _count; child = 2 * i + 1)
        {
            if (child + 1 < _count && _heap[child + 1] < _heap[child])
                child++;
            if (_heap[child] >= key)
                break;
            _heap[i] = _heap[child];
            i = child;
        }
        _heap[i] = key;
    }

    private void Grow()
    {
        if (_count < _heap.Length)
            return;
        var larger = ArrayPool<ulong>.Shared.Rent(_count * 2);
        _heap.AsSpan(0, _count).CopyTo(larger);
        ArrayPool<ulong>.Shared.Return(_heap);
        _heap = larger;
    }
}
