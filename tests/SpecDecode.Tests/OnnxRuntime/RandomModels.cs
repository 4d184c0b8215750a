using Google.Protobuf;
using SpecDecode.OnnxRuntime.ModelFormat;

namespace SpecDecode.Tests.OnnxRuntime;

/// <summary>ONNX models with anything in their fields, as the library's messages and as those that Google's library generates.</summary>
internal sealed class RandomModels(int seed)
{
    private static readonly string[] Texts = ["", "x", "v1", "com.microsoft", "é\U0001F680", "\0", "half a pair \uD83D", new('n', 127), new('n', 128), new('n', 20_000)];
    private static readonly long[] Numbers = [0, 1, -1, 127, 128, 16_383, 16_384, int.MaxValue, int.MinValue, long.MaxValue, long.MinValue];
    private static readonly float[] Floats = [0f, -0f, 1f, 1e-5f, float.NaN, float.NegativeInfinity, float.Epsilon];

    private readonly Random _random = new(seed);

    /// <summary>A model of a few nodes, constants and values.</summary>
    public (ModelProto Ours, Generated.ModelProto Generated) Next()
    {
        (OperatorSetIdProto, Generated.OperatorSetIdProto)[] sets = Some(OperatorSet);
        GraphProto graph = new() { Name = Text() };
        Generated.ModelProto expected = new() { IrVersion = Number(), ProducerName = Text(), Graph = new Generated.GraphProto { Name = graph.Name } };
        expected.OpsetImport.Add(sets.Select(set => set.Item2));
        Add(Some(Node), graph.Node, expected.Graph.Node);
        Add(Some(Tensor), graph.Initializer, expected.Graph.Initializer);
        Add(Some(ValueInfo), graph.Input, expected.Graph.Input);
        Add(Some(ValueInfo), graph.Output, expected.Graph.Output);
        ModelProto model = new()
        {
            IrVersion = expected.IrVersion, ProducerName = expected.ProducerName, Graph = graph, OpsetImport = [.. sets.Select(set => set.Item1)],
        };
        return (model, expected);
    }

    /// <summary>A model with a constant of some content.</summary>
    public ModelProto WithContent(byte[] content)
    {
        (ModelProto model, _) = Next();
        model.Graph.Initializer.Add(new TensorProto { Dims = [content.Length], DataType = 2, Name = "content", RawData = content });
        return model;
    }

    private (NodeProto, Generated.NodeProto) Node()
    {
        (AttributeProto, Generated.AttributeProto)[] attributes = Some(Attribute);
        NodeProto node = new()
        {
            Input = Some(Text), Output = Some(Text), Name = Text(), OpType = Text(), Attribute = [.. attributes.Select(attribute => attribute.Item1)], Domain = Text(),
        };
        Generated.NodeProto expected = new() { Name = node.Name, OpType = node.OpType, Domain = node.Domain };
        expected.Input.Add(node.Input);
        expected.Output.Add(node.Output);
        expected.Attribute.Add(attributes.Select(attribute => attribute.Item2));
        return (node, expected);
    }

    private (AttributeProto, Generated.AttributeProto) Attribute()
    {
        AttributeType type = Pick(Enum.GetValues<AttributeType>());
        AttributeProto attribute = new() { Name = Text(), F = Pick(Floats), I = Number(), S = Text(), Type = type };
        return (attribute, new Generated.AttributeProto
        {
            Name = attribute.Name, F = attribute.F, I = attribute.I, S = ByteString.CopyFromUtf8(attribute.S),
            Type = type switch
            {
                AttributeType.Float => Generated.AttributeProto.Types.AttributeType.Float,
                AttributeType.Int => Generated.AttributeProto.Types.AttributeType.Int,
                _ => Generated.AttributeProto.Types.AttributeType.String,
            },
        });
    }

    private (TensorProto, Generated.TensorProto) Tensor()
    {
        byte[] content = new byte[Pick([0, 1, 127, 128, 5000])];
        _random.NextBytes(content);
        bool isExternal = _random.Next(2) == 0;
        (StringStringEntryProto, Generated.StringStringEntryProto)[] entries = Some(Entry);
        TensorProto tensor = new()
        {
            Dims = Some(Number), DataType = (int)Number(), Name = Text(), RawData = content,
            ExternalData = [.. entries.Select(entry => entry.Item1)],
            DataLocation = isExternal ? DataLocation.External : DataLocation.Default,
        };
        Generated.TensorProto expected = new()
        {
            DataType = tensor.DataType, Name = tensor.Name, RawData = ByteString.CopyFrom(content),
            DataLocation = isExternal ? Generated.TensorProto.Types.DataLocation.External : Generated.TensorProto.Types.DataLocation.Default,
        };
        expected.Dims.Add(tensor.Dims);
        expected.ExternalData.Add(entries.Select(entry => entry.Item2));
        return (tensor, expected);
    }

    private (ValueInfoProto, Generated.ValueInfoProto) ValueInfo()
    {
        (TensorShapeProto.Dimension, Generated.TensorShapeProto.Types.Dimension)[] dimensions = Some(Dimension);
        ValueInfoProto value = new(Text(), new TypeProto(new TypeProto.Tensor((int)Number(), new TensorShapeProto([.. dimensions.Select(dimension => dimension.Item1)]))));
        Generated.TensorShapeProto shape = new();
        shape.Dim.Add(dimensions.Select(dimension => dimension.Item2));
        return (value, new Generated.ValueInfoProto
        {
            Name = value.Name,
            Type = new Generated.TypeProto { TensorType = new Generated.TypeProto.Types.Tensor { ElemType = value.Type.TensorType.ElemType, Shape = shape } },
        });
    }

    private (TensorShapeProto.Dimension, Generated.TensorShapeProto.Types.Dimension) Dimension()
    {
        (long number, string name) = (Number(), Text());
        return _random.Next(2) == 0
            ? (new TensorShapeProto.Dimension(number), new Generated.TensorShapeProto.Types.Dimension { DimValue = number })
            : (new TensorShapeProto.Dimension(name), new Generated.TensorShapeProto.Types.Dimension { DimParam = name });
    }

    private (OperatorSetIdProto, Generated.OperatorSetIdProto) OperatorSet()
    {
        OperatorSetIdProto set = new(Text(), Number());
        return (set, new Generated.OperatorSetIdProto { Domain = set.Domain, Version = set.Version });
    }

    private (StringStringEntryProto, Generated.StringStringEntryProto) Entry()
    {
        StringStringEntryProto entry = new(Text(), Text());
        return (entry, new Generated.StringStringEntryProto { Key = entry.Key, Value = entry.Value });
    }

    private static void Add<TOurs, TGenerated>((TOurs, TGenerated)[] pairs, List<TOurs> ours, ICollection<TGenerated> generated)
    {
        foreach ((TOurs own, TGenerated other) in pairs)
        {
            ours.Add(own);
            generated.Add(other);
        }
    }

    private T[] Some<T>(Func<T> make) => [.. Enumerable.Range(0, _random.Next(4)).Select(_ => make())];

    private T Pick<T>(T[] values) => values[_random.Next(values.Length)];

    private string Text() => _random.Next(40) == 0 ? Texts[^1] : Texts[_random.Next(Texts.Length - 1)];

    private long Number() => _random.Next(2) == 0 ? Pick(Numbers) : _random.NextInt64(long.MinValue, long.MaxValue) >> _random.Next(64);
}
