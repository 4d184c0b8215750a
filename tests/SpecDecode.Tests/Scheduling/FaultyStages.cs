using SpecDecode.Caching;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Tests.Scheduling;

/// <summary>Any stages, with something happening in some of their calls: a failure before or after the work, a cancellation.</summary>
internal sealed class FaultyStages(IStages inner) : IStages
{
    /// <summary>Told before and after each call; what it throws, the call throws.</summary>
    public Action? OnCall { get; set; }

    /// <summary>Told before storage is made; what it throws, the call throws.</summary>
    public Action? OnStorage { get; set; }

    /// <summary>Told when storage is disposed, which is not done where it throws.</summary>
    public Action? OnDispose { get; set; }

    /// <summary>Storages that were made and not disposed.</summary>
    public int LiveStorages { get; private set; }

    public int LayerCount => inner.LayerCount;

    public int VocabularySize => inner.VocabularySize;

    public int MaxSequenceLength => inner.MaxSequenceLength;

    public int ResidualWidth => inner.ResidualWidth;

    public int MaxRows => inner.MaxRows;

    public int MaxScoredRows => inner.MaxScoredRows;

    public Precision? DraftPrecision => inner.DraftPrecision;

    public long RuntimeTicks => inner.RuntimeTicks;

    public IKvStorage CreateKvStorage(int capacity)
    {
        OnStorage?.Invoke();
        IKvStorage storage = inner.CreateKvStorage(capacity);
        LiveStorages++;
        return new CountedStorage(storage, () => OnDispose?.Invoke(), () => LiveStorages--);
    }

    public long KvStorageBytes(int capacity) => inner.KvStorageBytes(capacity);

    public void Embed(RowBatch batch, WeightSet weights = WeightSet.Verifier) => Call(() => inner.Embed(Unwrapped(batch), weights));

    public void Run(Block block, RowBatch batch) => Call(() => inner.Run(block, Unwrapped(batch)));

    public void Keep(int row, int slot) => inner.Keep(row, slot);

    public void ReadResidual(int row, Span<float> destination) => inner.ReadResidual(row, destination);

    public void Arrange(IReadOnlyList<RowSource> sources, RowBatch batch) => inner.Arrange(sources, Unwrapped(batch));

    public Span<float> Head(ReadOnlySpan<int> rows)
    {
        OnCall?.Invoke();
        Span<float> logits = inner.Head(rows);
        OnCall?.Invoke();
        return logits;
    }

    public void Dispose()
    {
    }

    private void Call(Action work)
    {
        OnCall?.Invoke();
        work();
        OnCall?.Invoke();
    }

    // The same batch over the storages that the inner stages have made.
    private static RowBatch Unwrapped(RowBatch batch)
    {
        RowBatch inner = new(batch.Rows);
        foreach (RowSpan span in batch.Spans)
        {
            inner.Add(((CountedStorage)span.Cache.Storage).Twin(span.Cache), span.FirstPosition, batch.Tokens.Slice(span.FirstRow, span.Rows));
        }

        return inner;
    }

    private sealed class CountedStorage(IKvStorage inner, Action disposing, Action disposed) : IKvStorage
    {
        private readonly KvCache _twin = new(inner);
        private Action? _disposed = disposed;

        public int Capacity => inner.Capacity;

        // A cache over the inner storage that is in a transaction where the outer is, for stages that check that.
        public KvCache Twin(KvCache outer)
        {
            _twin.End(outer.CommittedLength);
            if (outer.CachedLength > outer.CommittedLength)
            {
                _twin.Begin(outer.CachedLength - outer.CommittedLength);
            }

            return _twin;
        }

        public void Dispose()
        {
            disposing();
            inner.Dispose();
            _disposed?.Invoke();
            _disposed = null;
        }
    }
}
