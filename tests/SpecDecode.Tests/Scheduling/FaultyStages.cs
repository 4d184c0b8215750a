using SpecDecode.Caching;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Tests.Scheduling;

/// <summary>Any stages, with something happening in some of their calls: a failure before or after the work, a cancellation.</summary>
internal sealed class FaultyStages(IStages inner) : IStages
{
    /// <summary>Told before and after each call; what it throws, the call throws.</summary>
    public Action? OnCall { get; set; }

    /// <summary>Told before memory for pages is made; what it throws, the call throws.</summary>
    public Action? OnMemory { get => Memory.OnAdd; set => Memory.OnAdd = value; }

    /// <summary>Told before memory for pages is given back; what it throws, the call throws.</summary>
    public Action? OnGivenBack { get => Memory.OnRemove; set => Memory.OnRemove = value; }

    public KvPool Pages => inner.Pages;

    // Of a real model memory does not fail.
    private FakeKvMemory Memory => field ??= (inner as IFakeStages)?.Memory ?? new FakeKvMemory(1);

    public int LayerCount => inner.LayerCount;

    public int VocabularySize => inner.VocabularySize;

    public int MaxSequenceLength => inner.MaxSequenceLength;

    public int ResidualWidth => inner.ResidualWidth;

    public int MaxRows => inner.MaxRows;

    public int MaxScoredRows => inner.MaxScoredRows;

    public Precision? DraftPrecision => inner.DraftPrecision;

    public long RuntimeTicks => inner.RuntimeTicks;

    public void Embed(RowBatch batch, WeightSet weights = WeightSet.Verifier) => Call(() => inner.Embed(batch, weights));

    public void Run(Block block, RowBatch batch) => Call(() => inner.Run(block, batch));

    public void Keep(int row, int slot) => inner.Keep(row, slot);

    public void ReadResidual(int row, Span<float> destination) => inner.ReadResidual(row, destination);

    public void Arrange(IReadOnlyList<RowSource> sources, RowBatch batch) => inner.Arrange(sources, batch);

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
}
