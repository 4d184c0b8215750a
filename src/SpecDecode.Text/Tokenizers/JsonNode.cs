using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using SpecDecode.Checkpoints;

namespace SpecDecode.Tokenizers;

/// <summary>
/// A JSON value that knows its file and its key path, so that every wrong kind or missing key becomes a
/// <see cref="CheckpointException"/> that names both.
/// </summary>
internal readonly struct JsonNode(JsonElement element, string file, string path)
{
    private const string Mend = "Download the file again from where the model comes from.";

    /// <summary>The value itself.</summary>
    public JsonElement Element => element;

    /// <summary>Whether the value is a string.</summary>
    public bool IsText => element.ValueKind == JsonValueKind.String;

    /// <summary>Whether the value is an array.</summary>
    public bool IsArray => element.ValueKind == JsonValueKind.Array;

    /// <summary>The value under a key that has to be there.</summary>
    public JsonNode Get(string key) => TryGet(key) ?? throw Error($"has no key '{key}'");

    /// <summary>The value under a key, or null where the key is absent or its value is <c>null</c>.</summary>
    public JsonNode? TryGet(string key)
    {
        Expect(JsonValueKind.Object, "an object");
        try
        {
            return element.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null
                ? new JsonNode(value, file, path.Length == 0 ? key : $"{path}.{key}")
                : null;
        }
        catch (InvalidOperationException e)
        {
            throw Error("has a key that is not valid Unicode text", e);
        }
    }

    /// <summary>The value as a string.</summary>
    public string Text()
    {
        Expect(JsonValueKind.String, "a string");
        try
        {
            return element.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            throw Error("is not valid Unicode text", e);
        }
    }

    /// <summary>The value as one code point.</summary>
    public Rune Character()
    {
        var text = Text();
        return Rune.DecodeFromUtf16(text, out var rune, out int used) == System.Buffers.OperationStatus.Done && used == text.Length
            ? rune
            : throw Error("is not a single character");
    }

    /// <summary>The value as a Boolean.</summary>
    public bool Flag() => element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Error("is not true or false"),
    };

    /// <summary>The Boolean under a key, or <paramref name="absent"/> without it.</summary>
    public bool Flag(string key, bool absent) => TryGet(key)?.Flag() ?? absent;

    /// <summary>The value as an integer that is not negative and not above <paramref name="max"/>.</summary>
    public int Number(int max)
    {
        Expect(JsonValueKind.Number, "a number");
        return element.TryGetInt32(out int value) && value >= 0 && value <= max
            ? value
            : throw Error($"is not an integer from 0 to {max}");
    }

    /// <summary>The value as a floating-point number.</summary>
    public double Real()
    {
        Expect(JsonValueKind.Number, "a number");
        return element.TryGetDouble(out double value) ? value : throw Error("is not a number that fits a double");
    }

    /// <summary>The value as the score of a piece.</summary>
    public double Score()
    {
        Expect(JsonValueKind.Number, "a number");
        double value = ScoreReader.Read(JsonMarshal.GetRawUtf8Value(element));
        return double.IsFinite(value) ? value : throw Error("is not a finite number");
    }

    /// <summary>The entries of an array.</summary>
    public IEnumerable<JsonNode> Items()
    {
        Expect(JsonValueKind.Array, "an array");
        return Enumerate(element, file, path);

        static IEnumerable<JsonNode> Enumerate(JsonElement array, string file, string path)
        {
            int index = 0;
            foreach (var item in array.EnumerateArray())
                yield return new JsonNode(item, file, $"{path}[{index++}]");
        }
    }

    /// <summary>The entries of an object, with their keys.</summary>
    public IEnumerable<(string Key, JsonNode Value)> Entries()
    {
        Expect(JsonValueKind.Object, "an object");
        return Enumerate(this);

        static IEnumerable<(string, JsonNode)> Enumerate(JsonNode node)
        {
            foreach (var entry in node.Element.EnumerateObject())
            {
                var key = node.KeyOf(entry);
                yield return (key, node.Child(entry.Value, key));
            }
        }
    }

    /// <summary>The error that the file is damaged at this key.</summary>
    /// <param name="what">What is wrong with the value, as the rest of a sentence that begins with the key path.</param>
    /// <param name="inner">The failure beneath.</param>
    public CheckpointException Error(string what, Exception? inner = null) =>
        new(file, $"{(path.Length == 0 ? "the file" : $"'{CheckpointText.Shorten(path)}'")} {what}. {Mend}", inner);

    /// <summary>The error that this key asks for something that is not implemented.</summary>
    /// <param name="what">What is not supported, as the rest of a sentence that begins with the key path.</param>
    /// <param name="inner">The failure beneath.</param>
    public UnsupportedTokenizerException Unsupported(string what, Exception? inner = null) =>
        new(
            file,
            $"'{CheckpointText.Shorten(path)}' {what}. Work with token ids instead of text, or use a model with a BPE or Unigram tokenizer.",
            inner);

    /// <summary>A sentence about this key that is no error.</summary>
    /// <param name="what">The rest of a sentence that begins with the key path.</param>
    public string Remark(string what) => $"{file}: '{CheckpointText.Shorten(path)}' {what}.";

    private JsonNode Child(JsonElement value, string key) => new(value, file, $"{path}.{key}");

    private string KeyOf(JsonProperty entry)
    {
        try
        {
            return entry.Name;
        }
        catch (InvalidOperationException e)
        {
            throw Error("has a key that is not valid Unicode text", e);
        }
    }

    private void Expect(JsonValueKind kind, string name)
    {
        if (element.ValueKind != kind)
            throw Error($"is not {name}");
    }
}
