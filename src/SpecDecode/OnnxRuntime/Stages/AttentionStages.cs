using Microsoft.ML.OnnxRuntime;
using SpecDecode.Caching;
using SpecDecode.Descriptions;
using SpecDecode.Kernels;
using SpecDecode.OnnxRuntime.Graphs;
using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.OnnxRuntime.Operators;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>
/// Attention with the kernel of this library, on the CPU: the pages of keys and values, rotary tables, a session for layers of equal description, and the
/// tables that say whose rows a pass has and where their pages are. One call for all rows of all sequences.
/// </summary>
internal sealed class AttentionStages : IAttentionStages
{
    private readonly AttendDescription[] _attends;
    private readonly int _maxRows;
    private readonly int _maxPages;
    private readonly KvPageMemory _memory;
    private readonly KernelScratch _scratch = new();
    private readonly RunClock _run = new();
    private readonly List<IDisposable> _owned = [];
    private readonly List<long> _numbers = [];
    private readonly Dictionary<AttendDescription, (StageSession Session, RotaryTable? Rotary, StageBuffer Starts, long Number)> _stages = [];
    private readonly StageBuffer _firstRows;
    private readonly StageBuffer _past;
    private readonly StageBuffer _pages;
    private readonly StageBuffer _layer;

    /// <summary>Makes the sessions and reserves the tables.</summary>
    /// <param name="model">The model.</param>
    /// <param name="precision">What keys and values are stored as.</param>
    /// <param name="graphs">Writes the graphs.</param>
    /// <param name="options">Options of the sessions.</param>
    /// <param name="allocator">Where buffers come from.</param>
    /// <param name="maxSequenceLength">Longest sequence.</param>
    /// <param name="maxRows">Most rows in a pass.</param>
    public AttentionStages(
        DecoderDescription model, KvPrecision precision, StageGraphs graphs, SessionOptions options, IBufferAllocator allocator, int maxSequenceLength, int maxRows)
    {
        _attends = [.. model.Layers.Select(layer => layer.Attention.Attend)];
        _maxRows = maxRows;
        _memory = new KvPageMemory(_attends, precision, allocator);
        Pages = new KvPool(_memory);
        _maxPages = Pages.PagesOf(maxSequenceLength);
        try
        {
            _firstRows = Reserve(maxRows + 1L);
            _past = Reserve(maxRows);
            _pages = Reserve((long)maxRows * _maxPages);
            _layer = Reserve(1);
            for (int layer = 0; layer < _attends.Length; layer++)
            {
                if (!_stages.ContainsKey(_attends[layer]))
                {
                    AttendDescription attend = _attends[layer];
                    RotaryTable? rotary = attend.Rotary is null ? null : Own(new RotaryTable(attend.Rotary, attend.HeadSize, maxSequenceLength, allocator));
                    _numbers.Add(KernelTable<AttentionKernel>.Add(new AttentionKernel(attend, _memory, layer, InstructionSets.Current, _scratch)));
                    StageSession session = Own(new StageSession(graphs.Attend(attend, _numbers[^1], maxRows, _maxPages, rotary?.Positions), options, _run));
                    _stages.Add(attend, (session, rotary, Reserve(maxRows), _numbers[^1]));
                }
            }
        }
        catch
        {
            Dispose();
            throw;
        }

        StageBuffer Reserve(long numbers) => Own(allocator.Reserve(numbers * sizeof(int), "the tables of attention"));
    }

    /// <inheritdoc/>
    public KvPool Pages { get; }

    /// <inheritdoc/>
    public bool IsOnDevice => false;

    /// <inheritdoc/>
    public bool RowsAreAlike => true;

    /// <inheritdoc/>
    public long RuntimeTicks => _run.Ticks;

    /// <inheritdoc/>
    public int KindOf(int capacity)
    {
        int kind = 0;
        foreach ((_, RotaryTable? rotary, _, _) in _stages.Values)
        {
            kind = 2 * kind + (rotary?.StartOf(capacity) > 0 ? 1 : 0);
        }

        return kind;
    }

    /// <inheritdoc/>
    public void SetRows(RowBatch batch)
    {
        IReadOnlyList<RowSpan> spans = batch.Spans;
        Span<int> firstRows = _firstRows.Span<int>(0, spans.Count + 1);
        Span<int> past = _past.Span<int>(0, spans.Count);
        for (int i = 0; i < spans.Count; i++)
        {
            RowSpan span = spans[i];
            firstRows[i] = span.FirstRow;
            past[i] = span.FirstPosition;
            int pages = Pages.PagesOf(span.FirstPosition + span.Rows);
            span.Cache.Pages[..pages].CopyTo(_pages.Span<int>((long)i * _maxPages, pages));
        }

        firstRows[^1] = batch.Rows;
        foreach ((_, RotaryTable? rotary, StageBuffer starts, _) in _stages.Values)
        {
            for (int i = 0; i < spans.Count && rotary is not null; i++)
            {
                RowSpan span = spans[i];
                rotary.EnsureLength(span.Cache.Capacity, span.FirstPosition + span.Rows);
                starts.Span<int>(i, 1)[0] = rotary.StartOf(span.Cache.Capacity);
            }
        }
    }

