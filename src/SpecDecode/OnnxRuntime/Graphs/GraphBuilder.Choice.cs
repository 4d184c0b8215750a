using System.Runtime.InteropServices;
using SpecDecode.Descriptions;

namespace SpecDecode.OnnxRuntime.Graphs;

/// <content>The greedy choice of a token.</content>
internal sealed partial class GraphBuilder
{
    // The largest whole number up to which float32 has all.
    private const int MostPlaces = 1 << 24;

    /// <summary>
    /// The greedy choice in rows of logits: the place of the highest, the lowest on a tie, and its probability by softmax, which is NaN where any logit of the row is not finite. Every node has a
    /// kernel on CUDA that needs no cuDNN, which ArgMax does; and none leaves open which of equal logits it means.
    /// </summary>
    /// <param name="logits">Rows <c>[rows, tokens]</c>, as nodes take them.</param>
    /// <param name="tokens">How many there are in a row.</param>
    /// <returns>float32 <c>[rows, 2]</c>.</returns>
    public string Choose(string logits, int tokens)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(tokens, MostPlaces);
        float[] places = [.. Enumerable.Range(0, tokens)];
        float[] ones = new float[tokens];
        Array.Fill(ones, 1f);
        string x = Cast(logits, _nodeType, ElementType.Float32);
        string isHighest = Node("LessOrEqual", [First(x, largest: 1), x]);
        string token = First(Node("Where", [isHighest, Floats(places, tokens), Floats([tokens])]), largest: 0);

        // 0 in a row of finite numbers, NaN where there is any other.
        string finite = Node("MatMul", [Node("Mul", [x, Floats([0f])]), Floats(ones, tokens, 1)]);
        string probability = First(Node("Softmax", [x], "", Integer("axis", -1)), largest: 1);
        return Node("Concat", [token, Node("Add", [probability, finite])], "", Integer("axis", -1));
    }

    // The largest or smallest of each row, [rows, 1].
    private string First(string x, long largest) =>
        AddNode("TopK", [x, Constant(1)], [NewValue(), NewValue()], "", Integer("axis", -1), Integer("largest", largest)).Output[0];

    private string Floats(ReadOnlySpan<float> numbers, params ReadOnlySpan<long> dimensions) =>
        Inline(OnnxTypes.Of(ElementType.Float32), MemoryMarshal.AsBytes(numbers), dimensions.IsEmpty ? [numbers.Length] : dimensions);
}
