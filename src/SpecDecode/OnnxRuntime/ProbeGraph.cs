using Google.Protobuf;
using SpecDecode.OnnxRuntime.Graphs.Protobuf;

namespace SpecDecode.OnnxRuntime;

/// <summary>The smallest model, for asking whether an environment accepts a session.</summary>
internal static class ProbeGraph
{
    /// <summary>A graph that copies a scalar.</summary>
    public static byte[] Build()
    {
        static ValueInfoProto Scalar(string name) => new()
        {
            Name = name,
            Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = 1, Shape = new TensorShapeProto() } },
        };

        NodeProto copy = new() { OpType = "Identity", Name = "copy" };
        copy.Input.Add("x");
        copy.Output.Add("y");
        GraphProto graph = new() { Name = "probe" };
        graph.Node.Add(copy);
        graph.Input.Add(Scalar("x"));
        graph.Output.Add(Scalar("y"));
        ModelProto model = new() { IrVersion = 10, ProducerName = "SpecDecode", Graph = graph };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = 21 });
        return model.ToByteArray();
    }
}
