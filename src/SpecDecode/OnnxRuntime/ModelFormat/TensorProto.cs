namespace SpecDecode.OnnxRuntime.ModelFormat;

/// <summary>Where the content of a tensor is.</summary>
internal enum DataLocation
{
    /// <summary>In <see cref="TensorProto.RawData"/>.</summary>
    Default = 0,

    /// <summary>Where <see cref="TensorProto.ExternalData"/> says.</summary>
    External = 1,
}

/// <summary>A constant tensor, whose content is in the model or in a file beside it.</summary>
internal sealed class TensorProto : IProtobufMessage
{
    /// <summary>The shape; none is a scalar's.</summary>
    public required IReadOnlyList<long> Dims { get; init; }

    /// <summary>The elements' type, as ONNX numbers it.</summary>
    public required int DataType { get; init; }

    /// <summary>The value's name.</summary>
    public required string Name { get; init; }

    /// <summary>The elements, little endian.</summary>
    public ReadOnlyMemory<byte> RawData { get; init; }

    /// <summary>File, offset and length of the elements.</summary>
    public IReadOnlyList<StringStringEntryProto> ExternalData { get; init; } = [];

    /// <summary>Where the content is.</summary>
    public DataLocation DataLocation { get; init; }

    /// <inheritdoc/>
    public void WriteTo(ref ProtobufWriter writer)
    {
        writer.Integers(1, Dims);
        writer.Integer(2, DataType);
        writer.Text(8, Name);
        writer.Bytes(9, RawData.Span);
        writer.Messages(13, ExternalData);
        writer.Integer(14, (long)DataLocation);
    }
}

/// <summary>A key and its value.</summary>
/// <param name="Key">The key.</param>
/// <param name="Value">The value.</param>
internal sealed record StringStringEntryProto(string Key, string Value) : IProtobufMessage
{
    /// <inheritdoc/>
    public void WriteTo(ref ProtobufWriter writer)
    {
        writer.Text(1, Key);
        writer.Text(2, Value);
    }
}
