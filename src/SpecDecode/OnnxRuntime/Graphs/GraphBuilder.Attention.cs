using SpecDecode.Descriptions;
using SpecDecode.OnnxRuntime.ModelFormat;

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

    /// <summary>
    /// Attention of one sequence's new rows over its cache (com.microsoft GroupQueryAttention), rotary embedding inside.
    /// Keys and values come out under the names of the two last outputs; bound to the buffers that came in, they are
    /// appended in place.
    /// </summary>
    public (string Attended, string Keys, string Values) Attend(AttendDescription attend, AttendInputs inputs)
    {
        bool rotates = attend.Rotary is not null;
        List<string> values =
            [inputs.QueryKeyValue, "", "", inputs.PastKeys, inputs.PastValues, inputs.LastPosition, inputs.TotalLength];
        List<AttributeProto> attributes =
        [
            Integer("num_heads", attend.QueryHeads), Integer("kv_num_heads", attend.KeyValueHeads),
            Float("scale", attend.Scale), Integer("do_rotary", rotates ? 1 : 0),
        ];
        if (rotates)
        {
            values.AddRange([inputs.Cosines, inputs.Sines]);
        }

        if (attend.Window is { } window)
        {
            attributes.Add(Integer("local_window_size", window));
        }

        if (attend.SoftCap is { } bound)
        {
            attributes.Add(Float("softcap", bound));
        }

        NodeProto node = AddNode(
            "GroupQueryAttention", values.ToArray(), [NewValue(), NewValue(), NewValue()], MicrosoftDomain, attributes.ToArray());
        return (node.Output[0], node.Output[1], node.Output[2]);
    }

    private string RmsNorm(string x, string weight, float epsilon) =>
        Node("SimplifiedLayerNormalization", [x, weight], "", Integer("axis", -1), Float("epsilon", epsilon));
}

/// <summary>Names of the values that attention reads.</summary>
/// <param name="QueryKeyValue">Packed rows of one sequence, <c>[1, rows, (Hq + 2 Hkv) · D]</c>.</param>
/// <param name="PastKeys">Key buffer <c>[1, Hkv, capacity, D]</c>.</param>
/// <param name="PastValues">Value buffer, likewise.</param>
/// <param name="LastPosition">int32 <c>[1]</c>: length of the sequence with these rows, minus 1.</param>
/// <param name="TotalLength">int32 <c>[1]</c>: length of the sequence with these rows.</param>
/// <param name="Cosines">Rotary table <c>[positions, D/2]</c>; empty where there is no rotary embedding.</param>
/// <param name="Sines">Rotary table, likewise.</param>
internal sealed record AttendInputs(
    string QueryKeyValue, string PastKeys, string PastValues, string LastPosition, string TotalLength, string Cosines, string Sines);
