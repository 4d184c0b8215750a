using System.Globalization;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using SpecDecode.Descriptions;
using SpecDecode.Kernels;
using SpecDecode.OnnxRuntime.ModelFormat;
using SpecDecode.OnnxRuntime.Operators;
using SpecDecode.Weights;

namespace SpecDecode.OnnxRuntime.Graphs;

/// <summary>What reads weights. How a weight is stored decides which operator does; families and stages need not know.</summary>
internal sealed partial class GraphBuilder
{
    // MatMulNBits' accuracy_level: the least precise type that the rows may be rounded to. Rows of 16 bits are multiplied as they are:
    // with 4, the CPU provider of 1.31.1 gives float16 rows numbers that have nothing to do with the product.
    private const int RowsInFloat32 = 1;
    private const int RowsInInt8 = 4;

    /// <summary>
    /// activation(norm(x) Wᵀ + bias) + residual. Where the weight lies in panels that is one node of this library's, else as many as ONNX Runtime's
    /// operators take; those read the checkpoint's orientation (<c>transB</c>).
    /// </summary>
    /// <param name="x">Rows <c>[rows, inputs]</c>.</param>
    /// <param name="linear">Weight and bias.</param>
    /// <param name="norm">Norm of the rows; null for none.</param>
    /// <param name="residual">Rows as wide as the result that are added, or null.</param>
    /// <param name="activation">The non-linearity, or null.</param>
    /// <param name="isGated">Whether the result is activation(first half) · second half.</param>
    public string Linear(
        string x, LinearDescription linear, NormDescription? norm = null, string? residual = null, Activation? activation = null, bool isGated = false)
    {
        bool isOwn = weights[linear.Weight].Format.Layout == TensorLayout.Panels;
        if (isOwn && (activation is not { } function || ProductSet.CanActivate(linear, function, isGated)))
        {
            return Product(x, linear, norm, residual, activation, isGated);
        }

        string? added = activation is null ? residual : null;
        string product = isOwn ? Product(x, linear, norm, added, null, isGated: false) : Multiplied(Norm(x, norm), linear, added);
        if (activation is null)
        {
            return product;
        }

        if (isGated)
        {
            (string gate, string up) = Halves(product, linear.Outputs / 2);
            product = Multiply(Activate(gate, activation.Value), up);
        }
        else
        {
            product = Activate(product, activation.Value);
        }

        return residual is null ? product : Add(product, residual);
    }

    private string Product(string x, LinearDescription linear, NormDescription? norm, string? residual, Activation? activation, bool isGated) =>
        Product(products.Add(linear, norm, activation, isGated), residual is null ? [x] : [x, residual]);

    /// <summary>A product of this library.</summary>
    /// <param name="number">Its number in the <see cref="KernelTable{TKernel}"/>.</param>
    /// <param name="inputs">Rows <c>[rows, inputs]</c>, and what is added to the result, if anything.</param>
    public string Product(long number, params ReadOnlySpan<string> inputs)
    {
        _usesOperators = true;
        return Node(ProductOperator.OperatorName, inputs, OperatorDomain.Name, Integer(OperatorDomain.NumberAttribute, number));
    }

    private string Multiplied(string x, LinearDescription linear, string? residual)
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
            Integer("accuracy_level", weights.Activations == ActivationPrecision.Int8 && _nodeType == ElementType.Float32 ? RowsInInt8 : RowsInFloat32));
    }

    // Scales, and zero points where there are any.
    private IEnumerable<string> BlockScales(PreparedTensor tensor)
    {
        (long rows, long columns) = (tensor.Shape[0], tensor.Shape[1]);
        yield return _nodeType == ElementType.Float32
            ? Initializer($"{tensor.Name}.scales", OnnxTypes.Of(ElementType.Float32), tensor.ScalesOffset, tensor.ScalesLength, rows, tensor.Format.Blocks(columns))
            : NarrowScales(tensor, rows, tensor.Format.Blocks(columns));
        if (tensor.Format.HasZeroPoints)
        {
            yield return Initializer(
                $"{tensor.Name}.zero_points", OnnxTypes.UInt8, tensor.ZeroPointsOffset, tensor.ZeroPointsLength, rows, tensor.Format.ZeroPointBytes(columns));
        }
    }

    // Carried by the graph: MatMulNBits takes scales in the type of the rows, and lays them out when a session is made, before anything is converted.
    private string NarrowScales(PreparedTensor tensor, long rows, long blocks)
    {
        float[] scales = new float[tensor.ScalesLength / sizeof(float)];
        weights.Read(tensor.ScalesOffset, MemoryMarshal.AsBytes(scales.AsSpan()));
        ushort[] narrow = new ushort[scales.Length];
        PanelPacker.Narrow(_nodeType == ElementType.BFloat16 ? Precision.Bf16 : Precision.Fp16, scales, narrow);
        return Inline(OnnxTypes.Of(_nodeType), MemoryMarshal.AsBytes(narrow.AsSpan()), rows, blocks);
    }

    private string Weight(string name)
    {
        PreparedTensor tensor = weights[name];
        return tensor.Format.IsQuantized
            ? throw new InvalidOperationException($"The matrix {name} is quantised, and only Linear reads such.")
            : Constant(Initializer(name, OnnxTypes.Of(ElementType.Float32), tensor.Offset, tensor.Length, tensor.Shape.AsSpan()));
    }

    // Added here once, as a node would add it in every pass.
    private string WeightPlusOne(string name)
    {
        PreparedTensor tensor = weights[name];
        float[] values = new float[tensor.Length / sizeof(float)];
        weights.Read(tensor.Offset, MemoryMarshal.AsBytes(values.AsSpan()));
        TensorPrimitives.Add(values, 1f, values);
        return Constant(Inline(OnnxTypes.Of(ElementType.Float32), MemoryMarshal.AsBytes(values.AsSpan()), values.Length));
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
