using System.Globalization;
using System.Runtime.InteropServices;
using SpecDecode.Descriptions;
using SpecDecode.OnnxRuntime.ModelFormat;
using SpecDecode.OnnxRuntime.Operators;
using SpecDecode.Weights;

namespace SpecDecode.OnnxRuntime.Graphs;

/// <summary>
/// Writes an ONNX graph node by node. Values are named by the builder; methods take names of values and return the name
/// of their result. Weights become initializers whose data lie in the prepared-weights file.
/// </summary>
/// <param name="weights">Where the weights lie.</param>
/// <param name="products">Takes the products of weights that lie in panels.</param>
/// <param name="elementType">What inputs and outputs are, unless a method says otherwise.</param>
/// <param name="computesInType">Whether nodes compute in that type, for providers that have kernels for it; else they compute in float32.</param>
internal sealed partial class GraphBuilder(PreparedWeights weights, ProductSet products, ElementType elementType, bool computesInType = false)
{
    private const int IrVersion = 10;
    private const int OnnxOpset = 21;
    private const string MicrosoftDomain = "com.microsoft";

    private readonly GraphProto _graph = new() { Name = "stage" };
    private readonly HashSet<string> _initializers = [];
    private readonly Dictionary<string, string> _constants = [];
    private readonly ElementType _nodeType = computesInType ? elementType : ElementType.Float32;
    private int _values;
    private bool _usesOperators;

    /// <summary>Declares a graph input. It becomes what nodes compute in at once.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="dimensions">A number, or a name for a size that changes from run to run.</param>
    /// <returns>The input as nodes take it.</returns>
    public string Input(string name, params ReadOnlySpan<object> dimensions) => Cast(Input(name, OnnxTypes.Of(elementType), dimensions), elementType, _nodeType);

    /// <summary>Declares a graph input of float32, whatever the stages' type is.</summary>
    public string FloatInput(string name, params ReadOnlySpan<object> dimensions) => Input(name, OnnxTypes.Of(ElementType.Float32), dimensions);

    /// <summary>Declares a graph input of int32.</summary>
    public string IntegerInput(string name, params ReadOnlySpan<object> dimensions) => Input(name, OnnxTypes.Of(ElementType.Int32), dimensions);

    /// <summary>Names a value as an output of the graph; it is rounded to the stages' type.</summary>
    public void Output(string value, string name, params ReadOnlySpan<object> dimensions) =>
        Output(Cast(value, _nodeType, elementType), elementType, name, dimensions);

    /// <summary>Names a value of float32 as an output of the graph, whatever the stages' type is.</summary>
    public void FloatOutput(string value, string name, params ReadOnlySpan<object> dimensions) => Output(value, ElementType.Float32, name, dimensions);

    /// <summary>The two halves of the last dimension.</summary>
    public (string First, string Second) Halves(string x, int halfWidth)
    {
        NodeProto node = AddNode("Split", [x, Constant(halfWidth, halfWidth)], [NewValue(), NewValue()], "", Integer("axis", -1));
        return (node.Output[0], node.Output[1]);
    }

    /// <summary>Rows <c>[rows, width]</c> as a batch of one, <c>[1, rows, width]</c>.</summary>
    public string Batch(string x, int width) => Node("Reshape", [x, Constant(1, -1, width)]);

    /// <summary>A batch of one, <c>[1, rows, width]</c>, as rows <c>[rows, width]</c>.</summary>
    public string Rows(string x, int width) => Node("Reshape", [x, Constant(-1, width)]);

    /// <summary>The first rows.</summary>
    /// <param name="x">Rows <c>[rows, width]</c>, at least as many.</param>
    /// <param name="count">How many, int32 <c>[1]</c>.</param>
    public string FirstRows(string x, string count) => Node("Slice", [x, IntegerConstant(0), count, IntegerConstant(0)]);

