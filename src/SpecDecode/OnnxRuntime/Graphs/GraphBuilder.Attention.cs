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

    private string RmsNorm(string x, string weight, float epsilon) =>
        Node("SimplifiedLayerNormalization", [x, weight], "", Integer("axis", -1), Float("epsilon", epsilon));
}