    /// <inheritdoc/>
    public void Run(int layer, RowBuffer packed, RowBuffer attended, int rows)
    {
        _layer.Span<int>(0, 1)[0] = layer;
        (StageSession session, RotaryTable? rotary, StageBuffer starts, _) = _stages[_attends[layer]];
        OrtIoBinding? binding = session.KeptBinding(rows);
        if (binding is null)
        {
            binding = session.NewBinding();
            Bind(binding, packed, attended, rows, rotary, starts);
            session.Keep(rows, binding);
        }

        session.Run(binding);
    }

    /// <inheritdoc/>
    public bool RunsSegments => true;

    /// <inheritdoc/>
    public byte[] Segment(StageGraphs graphs, ReadOnlySpan<Block> blocks, bool hasCompanions) =>
        hasCompanions ? throw new ArgumentException("This attention has a place for every row, and none for companions.", nameof(hasCompanions)) : graphs.Segment(
            blocks, [.. AttentionKinds.Of(_attends, blocks).Select(attend => (attend, _stages[attend].Number, _stages[attend].Rotary?.Positions))], _maxRows, _maxPages);

    /// <inheritdoc/>
    public OrtIoBinding BindSegment(StageSession segment, RowBuffer[] residuals, int current, int rows, int rowsToRun)
    {
        int key = 2 * rows + current;
        OrtIoBinding? binding = segment.KeptBinding(key);
        if (binding is null)
        {
            binding = segment.NewBinding();
            residuals[current].BindInput(binding, StageNames.Residual, rows);
            BindTables(binding, segment.Blocks.AsSpan());
            residuals[1 - current].BindOutput(binding, StageNames.Output, rows);
            segment.Keep(key, binding);
        }

        return binding;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        for (int i = _owned.Count - 1; i >= 0; i--)
        {
            _owned[i].Dispose();
        }

        _numbers.ForEach(KernelTable<AttentionKernel>.Remove);
        Pages.Dispose();
        _scratch.Dispose();
        _run.Dispose();
    }

    private void Bind(
        OrtIoBinding binding, RowBuffer packed, RowBuffer attended, int rows, RotaryTable? rotary, StageBuffer starts)
    {
        BindInput(binding, StageNames.QueryKeyValue, packed.View(rows));
        BindInput(binding, StageNames.FirstRows, _firstRows.View(ElementType.Int32, 0, _maxRows + 1));
        BindInput(binding, StageNames.Past, _past.View(ElementType.Int32, 0, _maxRows));
        BindInput(binding, StageNames.Pages, _pages.View(ElementType.Int32, 0, _maxRows, _maxPages));
        BindInput(binding, StageNames.Layer, _layer.View(ElementType.Int32, 0, 1));
        if (rotary is not null)
        {
            rotary.Bind(binding, StageNames.Cosines, StageNames.Sines);
            BindInput(binding, StageNames.RotaryStarts, starts.View(ElementType.Int32, 0, _maxRows));
        }

        using OrtValue output = attended.View(rows);
        binding.BindOutput(StageNames.Output, output);
    }

    private void BindTables(OrtIoBinding binding, ReadOnlySpan<Block> blocks)
    {
        IReadOnlyList<AttendDescription> kinds = AttentionKinds.Of(_attends, blocks);
        if (kinds.Count == 0)
        {
            return;
        }

        BindInput(binding, StageNames.FirstRows, _firstRows.View(ElementType.Int32, 0, _maxRows + 1));
        BindInput(binding, StageNames.Past, _past.View(ElementType.Int32, 0, _maxRows));
        BindInput(binding, StageNames.Pages, _pages.View(ElementType.Int32, 0, _maxRows, _maxPages));
        for (int i = 0; i < kinds.Count; i++)
        {
            if (_stages[kinds[i]] is (_, { } rotary, var starts, _))
            {
                rotary.Bind(binding, StageNames.Of(StageNames.Cosines, i), StageNames.Of(StageNames.Sines, i));
                BindInput(binding, StageNames.Of(StageNames.RotaryStarts, i), starts.View(ElementType.Int32, 0, _maxRows));
            }
        }
    }

    private static void BindInput(OrtIoBinding binding, string name, OrtValue value)
    {
        using (value)
        {
            binding.BindInput(name, value);
        }
    }

    private T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }
}
