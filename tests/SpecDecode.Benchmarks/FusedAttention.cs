using Microsoft.ML.OnnxRuntime;
using SpecDecode.Descriptions;
using SpecDecode.OnnxRuntime.Graphs;
using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.OnnxRuntime.ModelFormat;
using SpecDecode.OnnxRuntime.Stages;

namespace SpecDecode.Benchmarks;

/// <summary>
/// Attention of one sequence by ONNX Runtime's own operator, GroupQueryAttention, with rotary embedding inside: buffers <c>[1, Hkv, capacity, D]</c> of each layer's
/// keys and values, to which rows are appended in place.
/// </summary>
internal sealed class FusedAttention : IDisposable
{
    private const string LastPosition = "last_position";
    private const string TotalLength = "total_length";

    private readonly AttendDescription[] _layers;
    private readonly int _capacity;
    private readonly List<StageBuffer> _keys = [];
    private readonly List<StageBuffer> _values = [];
    private readonly StageBuffer _lengths;
    private readonly RotaryTable? _rotary;

    /// <summary>Reserves the buffers.</summary>
    /// <param name="layers">Attention of each layer; all with the same rotary embedding, or none.</param>
    /// <param name="capacity">Longest text.</param>
    public FusedAttention(AttendDescription[] layers, int capacity)
    {
        CpuBufferAllocator buffers = new();
        _layers = layers;
        _capacity = capacity;
        foreach (AttendDescription layer in layers)
        {
            long bytes = (long)layer.KeyValueHeads * capacity * layer.HeadSize * sizeof(float);
            _keys.Add(buffers.Reserve(bytes, "keys"));
            _values.Add(buffers.Reserve(bytes, "values"));
        }

        _lengths = buffers.Reserve(2 * sizeof(int), "lengths");
        _rotary = layers[0].Rotary is { } rotary ? new RotaryTable(rotary, layers[0].HeadSize, capacity, buffers) : null;
    }

    /// <summary>The buffers.</summary>
    public IEnumerable<StageBuffer> KeysAndValues => _keys.Concat(_values);

    /// <summary>Adds the operator to a graph, with its inputs, and its keys and values as outputs.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="layer">Which layer.</param>
    /// <param name="packed">Packed rows <c>[1, rows, (Hq + 2 Hkv) · D]</c>.</param>
    /// <returns>Attended rows <c>[1, rows, Hq · D]</c>.</returns>
    public string AddTo(GraphBuilder graph, int layer, string packed)
    {
        AttendDescription attend = _layers[layer];
        graph.Input(Name("past_keys", layer), 1, attend.KeyValueHeads, "capacity", attend.HeadSize);
        graph.Input(Name("past_values", layer), 1, attend.KeyValueHeads, "capacity", attend.HeadSize);
        if (layer == 0)
        {
            graph.IntegerInput(LastPosition, 1);
            graph.IntegerInput(TotalLength, 1);
            if (_rotary is not null)
            {
                graph.Input(StageNames.Cosines, "positions", attend.HeadSize / 2);
                graph.Input(StageNames.Sines, "positions", attend.HeadSize / 2);
            }
        }

        List<string> inputs = [packed, "", "", Name("past_keys", layer), Name("past_values", layer), LastPosition, TotalLength];
        List<AttributeProto> attributes =
        [
            Integer("num_heads", attend.QueryHeads), Integer("kv_num_heads", attend.KeyValueHeads), Float("scale", attend.Scale), Integer("do_rotary", _rotary is null ? 0 : 1),
        ];
        if (_rotary is not null)
        {
            inputs.AddRange([StageNames.Cosines, StageNames.Sines]);
        }

        if (attend.Window is { } window)
        {
            attributes.Add(Integer("local_window_size", window));
        }

        if (attend.SoftCap is { } bound)
        {
            attributes.Add(Float("softcap", bound));
        }

        string[] outputs = graph.Add("GroupQueryAttention", [.. inputs], 3, "com.microsoft", [.. attributes]);
        graph.Output(outputs[1], Name("present_keys", layer), 1, attend.KeyValueHeads, "capacity", attend.HeadSize);
        graph.Output(outputs[2], Name("present_values", layer), 1, attend.KeyValueHeads, "capacity", attend.HeadSize);
        return outputs[0];
    }

    /// <summary>Says how long the text is with the rows of the next run.</summary>
    public void SetLength(int length)
    {
        Span<int> lengths = _lengths.Span<int>(0, 2);
        lengths[0] = length - 1;
        lengths[1] = length;
        _rotary?.EnsureLength(_capacity, length);
    }

    /// <summary>Binds the buffers of all layers.</summary>
    public void Bind(OrtIoBinding binding)
    {
        for (int layer = 0; layer < _layers.Length; layer++)
        {
            using OrtValue keys = _keys[layer].View(ElementType.Float32, 0, 1, _layers[layer].KeyValueHeads, _capacity, _layers[layer].HeadSize);
            using OrtValue values = _values[layer].View(ElementType.Float32, 0, 1, _layers[layer].KeyValueHeads, _capacity, _layers[layer].HeadSize);
            binding.BindInput(Name("past_keys", layer), keys);
            binding.BindInput(Name("past_values", layer), values);
            binding.BindOutput(Name("present_keys", layer), keys);
            binding.BindOutput(Name("present_values", layer), values);
        }

        using OrtValue last = _lengths.View(ElementType.Int32, 0, 1);
        using OrtValue total = _lengths.View(ElementType.Int32, 1, 1);
        binding.BindInput(LastPosition, last);
        binding.BindInput(TotalLength, total);
        _rotary?.Bind(binding, StageNames.Cosines, StageNames.Sines);
    }

    public void Dispose()
    {
        foreach (StageBuffer buffer in (StageBuffer[])[.. _keys, .. _values, _lengths])
        {
            buffer.Dispose();
        }

        _rotary?.Dispose();
    }

    private static string Name(string what, int layer) => FormattableString.Invariant($"{what}_{layer}");

    private static AttributeProto Integer(string name, long value) => new() { Name = name, I = value, Type = AttributeType.Int };

    private static AttributeProto Float(string name, float value) => new() { Name = name, F = value, Type = AttributeType.Float };
}
