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
    private readonly FusedAttention _attention;
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
        _attention = new FusedAttention(attends, capacity + _rows - 1);

        using SessionOptions sessionOptions = StageSessions.SessionOptionsFor(environment, options, weights);
        sessionOptions.GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL; // a whole decoder has what the optimisers look for
        _session = new InferenceSession(Graph(model, weights, _products, _attention), sessionOptions);
        _binding = _session.CreateIoBinding();
        using OrtValue residual = _residual.View(ElementType.Float32, 0, _rows, model.HiddenSize);
        using OrtValue logits = _logits.View(ElementType.Float32, 0, _rows, model.VocabularySize);
        _binding.BindInput(StageNames.Residual, residual);
        _binding.BindOutput(StageNames.Output, logits);
        _attention.Bind(_binding);
    }

    /// <summary>Computes the logits of one more token.</summary>
    public ReadOnlySpan<float> Next(int token, int position)
    {
        for (int row = 0; row < _rows; row++)
        {
            _embed.Read([token], _residual.Span<float>((long)row * _width, _width));
        }

        _attention.SetLength(position + _rows);
        _session.RunWithBinding(_run, _binding);
        return _logits.Span<float>(0, _vocabulary);
    }

    public void Dispose()
    {
        _binding.Dispose();
        _session.Dispose();
        _products.Dispose();
        _run.Dispose();
        _attention.Dispose();
        _residual.Dispose();
        _logits.Dispose();
    }

    private static byte[] Graph(DecoderDescription model, PreparedWeights weights, ProductSet products, FusedAttention attention)
    {
        GraphBuilder graph = new(weights, products, model.ElementType);
        StageGraphs stages = new(model, weights, products);
        string residual = graph.Input(StageNames.Residual, "rows", model.HiddenSize);
        for (int i = 0; i < model.Layers.Length; i++)
        {
            LayerDescription layer = model.Layers[i];
            string packed = graph.Batch(StageGraphs.AttentionIn(graph, residual, layer.Attention), layer.Attention.QueryKeyValue.Outputs);
            string attended = attention.AddTo(graph, i, packed);
            string input = residual;
            residual = StageGraphs.AttentionOut(graph, graph.Rows(attended, layer.Attention.Attend.OutputWidth), layer.Attention, residual);
            residual = StageGraphs.Mlp(graph, layer.IsParallel ? input : residual, layer.Mlp, residual);
        }

        graph.Output(stages.Head(graph, residual), StageNames.Output, "rows", model.VocabularySize);
        return graph.Build();
    }
}
