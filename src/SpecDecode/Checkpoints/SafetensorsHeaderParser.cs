using System.Collections.Immutable;
using System.Text.Json;
using static SpecDecode.Checkpoints.CheckpointText;

namespace SpecDecode.Checkpoints;

/// <summary>
/// Reads the JSON object of a safetensors header token by token:
/// <c>{"__metadata__": {"key": "text"}, "name": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]}}</c>.
/// Each entry is checked for itself; whether the entries fit together is <see cref="SafetensorsLayout"/>'s matter.
/// </summary>
internal ref struct SafetensorsHeaderParser
{
    /// <summary>The key of what the header says beside tensors.</summary>
    public const string MetadataKey = "__metadata__";

    private readonly string _path;
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);
    private Utf8JsonReader _json;
    private string? _tensor;

    /// <summary>Begins at the first byte.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="header">The header, already known to be UTF-8.</param>
    public SafetensorsHeaderParser(string path, ReadOnlySpan<byte> header)
    {
        _path = path;
        _json = new Utf8JsonReader(header);
    }

    /// <summary>What stands in the metadata, once the object is read; of a key that is there twice the last.</summary>
    public readonly IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>Reads the whole object.</summary>
    /// <returns>The tensors in the order of the header; names are unique.</returns>
    /// <exception cref="CheckpointException">The header is no JSON, or says something that the format does not allow.</exception>
    public List<SafetensorsTensor> Parse()
    {
        try
        {
            var tensors = new List<SafetensorsTensor>();
            var names = new HashSet<string>(StringComparer.Ordinal);
            Expect(JsonTokenType.StartObject, "an object");
            while (NextKey() is { } name)
            {
                if (!names.Add(name))
                    throw Damaged($"names {Quote(name)} twice");
                if (name == MetadataKey)
                    ReadMetadata();
                else
                    tensors.Add(ReadTensor(name));
            }

            // Only white space may follow; anything else makes the reader throw.
            _json.Read();
            return tensors;
        }
        catch (JsonException failure)
        {
            throw Damaged($"is not valid JSON at byte {_json.BytesConsumed}", failure);
        }
    }

    private SafetensorsTensor ReadTensor(string name)
    {
        _tensor = name;
        Expect(JsonTokenType.StartObject, "an object");
        string? dtype = null;
        ImmutableArray<long>? shape = null;
        ImmutableArray<long>? offsets = null;
        while (NextKey() is { } key)
        {
            bool first = key switch
            {
                "dtype" => dtype is null,
                "shape" => shape is null,
                "data_offsets" => offsets is null,
                _ => true,
            };
            if (!first)
                throw Damaged($"has \"{key}\" twice");

            switch (key)
            {
                case "dtype":
                    Expect(JsonTokenType.String, "\"dtype\" as text");
                    dtype = Text();
                    break;
                case "shape":
                    shape = ReadIntegers(key);
                    break;
                case "data_offsets":
                    offsets = ReadIntegers(key);
                    break;
                default:
                    _json.Skip();
                    break;
            }
        }

        if (dtype is null || shape is null || offsets is null)
            throw Damaged($"has no \"{(dtype is null ? "dtype" : shape is null ? "shape" : "data_offsets")}\"");
        if (offsets.Value is not [long begin, long end] || begin > end)
            throw Damaged($"has the data_offsets {Dimensions(offsets.Value.AsSpan())}, expected [begin, end] with begin <= end");

        var tensor = new SafetensorsTensor(name, dtype, shape.Value, begin, end);
        tensor.CheckSize(_path);
        _tensor = null;
        return tensor;
    }

    private void ReadMetadata()
    {
        Expect(JsonTokenType.StartObject, $"\"{MetadataKey}\" as an object of texts");
        while (NextKey() is { } key)
        {
            Expect(JsonTokenType.String, $"\"{MetadataKey}\" as an object of texts");
            _metadata[key] = Text();
        }
    }

    private ImmutableArray<long> ReadIntegers(string key)
    {
        string expected = $"\"{key}\" as an array of whole numbers from 0 to {long.MaxValue}";
        Expect(JsonTokenType.StartArray, expected);
        var numbers = ImmutableArray.CreateBuilder<long>();
        while (Next() != JsonTokenType.EndArray)
        {
            // Digits only: 1.5, 1e3 and -0 are numbers of JSON, but no sizes.
            if (_json.TokenType != JsonTokenType.Number || _json.ValueSpan.ContainsAnyExceptInRange((byte)'0', (byte)'9')
                || !_json.TryGetInt64(out long number))
            {
                throw Unexpected(expected);
            }

            numbers.Add(number);
        }

        return numbers.DrainToImmutable();
    }

    /// <summary>The next key of the object at hand; null at the object's end.</summary>
    private string? NextKey() => Next() == JsonTokenType.EndObject ? null : Text();

    private JsonTokenType Next()
    {
        // The reader throws at an early end; it returns false only behind a complete value.
        _json.Read();
        return _json.TokenType;
    }

    private void Expect(JsonTokenType type, string expected)
    {
        if (Next() != type)
            throw Unexpected(expected);
    }

    private readonly string Text()
    {
        try
        {
            return _json.GetString()!;
        }
        catch (InvalidOperationException failure)
        {
            // What the reader throws for half a surrogate pair.
            throw Damaged($"has text that is not valid Unicode before byte {_json.BytesConsumed}", failure);
        }
    }

    private readonly CheckpointException Unexpected(string expected)
        => Damaged($"has {Found()} before byte {_json.BytesConsumed}, expected {expected}");

    private readonly string Found() => _json.TokenType switch
    {
        JsonTokenType.Number => $"the number {Shorten(System.Text.Encoding.UTF8.GetString(_json.ValueSpan))}",
        JsonTokenType.String => $"the text {Quote(Text())}",
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "an array",
        JsonTokenType.Null => "null",
        JsonTokenType.True => "true",
        JsonTokenType.False => "false",
        _ => "the end of a list",
    };

    private readonly CheckpointException Damaged(string problem, Exception? failure = null)
    {
        string subject = _tensor is null ? "the header" : $"the header's entry of tensor {Quote(_tensor)}";
        return new(_path, $"{subject} {problem}; download the file again", failure);
    }
}
