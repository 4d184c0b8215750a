using SpecDecode.Descriptions;
using SpecDecode.OnnxRuntime.ModelFormat;
using SpecDecode.OnnxRuntime.Operators;

namespace SpecDecode.OnnxRuntime.Graphs;

/// <content>Norms, and attention with what belongs to it.</content>
internal sealed partial class GraphBuilder
{
    /// <summary>A normalisation over the last dimension; null adds no node.</summary>
    public string Norm(string x, NormDescription? norm) => norm?.Kind switch
    {
        null => x,
        NormKind.Rms => RmsNorm(x, Weight(norm.Weight), norm.Epsilon),
        NormKind.RmsAroundOne => RmsNorm(x, WeightPlusOne(norm.Weight), norm.Epsilon),
        NormKind.Layer => Node(
            "LayerNormalization", [x, Weight(norm.Weight), Weight(norm.Bias!)], "", Integer("axis", -1), Float("epsilon", norm.Epsilon)),
        _ => throw new ArgumentOutOfRangeException(nameof(norm), norm.Kind, "A norm that no graph is written for."),
    };

    /// <summary>Norms of the queries and keys among packed rows; null adds no node.</summary>
    public string NormQueriesAndKeys(string packed, AttendDescription attend, QueryKeyNormDescription? norm)
    {
        if (norm is null)
        {
            return packed;
        }

        int queryWidth = attend.QueryHeads * attend.HeadSize;
        int keyWidth = attend.KeyValueHeads * attend.HeadSize;
        NodeProto split = AddNode(
            "Split", [packed, Constant(queryWidth, keyWidth, keyWidth)], [NewValue(), NewValue(), NewValue()], "", Integer("axis", -1));
        string NormPart(string x, NormDescription part, int width) =>
            norm.PerHead && width > attend.HeadSize ? Rows(Norm(Rows(x, attend.HeadSize), part), width) : Norm(x, part);
        return Node(
            "Concat", [NormPart(split.Output[0], norm.Query, queryWidth), NormPart(split.Output[1], norm.Key, keyWidth), split.Output[2]],
            "", Integer("axis", -1));
    }

    /// <summary>Attention of the rows of a pass over their pages (<see cref="AttentionOperator"/>).</summary>
    /// <param name="number">The kernel's number in the <see cref="KernelTable{TKernel}"/>.</param>
    /// <param name="inputs">The operator's inputs.</param>
    public string Attend(long number, params ReadOnlySpan<string> inputs)
    {
        _usesOperators = true;
        return Node(AttentionOperator.OperatorName, inputs, OperatorDomain.Name, Integer(OperatorDomain.NumberAttribute, number));
    }

    /// <summary>
    /// Attention of the rows of one sequence over its keys and values, which lie in one stretch of memory, by ONNX Runtime's own kernel: it turns queries and keys, writes the
    /// rows' keys and values behind those that are there, and attends.
    /// </summary>
    /// <param name="attend">Heads, scale, window and soft-cap.</param>
    /// <param name="inputs">Packed rows <c>[1, rows, (Hq + 2 Hkv) · D]</c>, keys and values <c>[1, Hkv, positions, D]</c>, the length with these rows less one <c>[1]</c>, and that
    /// length <c>[1]</c>; cosines and sines <c>[positions, D/2]</c> where the layer has a rotary embedding.</param>
    /// <returns>Attended rows <c>[1, rows, Hq · D]</c>, and keys and values as they are then.</returns>
    public (string Attended, string Keys, string Values) GroupQueryAttention(AttendDescription attend, params ReadOnlySpan<string> inputs)
    {
        // Keys and values of the rows are in the packed ones; a window of −1 is none, a soft-cap of 0 neither.
        string[] output = Add(
            "GroupQueryAttention", [inputs[0], "", "", .. inputs[1..]], 3, MicrosoftDomain, Integer("num_heads", attend.QueryHeads), Integer("kv_num_heads", attend.KeyValueHeads),
            Float("scale", attend.Scale), Integer("do_rotary", attend.Rotary is null ? 0 : 1), Integer("local_window_size", attend.Window ?? -1),
            Float("softcap", attend.SoftCap ?? 0));
        return (output[0], output[1], output[2]);
    }

    private string RmsNorm(string x, string weight, float epsilon) =>
        Node("SimplifiedLayerNormalization", [x, weight], "", Integer("axis", -1), Float("epsilon", epsilon));
}
