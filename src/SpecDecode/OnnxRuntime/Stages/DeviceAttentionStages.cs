using Microsoft.ML.OnnxRuntime;
using SpecDecode.Caching;
using SpecDecode.Descriptions;
using SpecDecode.OnnxRuntime.Graphs;
using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>
/// Attention on a device, with ONNX Runtime's own kernel (<c>GroupQueryAttention</c>): a session for layers of equal description, and keys and values in the device's memory, each
/// sequence's in one stretch (<see cref="KvSequenceMemory"/>). The kernel takes several rows behind others of one sequence alone, so that it is one call for each sequence of a pass. Nothing of a
/// row leaves the device; lengths, two numbers, come from the process.
/// </summary>
internal sealed class DeviceAttentionStages : IAttentionStages
{
    // In the process's memory: two lengths, and rows of the pass without and with companions.
    private const int Numbers = 4;

    private readonly AttendDescription[] _attends;
    private readonly int _maxSequenceLength;

    // More than KindOf gives.
    private readonly int _kinds;
    private readonly KvSequenceMemory _memory;
    private readonly RunClock _run = new();
    private readonly List<IDisposable> _owned = [];
    private readonly Dictionary<AttendDescription, (StageSession Session, DeviceRotaryTable? Rotary)> _stages = [];
    private readonly StageBuffer _lengths;

    // By page and layer, and for which of two rotary embeddings: what the memory of a sequence is bound to.
    private readonly Dictionary<(int Page, int Layer, bool IsLong), OrtIoBinding> _bindings = [];
    private readonly List<RowSpan> _spans = [];
    private int _removals;

