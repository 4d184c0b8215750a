namespace SpecDecode.OnnxRuntime.ModelFormat;

/// <summary>
/// An ONNX model. This and the other messages are the part of the format that the stages' graphs use; names and field numbers
/// are those of the ONNX specification (https://github.com/onnx/onnx, IR version 10).
/// </summary>
internal sealed class ModelProto : IProtobufMessage
{
    /// <summary>The version of the format.</summary>
    public required long IrVersion { get; init; }

    /// <summary>Who made the model.</summary>
    public required string ProducerName { get; init; }

    /// <summary>What it computes.</summary>
    public required GraphProto Graph { get; init; }

    /// <summary>The operators that the graph may use.</summary>
    public required IReadOnlyList<OperatorSetIdProto> OpsetImport { get; init; }

    /// <summary>The model as the bytes of a file.</summary>
    public byte[] ToByteArray() => ProtobufWriter.Write(this);

    /// <inheritdoc/>
    public void WriteTo(ref ProtobufWriter writer)
    {
        writer.Integer(1, IrVersion);
        writer.Text(2, ProducerName);
        writer.Message(7, Graph);
        writer.Messages(8, OpsetImport);
    }
}

/// <summary>A set of operators.</summary>
/// <param name="Domain">Whose they are; empty for ONNX itself.</param>
/// <param name="Version">The set's version.</param>
internal sealed record OperatorSetIdProto(string Domain, long Version) : IProtobufMessage
{
    /// <inheritdoc/>
    public void WriteTo(ref ProtobufWriter writer)
    {
        writer.Text(1, Domain);
        writer.Integer(2, Version);
    }
}
