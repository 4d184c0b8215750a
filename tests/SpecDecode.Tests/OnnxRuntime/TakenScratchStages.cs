using SpecDecode.Caching;
using SpecDecode.Kernels;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Tests.OnnxRuntime;

/// <summary>Stages whose products find their memory taken, and so fail within ONNX Runtime, in each pass in which a token is.</summary>
internal sealed class TakenScratchStages(IStages inner, KernelScratch scratch) : IStages
{
    private bool _fails;

    /// <summary>The token; null for none.</summary>
    public int? Token { get; set; }

    /// <summary>Calls that met with it.</summary>
    public int Failures { get; private set; }

    public int LayerCount => inner.LayerCount;

    public int VocabularySize => inner.VocabularySize;

    public int MaxSequenceLength => inner.MaxSequenceLength;

    public int ResidualWidth => inner.ResidualWidth;

    public int MaxRows => inner.MaxRows;

    public int MaxScoredRows => inner.MaxScoredRows;

    public Precision? DraftPrecision => inner.DraftPrecision;

    public long RuntimeTicks => inner.RuntimeTicks;

    public KvPool Pages => inner.Pages;

    public void Embed(RowBatch batch, WeightSet weights = WeightSet.Verifier)
    {
        _fails = Token is { } token && batch.Tokens.Contains(token);
        inner.Embed(batch, weights);
    }

    public unsafe void Run(Block block, RowBatch batch)
    {
        if (!_fails)
        {
            inner.Run(block, batch);
            return;
        }

        Failures++;
        scratch.Take(1);
        try
        {
            inner.Run(block, batch);
        }
        finally
        {
            scratch.Return();
        }
    }

    public void Keep(int row, int slot) => inner.Keep(row, slot);

    public void ReadResidual(int row, Span<float> destination) => inner.ReadResidual(row, destination);

    public void Arrange(IReadOnlyList<RowSource> sources, RowBatch batch) => inner.Arrange(sources, batch);

    public Span<float> Head(ReadOnlySpan<int> rows) => inner.Head(rows);

    public void Dispose() => inner.Dispose();
}
