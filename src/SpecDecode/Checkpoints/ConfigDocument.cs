using System.Globalization;
using System.Text.Json;
using static SpecDecode.Checkpoints.CheckpointText;

namespace SpecDecode.Checkpoints;

/// <summary>
/// A JSON object of a checkpoint, read key by key with checks. A value of null counts as absent where <see cref="IsNull"/> is
/// not asked, and of a key that is there twice the last counts, as in Python. Every complaint names the file and the whole key, such as <c>rope_scaling.factor</c>.
/// </summary>
internal sealed class ConfigDocument
{
    /// <summary>The most bytes that a file may have.</summary>
    public const int MaxLength = 16 << 20;

    private readonly string _prefix;
    private readonly Dictionary<string, JsonElement> _values;

    private ConfigDocument(string path, FileStamp stamp, ReadOnlyMemory<byte> utf8, string prefix, JsonElement element)
    {
        Path = path;
        Stamp = stamp;
        Utf8 = utf8;
        _prefix = prefix;
        _values = new(StringComparer.Ordinal);
        foreach (var (key, value) in CheckpointJson.Members(path, element))
            _values[key] = value;
    }

    /// <summary>The file's full path.</summary>
    public string Path { get; }

    /// <summary>The file's name and length as they were when it was read.</summary>
    public FileStamp Stamp { get; }

    /// <summary>The bytes of the whole file.</summary>
    public ReadOnlyMemory<byte> Utf8 { get; }

    /// <summary>Reads a file of at most <see cref="MaxLength"/> bytes.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="CheckpointException">It cannot be read, is too large, or is not one JSON object.</exception>
    public static ConfigDocument Load(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        path = CheckpointFile.FullPath(path);
        byte[] utf8 = CheckpointFile.ReadAll(path, MaxLength, out var stamp);
        return new(path, stamp, utf8, "", CheckpointJson.ParseObject(path, utf8));
    }

    /// <summary>Whether a key is there with a value that is not null.</summary>
    /// <param name="key">The key in this object.</param>
    public bool Has(string key) => Find(key) is not null;

    /// <summary>Whether a key is there with the value null.</summary>
    /// <param name="key">The key in this object.</param>
    public bool IsNull(string key) => _values.TryGetValue(key, out var value) && value.ValueKind == JsonValueKind.Null;

    /// <summary>Refuses null where it cannot stand for what an absent key means.</summary>
    /// <param name="key">The key in this object.</param>
    /// <returns>This object.</returns>
    /// <exception cref="CheckpointException">The key's value is null.</exception>
    public ConfigDocument NotNull(string key)
        => IsNull(key) ? throw Error(key, "is null, which means nothing here: remove the key, or restore the published config.json") : this;

    /// <summary>Whether a key is there with an object.</summary>
    /// <param name="key">The key in this object.</param>
    public bool IsObject(string key) => Find(key) is { ValueKind: JsonValueKind.Object };

    /// <summary>Whether there are no keys.</summary>
    public bool IsEmpty => _values.Count == 0;

    /// <summary>All keys.</summary>
    public IEnumerable<string> Keys => _values.Keys;

    /// <summary>A key with those of the objects that it is in, quoted, for messages.</summary>
    /// <param name="key">The key in this object.</param>
    public string NameOf(string key) => Quote(_prefix + key);

    /// <summary>A whole number above 0.</summary>
    /// <param name="key">The key in this object.</param>
    /// <param name="fallback">The value when the key is absent; null makes the key required.</param>
    /// <param name="max">The largest value that is accepted.</param>
    /// <exception cref="CheckpointException">It is absent without a fallback, or anything else than such a number.</exception>
    public int PositiveInt(string key, int? fallback = null, int max = int.MaxValue) => Int(key, 1, fallback, max);

    /// <summary>A whole number from 0 on.</summary>
    /// <param name="key">The key in this object.</param>
    /// <param name="fallback">The value when the key is absent; null makes the key required.</param>
    /// <param name="max">The largest value that is accepted.</param>
    /// <exception cref="CheckpointException">It is absent without a fallback, or anything else than such a number.</exception>
    public int NonNegativeInt(string key, int? fallback = null, int max = int.MaxValue) => Int(key, 0, fallback, max);

    /// <summary>A finite number above 0.</summary>
    /// <param name="key">The key in this object.</param>
    /// <param name="fallback">The value when the key is absent; null makes the key required.</param>
    /// <exception cref="CheckpointException">It is absent without a fallback, or anything else than such a number.</exception>
    public double PositiveNumber(string key, double? fallback = null)
    {
        const string expected = "a number greater than 0";
        if (Find(key) is not { } value)
            return fallback ?? throw Missing(key, expected);
        return IsFinite(value, out double number) && number > 0 ? number : throw Wrong(key, value, expected);
    }

