using SpecDecode.Caching;

namespace SpecDecode.Tests.Scheduling;

/// <summary>Entries by layer and position, which know whether they were written and whether they may be used still.</summary>
internal sealed class FakeKvStorage(int layers, int capacity, Action? disposed = null) : IKvStorage
{
    private readonly ulong[] _entries = new ulong[layers * capacity];
    private readonly bool[] _written = new bool[layers * capacity];

    public int Capacity { get; } = capacity;

    public bool Disposed { get; private set; }

    public void Write(int layer, int position, ulong entry)
    {
        int place = Place(layer, position);
        _entries[place] = entry;
        _written[place] = true;
    }

    public ulong Read(int layer, int position)
    {
        int place = Place(layer, position);
        if (!_written[place])
        {
            Assert.Fail($"The entry of layer {layer} at position {position} is read, but was never written.");
        }

        return _entries[place];
    }

    public void Dispose()
    {
        if (!Disposed)
        {
            Disposed = true;
            disposed?.Invoke();
        }
    }

    private int Place(int layer, int position)
    {
        if (Disposed || (uint)position >= (uint)Capacity)
        {
            Assert.Fail($"Position {position} of {Capacity} is used{(Disposed ? " after the storage was disposed" : "")}.");
        }

        return layer * Capacity + position;
    }
}
