using SpecDecode.Descriptions;
using SpecDecode.OnnxRuntime.ModelFormat;

namespace SpecDecode.OnnxRuntime;

/// <summary>The smallest models: they hand on what they are given, or some rows of it.</summary>
internal static class ProbeGraph
{
    /// <summary>Name of the input.</summary>
    public const string Input = "x";

    /// <summary>Name of the output.</summary>
    public const string Output = "y";

    /// <summary>A graph that copies a scalar, for asking whether an environment accepts a session.</summary>
    public static byte[] Build() => Build("probe", ElementType.Float32, []);

    /// <summary>A graph that copies rows of any number and width.</summary>
    /// <param name="type">What they are made of.</param>
    public static byte[] Rows(ElementType type) => Build("rows", type, [new TensorShapeProto.Dimension("rows"), new TensorShapeProto.Dimension("width")]);

    /// <summary>Name of the input that says which rows.</summary>
    public const string Numbers = "numbers";

    /// <summary>A graph that picks rows by their numbers, int32 <c>[picked]</c>: <c>[rows, width]</c> → <c>[picked, width]</c>.</summary>
    /// <param name="type">What they are made of.</param>
    public static byte[] PickedRows(ElementType type)
    {
        TensorShapeProto.Dimension width = new("width");
        TensorShapeProto.Dimension picked = new("picked");
        return Build(
            "picked_rows", "Gather", Value(Output, type, [picked, width]),
            [Value(Input, type, [new TensorShapeProto.Dimension("rows"), width]), Value(Numbers, ElementType.Int32, [picked])]);
    }

    private static byte[] Build(string name, ElementType type, IReadOnlyList<TensorShapeProto.Dimension> shape) =>
        Build(name, "Identity", Value(Output, type, shape), [Value(Input, type, shape)]);

    private static ValueInfoProto Value(string value, ElementType type, IReadOnlyList<TensorShapeProto.Dimension> shape) =>
        new(value, new TypeProto(new TypeProto.Tensor(type.OnnxNumber(), new TensorShapeProto(shape))));

    private static byte[] Build(string name, string operation, ValueInfoProto output, ValueInfoProto[] inputs)
    {
        ModelProto model = new()
        {
            IrVersion = 10,
            ProducerName = "SpecDecode",
            Graph = new GraphProto
            {
                Name = name,
                Node = { new NodeProto { Input = [.. inputs.Select(input => input.Name)], Output = [Output], Name = name, OpType = operation } },
                Output = { output },
            },
            OpsetImport = [new OperatorSetIdProto("", 21)],
        };
        model.Graph.Input.AddRange(inputs);
        return model.ToByteArray();
    }
}