    /// <summary>Makes the sessions; takes no memory for keys and values yet.</summary>
    /// <param name="model">The model.</param>
    /// <param name="graphs">Writes the graphs, whose nodes compute in the model's element type.</param>
    /// <param name="options">Options of the sessions, for the device.</param>
    /// <param name="device">The device; must live as long.</param>
    /// <param name="process">The process's memory.</param>
    /// <param name="maxSequenceLength">Longest sequence.</param>
    public DeviceAttentionStages(
        DecoderDescription model, StageGraphs graphs, SessionOptions options, DeviceRows device, IBufferAllocator process, int maxSequenceLength)
    {
        _attends = [.. model.Layers.Select(layer => layer.Attention.Attend)];
        _maxSequenceLength = maxSequenceLength;
        _memory = new KvSequenceMemory(_attends, model.ElementType, maxSequenceLength, device.Buffers, device);
        Pages = new KvPool(_memory);
        try
        {
            _lengths = Own(process.Reserve(Numbers * sizeof(int), "the lengths of attention"));
            foreach (AttendDescription attend in _attends.Distinct())
            {
                DeviceRotaryTable? rotary = attend.Rotary is null ? null
                    : Own(new DeviceRotaryTable(attend.Rotary, attend.HeadSize, maxSequenceLength, model.ElementType, device, process));
                _stages.Add(attend, (Own(new StageSession(graphs.AttendOne(attend, maxSequenceLength), options, _run)), rotary));
            }

            _kinds = 1 << _stages.Values.Count(stage => stage.Rotary is { HasTwoKinds: true });
            RowsAreAlike = AttentionProbe.AreAlike(this, model, device, process, maxSequenceLength);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public KvPool Pages { get; }

    /// <inheritdoc/>
    public bool IsOnDevice => true;

    /// <inheritdoc/>
    public bool RowsAreAlike { get; }

    /// <inheritdoc/>
    public long RuntimeTicks => _run.Ticks;

    /// <inheritdoc/>
    public int KindOf(int capacity)
    {
        int kind = 0;
        foreach ((_, DeviceRotaryTable? rotary) in _stages.Values)
        {
            kind = rotary is { HasTwoKinds: true } ? 2 * kind + (rotary.IsLong(capacity) ? 1 : 0) : kind;
        }

        return kind;
    }

    /// <inheritdoc/>
    public void SetRows(RowBatch batch)
    {
        _spans.Clear();
        for (int i = 0; i < batch.Spans.Count; i++)
        {
            _spans.Add(batch.Spans[i]);
        }

        foreach ((_, DeviceRotaryTable? rotary) in _stages.Values)
        {
            for (int i = 0; i < _spans.Count && rotary is not null; i++)
            {
                RowSpan span = _spans[i];
                rotary.EnsureLength(span.Cache.Capacity, span.FirstPosition + span.Rows);
            }
        }

        if (_removals != _memory.Removals)
        {
            ClearBindings();
            _removals = _memory.Removals;
        }
    }

    /// <inheritdoc/>
    public void Run(int layer, RowBuffer packed, RowBuffer attended, int rows)
    {
        (StageSession session, DeviceRotaryTable? rotary) = _stages[_attends[layer]];
        for (int i = 0; i < _spans.Count; i++)
        {
            RowSpan span = _spans[i];
            OrtIoBinding binding = Binding(span.Cache, layer, session, rotary);
            BindLengths(binding, span);
            Bind(binding, StageNames.QueryKeyValue, packed.BatchView(span.FirstRow, span.Rows));
            using OrtValue output = attended.BatchView(span.FirstRow, span.Rows);
            binding.BindOutput(StageNames.Output, output);
            session.Run(binding);
        }
    }

    /// <inheritdoc/>
    public bool RunsSegments => _spans.Count == 1;

    /// <inheritdoc/>
    public byte[] Segment(StageGraphs graphs, ReadOnlySpan<Block> blocks, bool hasCompanions) =>
        graphs.SegmentOfOne(blocks, AttentionKinds.Of(_attends, blocks), _maxSequenceLength, hasCompanions);

    /// <inheritdoc/>
    public OrtIoBinding BindSegment(StageSession segment, RowBuffer[] residuals, int current, int rows, int rowsToRun)
    {
        RowSpan span = _spans[0];
        segment.ForgetBindings(_memory.Removals);
        int key = checked(span.Cache.Pages[0] * _kinds + KindOf(span.Cache.Capacity));
        OrtIoBinding? binding = segment.KeptBinding(key);
        if (binding is null)
        {
            binding = segment.NewBinding();
            BindSequence(binding, span.Cache, segment.Blocks.AsSpan());
            segment.Keep(key, binding);
        }

        residuals[current].BindInput(binding, StageNames.Residual, rowsToRun);
        residuals[1 - current].BindOutput(binding, StageNames.Output, rowsToRun);
        if (HasAttention(segment.Blocks.AsSpan()))
        {
            BindLengths(binding, span);
            if (segment.HasCompanions)
            {
                BindNumber(binding, StageNames.Rows, 2, rows);
                BindNumber(binding, StageNames.RowsToRun, 3, rowsToRun);
            }
        }

        return binding;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ClearBindings();
        for (int i = _owned.Count - 1; i >= 0; i--)
        {
            _owned[i].Dispose();
        }

        Pages.Dispose();
        _run.Dispose();
    }

    // The kernel writes into the memory that it reads, which it knows by its address.
    private OrtIoBinding Binding(KvCache cache, int layer, StageSession session, DeviceRotaryTable? rotary)
    {
        int page = cache.Pages[0];
        (int, int, bool) key = (page, layer, rotary is { HasTwoKinds: true } && rotary.IsLong(cache.Capacity));
        if (_bindings.TryGetValue(key, out OrtIoBinding? kept))
        {
            return kept;
        }

        OrtIoBinding binding = session.NewBinding();
        _bindings.Add(key, binding);
        rotary?.Bind(binding, cache.Capacity);
        BindMemory(binding, page, layer, name => name);
        return binding;
    }

    private static bool HasAttention(ReadOnlySpan<Block> blocks)
    {
        foreach (Block block in blocks)
        {
            if (block.Kind == BlockKind.Attention)
            {
                return true;
            }
        }

        return false;
    }

    // The same of a segment, which names by layer what there is one of for each.
    private void BindSequence(OrtIoBinding binding, KvCache cache, ReadOnlySpan<Block> blocks)
    {
        IReadOnlyList<AttendDescription> kinds = AttentionKinds.Of(_attends, blocks);
        for (int i = 0; i < kinds.Count; i++)
        {
            _stages[kinds[i]].Rotary?.Bind(binding, cache.Capacity, StageNames.Of(StageNames.Cosines, i), StageNames.Of(StageNames.Sines, i));
        }

        foreach (Block block in blocks)
        {
            if (block.Kind == BlockKind.Attention)
            {
                BindMemory(binding, cache.Pages[0], block.Layer, name => StageNames.Of(name, block.Layer));
            }
        }
    }

    private void BindMemory(OrtIoBinding binding, int page, int layer, Func<string, string> named)
    {
        using OrtValue keys = _memory.Keys(page, layer);
        using OrtValue values = _memory.Values(page, layer);
        binding.BindInput(named(StageNames.Keys), keys);
        binding.BindInput(named(StageNames.Values), values);
        binding.BindOutput(named(StageNames.NewKeys), keys);
        binding.BindOutput(named(StageNames.NewValues), values);
    }

    private void BindLengths(OrtIoBinding binding, RowSpan span)
    {
        int length = span.FirstPosition + span.Rows;
        BindNumber(binding, StageNames.LengthLessOne, 0, length - 1);
        BindNumber(binding, StageNames.Length, 1, length);
    }

    // Numbers of the process are copied when they are bound.
    private void BindNumber(OrtIoBinding binding, string name, int place, int number)
    {
        _lengths.Span<int>(place, 1)[0] = number;
        Bind(binding, name, _lengths.View(ElementType.Int32, place, 1));
    }

    private static void Bind(OrtIoBinding binding, string name, OrtValue value)
    {
        using (value)
        {
            binding.BindInput(name, value);
        }
    }

    private void ClearBindings()
    {
        foreach (OrtIoBinding binding in _bindings.Values)
        {
            binding.Dispose();
        }

        _bindings.Clear();
    }

    private T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }
}
