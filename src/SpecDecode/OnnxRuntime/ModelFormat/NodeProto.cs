namespace SpecDecode.OnnxRuntime.ModelFormat;

/// <summary>An operator in a graph.</summary>
internal sealed class NodeProto : IProtobufMessage
{
    /// <summary>Names of the values that it reads; an empty one leaves a value out.</summary>
    public required string[] Input { get; init; }

    /// <summary>Names of the values that it makes.</summary>
    public required string[] Output { get; init; }

    /// <summary>The node's own name.</summary>
    public required string Name { get; init; }

    /// <summary>Which operator it is.</summary>
    public required string OpType { get; init; }

    /// <summary>What the operator is told besides.</summary>
    public IReadOnlyList<AttributeProto> Attribute { get; init; } = [];

    /// <summary>Whose operator it is; empty for ONNX itself.</summary>
    public string Domain { get; init; } = "";

    /// <inheritdoc/>
    public void WriteTo(ref ProtobufWriter writer)
    {
        writer.Texts(1, Input);
        writer.Texts(2, Output);
        writer.Text(3, Name);
        writer.Text(4, OpType);
        writer.Messages(5, Attribute);
        writer.Text(7, Domain);
    }
}

/// <summary>Which value of an attribute counts.</summary>
internal enum AttributeType
{
    /// <summary><see cref="AttributeProto.F"/>.</summary>
    Float = 1,

    /// <summary><see cref="AttributeProto.I"/>.</summary>
    Int = 2,

    /// <summary><see cref="AttributeProto.S"/>.</summary>
    String = 3,
}

/// <summary>An attribute of a node: one value, which its type names.</summary>
internal sealed class AttributeProto : IProtobufMessage
{
    /// <summary>The attribute's name.</summary>
    public required string Name { get; init; }

    /// <summary>A float.</summary>
    public float F { get; init; }

    /// <summary>A whole number.</summary>
    public long I { get; init; }

    /// <summary>A text.</summary>
    public string S { get; init; } = "";

    /// <summary>Which value counts.</summary>
    public required AttributeType Type { get; init; }

    /// <inheritdoc/>
    public void WriteTo(ref ProtobufWriter writer)
    {
        writer.Text(1, Name);
        writer.Float(2, F);
        writer.Integer(3, I);
        writer.Text(4, S);
        writer.Integer(20, (long)Type);
    }
}