    /// <summary>A truth value.</summary>
    /// <param name="key">The key in this object.</param>
    /// <param name="fallback">The value when the key is absent.</param>
    /// <exception cref="CheckpointException">It is anything else than true or false.</exception>
    public bool Bool(string key, bool fallback) => Find(key) switch
    {
        null => fallback,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        { } value => throw Wrong(key, value, "true or false"),
    };

    /// <summary>A text.</summary>
    /// <param name="key">The key in this object.</param>
    /// <param name="fallback">The value when the key is absent.</param>
    /// <exception cref="CheckpointException">It is anything else than a text.</exception>
    public string? String(string key, string? fallback) => Find(key) is { } value ? Text(key, value) : fallback;

    /// <summary>A text that must be there and not empty.</summary>
    /// <param name="key">The key in this object.</param>
    /// <exception cref="CheckpointException">It is absent, empty, or anything else than a text.</exception>
    public string RequiredString(string key)
    {
        string text = String(key, null) ?? throw Missing(key, "a text");
        return text.Length > 0 ? text : throw Error(key, "is empty; expected a text");
    }

    /// <summary>A nested object, whose complaints name this key too.</summary>
    /// <param name="key">The key in this object.</param>
    /// <returns>The object; null when the key is absent.</returns>
    /// <exception cref="CheckpointException">It is anything else than an object.</exception>
    public ConfigDocument? Object(string key)
    {
        if (Find(key) is not { } value)
            return null;
        return value.ValueKind == JsonValueKind.Object
            ? new(Path, Stamp, Utf8, $"{_prefix}{key}.", value)
            : throw Wrong(key, value, "an object");
    }

    /// <summary>One whole number or an array of them, such as <c>eos_token_id</c>; negative ones too.</summary>
    /// <param name="key">The key in this object.</param>
    /// <returns>The numbers in order; none when the key is absent.</returns>
    /// <exception cref="CheckpointException">It is anything else.</exception>
    public IReadOnlyList<int> IntOrInts(string key)
    {
        const string expected = "a whole number or an array of them";
        return Find(key) is { ValueKind: not JsonValueKind.Array } single
            ? [Element(single)]
            : Elements(key, expected, Element);

        int Element(JsonElement value)
            => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) ? number : throw Wrong(key, value, expected);
    }

    /// <summary>An array of finite numbers, such as <c>rope_scaling.long_factor</c>.</summary>
    /// <param name="key">The key in this object.</param>
    /// <returns>The numbers in order; none when the key is absent.</returns>
    /// <exception cref="CheckpointException">It is anything else.</exception>
    public IReadOnlyList<double> Numbers(string key)
    {
        const string expected = "an array of numbers";
        return Elements(key, expected, value => IsFinite(value, out double number) ? number : throw Wrong(key, value, expected));
    }

    /// <summary>An array of texts, such as <c>architectures</c>.</summary>
    /// <param name="key">The key in this object.</param>
    /// <returns>The texts in order; none when the key is absent.</returns>
    /// <exception cref="CheckpointException">It is anything else.</exception>
    public IReadOnlyList<string> Strings(string key) => Elements(key, "an array of texts", value => Text(key, value));

    /// <summary>The error that a caller throws who cannot use a value.</summary>
    /// <param name="key">The key in this object.</param>
    /// <param name="problemAndMend">What is wrong and the mend, said of the key: <c>is 7; expected a multiple of 8</c>.</param>
    public CheckpointException Error(string key, string problemAndMend)
        => new(Path, $"{NameOf(key)} {problemAndMend}");

    private int Int(string key, int min, int? fallback, int max)
    {
        string expected = max == int.MaxValue
            ? string.Create(CultureInfo.InvariantCulture, $"a whole number from {min} on")
            : string.Create(CultureInfo.InvariantCulture, $"a whole number from {min} to {max}");
        if (Find(key) is not { } value)
            return fallback ?? throw Missing(key, expected);
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number >= min && number <= max
            ? number
            : throw Wrong(key, value, expected);
    }

    private string Text(string key, JsonElement value)
        => value.ValueKind == JsonValueKind.String ? CheckpointJson.Text(Path, _prefix + key, value) : throw Wrong(key, value, "a text");

    private IReadOnlyList<T> Elements<T>(string key, string expected, Func<JsonElement, T> read)
    {
        if (Find(key) is not { } value)
            return [];
        return value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select(read)] : throw Wrong(key, value, expected);
    }

    private JsonElement? Find(string key)
        => _values.TryGetValue(key, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    // A number such as 1e999 parses as infinity.
    private static bool IsFinite(JsonElement value, out double number)
    {
        number = 0;
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out number) && double.IsFinite(number);
    }

    private CheckpointException Missing(string key, string expected)
        => Error(key, $"is missing; expected {expected}: download the file again, or add the key");

    private CheckpointException Wrong(string key, JsonElement value, string expected)
        => Error(key, $"is {CheckpointJson.Describe(value)}; expected {expected}: correct it, or download the file again");
}
