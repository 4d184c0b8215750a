using SpecDecode.Models.Descriptions;
using SpecDecode.Models.Weights;

namespace SpecDecode.OnnxRuntime.Graphs;

/// <summary>
/// The graphs of the stages. Each part (embedding, projections, attention, MLP, head) is written once, over a builder, so
/// that it can stand alone as a stage or be one stretch of a larger graph.
/// </summary>
internal sealed class StageGraphs(DecoderDescription model, PreparedWeights weights)
{
    /// <summary>tokens <c>[rows]</c> → residual <c>[rows, d]</c>.</summary>
    public byte[] Embed()
    {
        GraphBuilder graph = new(weights, model.ElementType);
        string tokens = graph.IntegerInput(StageNames.Tokens, "rows");
        graph.Output(graph.Gather(model.Embedding, tokens), StageNames.Output, "rows", model.HiddenSize);
        return graph.Build();
    }

    /// <summary>residual <c>[rows, d]</c> → packed queries, keys and values <c>[rows, (Hq + 2 Hkv) · D]</c>.</summary>
    public byte[] AttentionIn(AttentionDescription attention)
    {
        GraphBuilder graph = new(weights, model.ElementType);
        string residual = Residual(graph);
        graph.Output(AttentionIn(graph, residual, attention), StageNames.Output, "rows", attention.QueryKeyValue.Outputs);
        return graph.Build();
    }

    /// <summary>One sequence's packed rows and its buffers → attended rows <c>[1, rows, Hq · D]</c>; keys and values in place.</summary>
    public byte[] Attend(AttendDescription attend)
    {
        GraphBuilder graph = new(weights, model.ElementType);
        string packed = graph.Input(StageNames.QueryKeyValue, 1, "rows", attend.PackedWidth);
        (string attended, string keys, string values) = graph.Attend(attend, DeclareAttendInputs(graph, attend, packed, KvNames.Single));
        graph.Output(attended, StageNames.Output, 1, "rows", attend.OutputWidth);
        graph.Output(keys, KvNames.Single.PresentKeys, 1, attend.KeyValueHeads, "capacity", attend.HeadSize);
        graph.Output(values, KvNames.Single.PresentValues, 1, attend.KeyValueHeads, "capacity", attend.HeadSize);
        return graph.Build();
    }

    /// <summary>residual <c>[rows, d]</c>, attended rows <c>[rows, Hq · D]</c> → residual.</summary>
    public byte[] AttentionOut(AttentionDescription attention)
    {
        GraphBuilder graph = new(weights, model.ElementType);
        string residual = Residual(graph);
        string attended = graph.Input(StageNames.Attended, "rows", attention.Output.Inputs);
        graph.Output(graph.Linear(attended, attention.Output, residual), StageNames.Output, "rows", model.HiddenSize);
        return graph.Build();
    }

    /// <summary>residual <c>[rows, d]</c> → residual.</summary>
    public byte[] Mlp(MlpDescription mlp)
    {
        GraphBuilder graph = new(weights, model.ElementType);
        string residual = Residual(graph);
        graph.Output(Mlp(graph, residual, mlp), StageNames.Output, "rows", model.HiddenSize);
        return graph.Build();
    }

    /// <summary>residual <c>[rows, d]</c> → logits <c>[rows, V]</c>.</summary>
    public byte[] Head()
    {
        GraphBuilder graph = new(weights, model.ElementType);
        string residual = Residual(graph);
        graph.Output(Head(graph, residual), StageNames.Output, "rows", model.VocabularySize);
        return graph.Build();
    }

    /// <summary>Norm and packed projection of an attention block.</summary>
    public static string AttentionIn(GraphBuilder graph, string residual, AttentionDescription attention) =>
        graph.Linear(graph.Norm(residual, attention.InputNorm), attention.QueryKeyValue);

    /// <summary>A whole MLP block.</summary>
    public static string Mlp(GraphBuilder graph, string residual, MlpDescription mlp)
    {
        string gateUp = graph.Linear(graph.Norm(residual, mlp.InputNorm), mlp.GateUp);
        (string gate, string up) = graph.Halves(gateUp, mlp.GateUp.Outputs / 2);
        return graph.Linear(graph.Multiply(graph.Activate(gate, mlp.Activation), up), mlp.Down, residual);
    }

    /// <summary>Final norm and projection to logits.</summary>
    public string Head(GraphBuilder graph, string residual) => graph.Linear(graph.Norm(residual, model.FinalNorm), model.Head);

    /// <summary>Declares what attention reads besides the packed rows.</summary>
    public static AttendInputs DeclareAttendInputs(GraphBuilder graph, AttendDescription attend, string packed, KvNames names)
    {
        DeclareKeysAndValues(graph, attend, names);
        return new AttendInputs(
            packed,
            names.PastKeys,
            names.PastValues,
            graph.IntegerInput(StageNames.LastPosition, 1),
            graph.IntegerInput(StageNames.TotalLength, 1),
            graph.Input(StageNames.Cosines, "positions", attend.HeadSize / 2),
            graph.Input(StageNames.Sines, "positions", attend.HeadSize / 2));
    }

    /// <summary>Declares the buffers of one layer's keys and values.</summary>
    public static void DeclareKeysAndValues(GraphBuilder graph, AttendDescription attend, KvNames names)
    {
        graph.Input(names.PastKeys, 1, attend.KeyValueHeads, "capacity", attend.HeadSize);
        graph.Input(names.PastValues, 1, attend.KeyValueHeads, "capacity", attend.HeadSize);
    }

    private string Residual(GraphBuilder graph) => graph.Input(StageNames.Residual, "rows", model.HiddenSize);
}
