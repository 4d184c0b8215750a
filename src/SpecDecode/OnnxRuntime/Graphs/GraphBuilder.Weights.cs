using System.Globalization;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using SpecDecode.Descriptions;
using SpecDecode.OnnxRuntime.ModelFormat;
using SpecDecode.Weights;

namespace SpecDecode.OnnxRuntime.Graphs;

/// <summary>What reads weights. How a weight is stored decides which operator does; families and stages need not know.</summary>
internal sealed partial class GraphBuilder
{
    // MatMulNBits' accuracy_level: the least precise type that the rows may be rounded to.
    private const int RowsInFloat32 = 1;
    private const int RowsInInt8 = 4;

    /// <summary>
    /// x Wᵀ + bias + residual. The checkpoint's orientation is kept (<c>transB</c>): the CPU kernel packs it at load, and
    /// adds the residual while it multiplies.
    /// </summary>
    /// <param name="x">Rows <c>[rows, inputs]</c>.</param>
    /// <param name="linear">Weight and bias.</param>
    /// <param name="residual">Rows <c>[rows, outputs]</c> that are added, or null.</param>
    public string Linear(string x, LinearDescription linear, string? residual = null)
    {
        if (weights[linear.Weight].Format.IsQuantized)
        {
            string quantized = QuantizedProduct(x, linear);
            return residual is null ? quantized : Node("Add", [quantized, residual]);
        }

        string? added = residual ?? (linear.Bias is null ? null : Weight(linear.Bias));
        string product = Node("Gemm", added is null ? [x, Weight(linear.Weight)] : [x, Weight(linear.Weight), added], "", Integer("transB", 1));
        return residual is not null && linear.Bias is not null ? Node("Add", [product, Weight(linear.Bias)]) : product;
    }

    private string QuantizedProduct(string x, LinearDescription linear)
    {
        PreparedTensor tensor = weights[linear.Weight];
        TensorFormat format = tensor.Format;
        List<string> inputs =
        [
            x,
            Initializer(
                linear.Weight, OnnxTypes.UInt8, tensor.Offset, tensor.Length,
                linear.Outputs, format.Blocks(linear.Inputs), format.BlockSize * format.Bits / 8),
            .. BlockScales(tensor),
        ];
        if (linear.Bias is not null)
        {
            // Zero points, where there are none, and the order of groups are left out.
            inputs.AddRange([.. Enumerable.Repeat("", 5 - inputs.Count), Weight(linear.Bias)]);
        }

        return Node(
            "MatMulNBits", inputs.ToArray(), MicrosoftDomain,
            Integer("K", linear.Inputs), Integer("N", linear.Outputs), Integer("bits", format.Bits), Integer("block_size", format.BlockSize),
            Integer("accuracy_level", weights.Activations == ActivationPrecision.Int8 ? RowsInInt8 : RowsInFloat32));
    }

    // Scales, and zero points where there are any.
    private IEnumerable<string> BlockScales(PreparedTensor tensor)
    {
        (long rows, long columns) = (tensor.Shape[0], tensor.Shape[1]);
        yield return Initializer(
            $"{tensor.Name}.scales", OnnxTypes.Of(ElementType.Float32), tensor.ScalesOffset, tensor.ScalesLength, rows, tensor.Format.Blocks(columns));
        if (tensor.Format.HasZeroPoints)
        {
            yield return Initializer(
                $"{tensor.Name}.zero_points", OnnxTypes.UInt8, tensor.ZeroPointsOffset, tensor.ZeroPointsLength, rows, tensor.Format.ZeroPointBytes(columns));
        }
    }

    private string Weight(string name)
    {
        PreparedTensor tensor = weights[name];
        return tensor.Format.IsQuantized
            ? throw new InvalidOperationException($"The matrix {name} is quantised, and only Linear reads such.")
            : Initializer(name, OnnxTypes.Of(elementType), tensor.Offset, tensor.Length, tensor.Shape.AsSpan());
    }

    // Added here once, as a node would add it in every pass.
    private string WeightPlusOne(string name)
    {
        PreparedTensor tensor = weights[name];
        float[] values = new float[tensor.Length / sizeof(float)];
        weights.Read(tensor.Offset, MemoryMarshal.AsBytes(values.AsSpan()));
        TensorPrimitives.Add(values, 1f, values);
        return Inline(OnnxTypes.Of(ElementType.Float32), MemoryMarshal.AsBytes(values.AsSpan()), values.Length);
    }

    private string Initializer(string name, int type, long offset, long length, params ReadOnlySpan<long> dimensions)
    {
        if (!_initializers.Add(name))
        {
            return name;
        }

        _graph.Initializer.Add(new TensorProto
        {
            Dims = dimensions.ToArray(),
            DataType = type,
            Name = name,
            ExternalData =
            [
                new StringStringEntryProto("location", Path.GetFileName(weights.Path)),
                new StringStringEntryProto("offset", offset.ToString(CultureInfo.InvariantCulture)),
                new StringStringEntryProto("length", length.ToString(CultureInfo.InvariantCulture)),
            ],
            DataLocation = DataLocation.External,
        });
        return name;
    }
}
