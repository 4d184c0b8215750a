using SpecDecode.Caching;
using SpecDecode.OnnxRuntime.Memory;
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
}
