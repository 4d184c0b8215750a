using Microsoft.ML.OnnxRuntime;
using SpecDecode.Caching;
using SpecDecode.Descriptions;
using SpecDecode.OnnxRuntime.Graphs;
using SpecDecode.OnnxRuntime.Memory;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>
/// Keys and values of one sequence: two buffers <c>[1, Hkv, positions, D]</c> for each layer in one reservation, the two
/// lengths that attention reads, its rotary tables, and the bindings of attention to them, kept for the places where the
/// sequence's rows lie in a pass.
/// </summary>
internal sealed class OnnxKvStorage : IKvStorage
{
    // A sequence that decodes plainly lies in one place; in a batch of drafts that end early, in dozens.
    private const int MaxPlaces = 64;

    // Layers begin on pages of their own, so that what one has not written yet is not committed for another.
    private static readonly int Alignment = Environment.SystemPageSize;

    private readonly ElementType _type;
    private readonly int _positions;
    private readonly StageBuffer _entries;
    private readonly StageBuffer _lengths;
    private readonly long[] _keyStarts;
    private readonly long[] _valueStarts;
    private readonly RotaryTable?[] _rotaries;
    private readonly RotaryTable[] _distinctRotaries;
    private readonly Dictionary<(int FirstRow, int Rows), OrtIoBinding?[]> _places = [];

    /// <summary>Reserves the buffers.</summary>
    /// <param name="layers">The attention of each layer.</param>
    /// <param name="type">What keys and values are.</param>
    /// <param name="capacity">Positions.</param>
    /// <param name="spare">Positions behind them that attention may write and nothing reads.</param>
    /// <param name="rotaries">The model's rotary tables, of which the capacity chooses.</param>
    /// <param name="buffers">Where from.</param>
    public OnnxKvStorage(
        IReadOnlyList<AttendDescription> layers, ElementType type, int capacity, int spare, RotaryTables rotaries, IBufferAllocator buffers)
    {
        _type = type;
        Capacity = capacity;
        _positions = checked(capacity + spare);
        _rotaries = [.. layers.Select(attend => rotaries.For(attend, capacity))];
        _distinctRotaries = [.. _rotaries.OfType<RotaryTable>().Distinct()];
        _keyStarts = new long[layers.Count];
        _valueStarts = new long[layers.Count];
        long elements = 0;
        for (int layer = 0; layer < layers.Count; layer++)
        {
            long size = Elements(layers[layer], _positions);
            _keyStarts[layer] = elements;
            _valueStarts[layer] = checked(elements + size);
            elements = checked(elements + 2 * size);
        }

        _entries = buffers.Reserve(checked(elements * type.Bytes()), $"the key/value cache of a sequence of {capacity} tokens");
        _lengths = buffers.Reserve(2 * sizeof(int), "the lengths of a sequence");
    }

    /// <inheritdoc/>
    public int Capacity { get; }

    /// <summary>Bytes of the keys and values of one sequence.</summary>
    /// <param name="layers">The attention of each layer.</param>
    /// <param name="type">What keys and values are.</param>
    /// <param name="positions">Positions, spare ones included.</param>
    public static long Bytes(IReadOnlyList<AttendDescription> layers, ElementType type, int positions)
    {
        long elements = 0;
        for (int layer = 0; layer < layers.Count; layer++)
        {
            elements = checked(elements + 2 * Elements(layers[layer], positions));
        }

        return checked(elements * type.Bytes());
    }

    /// <summary>Says how long the sequence is with the rows of this pass.</summary>
    public void SetLength(int length)
    {
        Span<int> lengths = _lengths.Span<int>(0, 2);
        lengths[0] = length - 1;
        lengths[1] = length;
        foreach (RotaryTable rotary in _distinctRotaries)
        {
            rotary.EnsureLength(length);
        }
    }

    /// <summary>The bindings, by layer, for rows that lie in one place of a pass; those not used yet are null.</summary>
    public OrtIoBinding?[] BindingsFor(int firstRow, int rows)
    {
        if (!_places.TryGetValue((firstRow, rows), out OrtIoBinding?[]? bindings))
        {
            if (_places.Count == MaxPlaces)
            {
                ClearBindings();
            }

            bindings = new OrtIoBinding?[_keyStarts.Length];
            _places.Add((firstRow, rows), bindings);
        }

        return bindings;
    }

    /// <summary>Binds a layer's buffers, as what comes in and as what goes out, so that rows are appended in place, and its rotary table.</summary>
    public void Bind(OrtIoBinding binding, int layer, AttendDescription attend, KvNames names)
    {
        using OrtValue keys = _entries.View(_type, _keyStarts[layer], 1, attend.KeyValueHeads, _positions, attend.HeadSize);
        using OrtValue values = _entries.View(_type, _valueStarts[layer], 1, attend.KeyValueHeads, _positions, attend.HeadSize);
        using OrtValue last = _lengths.View(ElementType.Int32, 0, 1);
        using OrtValue total = _lengths.View(ElementType.Int32, 1, 1);
        binding.BindInput(names.PastKeys, keys);
        binding.BindInput(names.PastValues, values);
        binding.BindOutput(names.PresentKeys, keys);
        binding.BindOutput(names.PresentValues, values);
        binding.BindInput(StageNames.LastPosition, last);
        binding.BindInput(StageNames.TotalLength, total);
        _rotaries[layer]?.Bind(binding, StageNames.Cosines, StageNames.Sines);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ClearBindings();
        _entries.Dispose();
        _lengths.Dispose();
    }

    // Of the keys, or the values, of a layer.
    private static long Elements(AttendDescription layer, int positions)
    {
        long size = checked((long)layer.KeyValueHeads * positions * layer.HeadSize);
        return checked(size + Alignment - 1) / Alignment * Alignment;
    }

    private void ClearBindings()
    {
        foreach (OrtIoBinding?[] bindings in _places.Values)
        {
            foreach (OrtIoBinding? binding in bindings)
            {
                binding?.Dispose();
            }
        }

        _places.Clear();
    }
}
