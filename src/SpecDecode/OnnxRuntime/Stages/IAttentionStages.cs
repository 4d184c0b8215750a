using Microsoft.ML.OnnxRuntime;
using SpecDecode.Caching;
using SpecDecode.OnnxRuntime.Graphs;
using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>Attention of all layers, between the projections around it, with the keys and values that it reads and writes.</summary>
internal interface IAttentionStages : IDisposable
{
    /// <summary>The pages of keys and values.</summary>
    KvPool Pages { get; }

    /// <summary>Where queries, keys and values of rows are read and attended rows written: on a device, or in the process's memory.</summary>
    bool IsOnDevice { get; }

    /// <summary>Whether a row comes out the same, bit for bit, whatever rows run beside it.</summary>
    bool RowsAreAlike { get; }

    /// <summary>Time inside the sessions so far, in ticks of <see cref="System.Diagnostics.Stopwatch"/>.</summary>
    long RuntimeTicks { get; }

    /// <summary>Which of several rotary embeddings a sequence has, as a number.</summary>
    /// <param name="capacity">Positions that it may come to have.</param>
    int KindOf(int capacity);

    /// <summary>Says whose rows the next calls have.</summary>
    void SetRows(RowBatch batch);

    /// <summary>Runs a layer's attention over the rows of the pass: writes their keys and values, and attends.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="packed">Packed queries, keys and values <c>[rows, (Hq + 2 Hkv) · D]</c>.</param>
    /// <param name="attended">Takes <c>[rows, Hq · D]</c>.</param>
    /// <param name="rows">Rows of the pass.</param>
    void Run(int layer, RowBuffer packed, RowBuffer attended, int rows);

    /// <summary>Whether the rows of the pass can go through segments.</summary>
    bool RunsSegments { get; }

    /// <summary>The graph of a segment that has attention of this model in it.</summary>
    /// <param name="graphs">Writes it, for some copy of the weights.</param>
    /// <param name="blocks">The segment.</param>
    /// <param name="hasCompanions">Whether rows behind those of the pass may run with them, which attend to nothing.</param>
    byte[] Segment(StageGraphs graphs, ReadOnlySpan<Block> blocks, bool hasCompanions);

    /// <summary>A segment's binding to the rows of the pass, and to what its attention reads and writes besides.</summary>
    /// <param name="segment">The segment, which keeps the binding.</param>
    /// <param name="residuals">The two buffers that hold the residual in turn.</param>
    /// <param name="current">Which of them holds it now.</param>
    /// <param name="rows">Rows of the pass.</param>
    /// <param name="rowsToRun">Those, and companions of them.</param>
    OrtIoBinding BindSegment(StageSession segment, RowBuffer[] residuals, int current, int rows, int rowsToRun);
}
