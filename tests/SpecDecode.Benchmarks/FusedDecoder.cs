using Microsoft.ML.OnnxRuntime;
using SpecDecode.Descriptions;
using SpecDecode.Kernels;
using SpecDecode.OnnxRuntime;
using SpecDecode.OnnxRuntime.Graphs;
using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.OnnxRuntime.Operators;
using SpecDecode.OnnxRuntime.Stages;
using SpecDecode.Weights;

namespace SpecDecode.Benchmarks;

/// <summary>
/// The same model as one graph in one session, the embedding's row apart: what a decoder without stages would run. Keys and values appended in place, bindings kept; with the stages' own weights the difference to them is the cutting alone, with such in rows it has ONNX Runtime's operators only.
/// </summary>
internal sealed class FusedDecoder : IDisposable
{
    private readonly InferenceSession _session;
    private readonly OrtIoBinding _binding;
    private readonly RunOptions _run = new();
    private readonly EmbeddingTable _embed;
    private readonly StageBuffer _residual;
    private readonly StageBuffer _logits;
    private readonly OnnxKvStorage _cache;
    private readonly RotaryTables _rotaries;
    private readonly int _vocabulary;
    private readonly int _width;
    private readonly int _rows;
    private readonly ProductSet _products;

    /// <summary>Creates the session.</summary>
    /// <param name="model">The model.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="environment">The process's ONNX Runtime environment.</param>
    /// <param name="options">Threads, where the session has its own.</param>
    /// <param name="capacity">Longest text.</param>
    /// <param name="hasCompanion">Whether each row is run twice, side by side, as a lone row is in stages: kernels may add up otherwise for a single one.</param>
    public FusedDecoder(DecoderDescription model, PreparedWeights weights, RuntimeEnvironment environment, RuntimeOptions options, int capacity, bool hasCompanion = false)
    {
        _rows = hasCompanion ? 2 : 1;
        CpuBufferAllocator buffers = new();
        AttendDescription[] attends = [.. model.Layers.Select(layer => layer.Attention.Attend)];
        _vocabulary = model.VocabularySize;
        _width = model.HiddenSize;
        _products = new ProductSet(weights, InstructionSets.Current);
        _embed = new EmbeddingTable(model, weights);
        _residual = buffers.Reserve((long)_rows * model.HiddenSize * sizeof(float), "a residual");
        _logits = buffers.Reserve((long)_rows * model.VocabularySize * sizeof(float), "logits");
        _rotaries = new RotaryTables(attends, capacity, spare: _rows - 1, buffers);
        _cache = new OnnxKvStorage(attends, model.ElementType, capacity, spare: _rows - 1, _rotaries, buffers);

        using SessionOptions sessionOptions = StageSessions.SessionOptionsFor(environment, options, weights);
        sessionOptions.GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL; // a whole decoder has what the optimisers look for
        _session = new InferenceSession(Graph(model, weights, _products), sessionOptions);
        _binding = _session.CreateIoBinding();
        using OrtValue residual = _residual.View(ElementType.Float32, 0, _rows, model.HiddenSize);
        using OrtValue logits = _logits.View(ElementType.Float32, 0, _rows, model.VocabularySize);
        _binding.BindInput(StageNames.Residual, residual);
        _binding.BindOutput(StageNames.Output, logits);
        for (int layer = 0; layer < attends.Length; layer++)
        {
            _cache.Bind(_binding, layer, attends[layer], KvNames.OfLayer(layer));
        }
    }

    /// <summary>Computes the logits of one more token.</summary>
    public ReadOnlySpan<float> Next(int token, int position)
    {
        for (int row = 0; row < _rows; row++)
        {
            _embed.Read([token], _residual.Span<float>((long)row * _width, _width));
        }

        _cache.SetLength(position + _rows);
        _session.RunWithBinding(_run, _binding);
        return _logits.Span<float>(0, _vocabulary);
    }

    public void Dispose()
    {
        _binding.Dispose();
        _session.Dispose();
        _products.Dispose();
        _run.Dispose();
        _cache.Dispose();
        _rotaries.Dispose();
        _residual.Dispose();
        _logits.Dispose();
    }

    private static byte[] Graph(DecoderDescription model, PreparedWeights weights, ProductSet products)
    {
        GraphBuilder graph = new(weights, products, model.ElementType);
        StageGraphs stages = new(model, weights, products);
        string residual = graph.Input(StageNames.Residual, "rows", model.HiddenSize);
        AttendDescription attend = model.Layers[0].Attention.Attend;
        AttendInputs shared = StageGraphs.DeclareAttendInputs(graph, attend, "", KvNames.OfLayer(0));
        for (int i = 0; i < model.Layers.Length; i++)
        {
            LayerDescription layer = model.Layers[i];
            KvNames names = KvNames.OfLayer(i);
            if (i > 0)
            {
                StageGraphs.DeclareKeysAndValues(graph, attend, names);
            }

            string packed = graph.Batch(StageGraphs.AttentionIn(graph, residual, layer.Attention), layer.Attention.QueryKeyValue.Outputs);
            (string attended, string keys, string values) = graph.Attend(
                layer.Attention.Attend, shared with { QueryKeyValue = packed, PastKeys = names.PastKeys, PastValues = names.PastValues });
            graph.Output(keys, names.PresentKeys, 1, attend.KeyValueHeads, "capacity", attend.HeadSize);
            graph.Output(values, names.PresentValues, 1, attend.KeyValueHeads, "capacity", attend.HeadSize);
            string input = residual;
            residual = StageGraphs.AttentionOut(graph, graph.Rows(attended, attend.OutputWidth), layer.Attention, residual);
            residual = StageGraphs.Mlp(graph, layer.IsParallel ? input : residual, layer.Mlp, residual);
        }

        graph.Output(stages.Head(graph, residual), StageNames.Output, "rows", model.VocabularySize);
        return graph.Build();
    }
}
