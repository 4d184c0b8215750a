using SpecDecode.OnnxRuntime.ModelFormat;

namespace SpecDecode.OnnxRuntime;

/// <summary>The smallest model, for asking whether an environment accepts a session.</summary>
internal static class ProbeGraph
{
    private const int Float32 = 1;

    /// <summary>A graph that copies a scalar.</summary>
    public static byte[] Build()
    {
        static ValueInfoProto Scalar(string name) => new(name, new TypeProto(new TypeProto.Tensor(Float32, new TensorShapeProto([]))));

        ModelProto model = new()
        {
            IrVersion = 10,
            ProducerName = "SpecDecode",
            Graph = new GraphProto
            {
                Name = "probe",
                Node = { new NodeProto { Input = ["x"], Output = ["y"], Name = "copy", OpType = "Identity" } },
                Input = { Scalar("x") },
                Output = { Scalar("y") },
            },
            OpsetImport = [new OperatorSetIdProto("", 21)],
        };
        return model.ToByteArray();
    }
}