    /// <summary>Rows <c>[rows, width]</c>, and the last of them once more.</summary>
    public string WithLastTwice(string x) =>
        Node("Concat", [x, Node("Slice", [x, IntegerConstant(-1), IntegerConstant(int.MaxValue), IntegerConstant(0)])], "", Integer("axis", 0));

    /// <summary>An activation.</summary>
    public string Activate(string x, Activation activation) => activation switch
    {
        Activation.Silu => Node("QuickGelu", [x], MicrosoftDomain, Float("alpha", 1f)),
        Activation.Gelu => Node("Gelu", [x]),
        Activation.GeluTanh => Node("Gelu", [x], "", Text("approximate", "tanh")),
        Activation.Relu => Node("Relu", [x]),
        _ => throw new ArgumentOutOfRangeException(nameof(activation), activation, "An activation that no graph is written for."),
    };

    /// <summary>The elementwise product.</summary>
    public string Multiply(string a, string b) => Node("Mul", [a, b]);

    /// <summary>The elementwise sum.</summary>
    public string Add(string a, string b) => Node("Add", [a, b]);

    /// <summary>A vector of numbers that the graph carries itself.</summary>
    public string Numbers(ReadOnlySpan<float> numbers) => Inline(OnnxTypes.Of(elementType), MemoryMarshal.AsBytes(numbers), numbers.Length);

    /// <summary>c · tanh(x / c), which bounds every element by c; null adds no node.</summary>
    public string SoftCap(string x, float? bound) =>
        bound is { } c ? Multiply(Node("Tanh", [Node("Div", [x, Number(c)])]), Number(c)) : x;

    /// <summary>A value as it would come out of one stage and into the next: rounded to the stages' type.</summary>
    public string HandedOn(string x) => Cast(Cast(x, _nodeType, elementType), elementType, _nodeType);

    /// <summary>
    /// Rows as they would come out of one stage and into the next. Nodes that compute in 16 bits have them so; but where a provider has no kernels for that, ONNX Runtime computes neighbours in float32 and rounds
    /// nothing in between. All have a reshape, which nobody computes, and in front of which rows are rounded.
    /// </summary>
    public string HandedOn(string x, int width) => _nodeType != ElementType.Float32 ? Rows(x, width) : HandedOn(x);

    /// <summary>A constant int32, <c>[1]</c>.</summary>
    public string IntegerConstant(int number) => Inline(OnnxTypes.Of(ElementType.Int32), BitConverter.GetBytes(number), 1);

    /// <summary>Whether all nodes so far are operators of this library.</summary>
    public bool IsOwn => _graph.Node.TrueForAll(node => node.Domain == OperatorDomain.Name);

    /// <summary>The finished model as ONNX bytes.</summary>
    public byte[] Build()
    {
        List<OperatorSetIdProto> domains = [new OperatorSetIdProto("", OnnxOpset), new OperatorSetIdProto(MicrosoftDomain, 1)];
        if (_usesOperators)
        {
            domains.Add(new OperatorSetIdProto(OperatorDomain.Name, 1));
        }

        ModelProto model = new()
        {
            IrVersion = IrVersion,
            ProducerName = "SpecDecode",
            Graph = _graph,
            OpsetImport = [.. domains],
        };
        return model.ToByteArray();
    }

    private static ValueInfoProto Declare(string name, int type, ReadOnlySpan<object> dimensions)
    {
        List<TensorShapeProto.Dimension> shape = [];
        foreach (object dimension in dimensions)
        {
            shape.Add(dimension is string symbol
                ? new TensorShapeProto.Dimension(symbol)
                : new TensorShapeProto.Dimension(Convert.ToInt64(dimension, CultureInfo.InvariantCulture)));
        }

        return new ValueInfoProto(name, new TypeProto(new TypeProto.Tensor(type, new TensorShapeProto(shape))));
    }

    private static AttributeProto Integer(string name, long value) => new() { Name = name, I = value, Type = AttributeType.Int };

