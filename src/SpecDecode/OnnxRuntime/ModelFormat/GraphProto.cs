namespace SpecDecode.OnnxRuntime.ModelFormat;

/// <summary>A graph of operators.</summary>
internal sealed class GraphProto : IProtobufMessage
{
    /// <summary>The graph's name.</summary>
    public required string Name { get; init; }

    /// <summary>The operators, each behind those whose results it reads.</summary>
    public List<NodeProto> Node { get; } = [];

    /// <summary>Values that are constant.</summary>
    public List<TensorProto> Initializer { get; } = [];

    /// <summary>Values that come in.</summary>
    public List<ValueInfoProto> Input { get; } = [];

    /// <summary>Values that go out.</summary>
    public List<ValueInfoProto> Output { get; } = [];

    /// <inheritdoc/>
    public void WriteTo(ref ProtobufWriter writer)
    {
        writer.Messages(1, Node);
        writer.Text(2, Name);
        writer.Messages(5, Initializer);
        writer.Messages(11, Input);
        writer.Messages(12, Output);
    }
}
