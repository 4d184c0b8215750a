using SpecDecode.Descriptions;
using SpecDecode.OnnxRuntime.ModelFormat;

namespace SpecDecode.OnnxRuntime;

/// <summary>The smallest models: they hand on what they are given.</summary>
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

    private static byte[] Build(string name, ElementType type, IReadOnlyList<TensorShapeProto.Dimension> shape)
    {
        ValueInfoProto Value(string value) => new(value, new TypeProto(new TypeProto.Tensor(type.OnnxNumber(), new TensorShapeProto(shape))));

        ModelProto model = new()
        {
            IrVersion = 10,
            ProducerName = "SpecDecode",
            Graph = new GraphProto
            {
                Name = name,
                Node = { new NodeProto { Input = [Input], Output = [Output], Name = "copy", OpType = "Identity" } },
                Input = { Value(Input) },
                Output = { Value(Output) },
            },
            OpsetImport = [new OperatorSetIdProto("", 21)],
        };
        return model.ToByteArray();
    }
}