    private static AttributeProto Float(string name, float value) => new() { Name = name, F = value, Type = AttributeType.Float };

    private static AttributeProto Text(string name, string value) => new() { Name = name, S = value, Type = AttributeType.String };

    private void Output(string value, ElementType type, string name, ReadOnlySpan<object> dimensions)
    {
        foreach (NodeProto node in _graph.Node)
        {
            node.Input.AsSpan().Replace(value, name);
            node.Output.AsSpan().Replace(value, name);
        }

        _graph.Output.Add(Declare(name, OnnxTypes.Of(type), dimensions));
    }

    private string Input(string name, int type, ReadOnlySpan<object> dimensions)
    {
        _graph.Input.Add(Declare(name, type, dimensions));
        return name;
    }

    // No node where the two are one.
    private string Cast(string x, ElementType from, ElementType to) => from == to ? x : Node("Cast", [x], "", Integer("to", OnnxTypes.Of(to)));

    // A constant of the file or of the graph, which is float32, as nodes take it. Once for each graph.
    private string Constant(string name)
    {
        if (_nodeType == ElementType.Float32)
        {
            return name;
        }

        if (!_constants.TryGetValue(name, out string? constant))
        {
            constant = Cast(name, ElementType.Float32, _nodeType);
            _constants.Add(name, constant);
        }

        return constant;
    }

    private string NewValue() => string.Create(CultureInfo.InvariantCulture, $"v{_values++}");

    private string Node(string type, ReadOnlySpan<string> inputs, string domain = "", params ReadOnlySpan<AttributeProto> attributes) =>
        AddNode(type, inputs, [NewValue()], domain, attributes).Output[0];

    /// <summary>Adds a node with names for its outputs that are new.</summary>
    /// <param name="type">The operator.</param>
    /// <param name="inputs">Names of values; empty for those that are left out.</param>
    /// <param name="outputs">How many.</param>
    /// <param name="domain">The operator's domain.</param>
    /// <param name="attributes">Its attributes.</param>
    public string[] Add(string type, ReadOnlySpan<string> inputs, int outputs, string domain, params ReadOnlySpan<AttributeProto> attributes) =>
        AddNode(type, inputs, Enumerable.Range(0, outputs).Select(_ => NewValue()).ToArray(), domain, attributes).Output;

    private NodeProto AddNode(
        string type, ReadOnlySpan<string> inputs, ReadOnlySpan<string> outputs, string domain, params ReadOnlySpan<AttributeProto> attributes)
    {
        NodeProto node = new()
        {
            Input = inputs.ToArray(),
            Output = outputs.ToArray(),
            Name = string.Create(CultureInfo.InvariantCulture, $"{type}_{_graph.Node.Count}"),
            OpType = type,
            Attribute = attributes.ToArray(),
            Domain = domain,
        };
        _graph.Node.Add(node);
        return node;
    }

    private string Constant(params ReadOnlySpan<long> numbers) => Inline(OnnxTypes.Int64, MemoryMarshal.AsBytes(numbers), numbers.Length);

    private string Number(float number) => Constant(Inline(OnnxTypes.Of(ElementType.Float32), BitConverter.GetBytes(number)));

    // A constant that the graph carries itself; without dimensions a scalar.
    private string Inline(int type, ReadOnlySpan<byte> content, params ReadOnlySpan<long> dimensions)
    {
        TensorProto constant = new() { Dims = dimensions.ToArray(), DataType = type, Name = NewValue(), RawData = content.ToArray() };
        _graph.Initializer.Add(constant);
        return constant.Name;
    }

    /// <summary>Numbers of element types in ONNX's TensorProto.DataType.</summary>
    private static class OnnxTypes
    {
        public const int UInt8 = 2;
        public const int Int64 = 7;

        public static int Of(ElementType type) => type.OnnxNumber();
    }
}
