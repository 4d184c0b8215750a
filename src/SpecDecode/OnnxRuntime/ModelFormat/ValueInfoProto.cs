namespace SpecDecode.OnnxRuntime.ModelFormat;

/// <summary>A value that comes into a graph or goes out.</summary>
/// <param name="Name">The value's name.</param>
/// <param name="Type">What it is.</param>
internal sealed record ValueInfoProto(string Name, TypeProto Type) : IProtobufMessage
{
    /// <inheritdoc/>
    public void WriteTo(ref ProtobufWriter writer)
    {
        writer.Text(1, Name);
        writer.Message(2, Type);
    }
}

/// <summary>The type of a value.</summary>
/// <param name="TensorType">The tensor that it is.</param>
internal sealed record TypeProto(TypeProto.Tensor TensorType) : IProtobufMessage
{
    /// <inheritdoc/>
    public void WriteTo(ref ProtobufWriter writer) => writer.Message(1, TensorType);

    /// <summary>A tensor.</summary>
    /// <param name="ElemType">The elements' type, as ONNX numbers it.</param>
    /// <param name="Shape">Its dimensions.</param>
    internal sealed record Tensor(int ElemType, TensorShapeProto Shape) : IProtobufMessage
    {
        /// <inheritdoc/>
        public void WriteTo(ref ProtobufWriter writer)
        {
            writer.Integer(1, ElemType);
            writer.Message(2, Shape);
        }
    }
}

/// <summary>The shape of a tensor.</summary>
/// <param name="Dim">Its dimensions; a scalar has none.</param>
internal sealed record TensorShapeProto(IReadOnlyList<TensorShapeProto.Dimension> Dim) : IProtobufMessage
{
    /// <inheritdoc/>
    public void WriteTo(ref ProtobufWriter writer) => writer.Messages(1, Dim);

    /// <summary>A dimension: a number, or the name of one that changes from run to run.</summary>
    internal sealed class Dimension : IProtobufMessage
    {
        private readonly long? _value;
        private readonly string? _param;

        /// <summary>A number.</summary>
        public Dimension(long value) => _value = value;

        /// <summary>A name.</summary>
        public Dimension(string param) => _param = param;

        /// <inheritdoc/>
        public void WriteTo(ref ProtobufWriter writer)
        {
            writer.Choice(1, _value);
            writer.Choice(2, _param);
        }
    }
}
