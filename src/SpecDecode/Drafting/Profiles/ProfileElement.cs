using System.Globalization;
using System.Text.Json;
using static SpecDecode.Checkpoints.CheckpointText;

namespace SpecDecode.Drafting.Profiles;

/// <summary>
/// A JSON object of a profile, read property by property with checks. Null counts as absent. Every complaint names the file and the whole
/// property: <c>plans[2].draftLength</c>.
/// </summary>
internal sealed class ProfileElement
{
    private readonly string _source;
    private readonly string _prefix;
    private readonly Dictionary<string, JsonElement> _values = new(StringComparer.Ordinal);
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    /// <summary>Takes an object apart.</summary>
    /// <param name="source">The file.</param>
    /// <param name="prefix">What stands before a property's name: <c>model.</c>, or nothing.</param>
    /// <param name="element">A JSON object.</param>
    /// <exception cref="SpecDecodeException">A property is there twice, or its name is no text.</exception>
    public ProfileElement(string source, string prefix, JsonElement element)
    {
        _source = source;
        _prefix = prefix;
        foreach (JsonProperty property in element.EnumerateObject())
        {
            string name;
            try
            {
                name = property.Name;
            }
            catch (InvalidOperationException)
            {
                // What the runtime throws for half a surrogate pair.
                throw Fail(source, $"{(prefix.Length == 0 ? "a property" : prefix.TrimEnd('.') + " has a property that")} is no valid Unicode: correct its name");
            }

            if (!_values.TryAdd(name, property.Value))
            {
                throw Error(name, "is there twice: remove one of them");
            }
        }
    }

    /// <summary>Whether a property is there with a value.</summary>
    public bool Has(string name) => Find(name) is not null;

    /// <summary>A text that is not empty, of at most so many characters; null where it is absent.</summary>
    public string? Text(string name, int most = 256)
    {
        if (Find(name) is not { } value)
        {
            return null;
        }

        string expected = string.Create(CultureInfo.InvariantCulture, $"a text of 1 to {most} characters");
        return value.ValueKind == JsonValueKind.String && TextOf(name, value) is { Length: > 0 } text && text.Length <= most
            ? text : throw Wrong(name, value, expected);
    }

    /// <summary>A whole number within bounds; null where it is absent.</summary>
    public int? Int(string name, int least, int most) => Find(name) is { } value
        ? value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number >= least && number <= most
            ? number : throw Wrong(name, value, string.Create(CultureInfo.InvariantCulture, $"a whole number from {least} to {most}"))
        : null;

    /// <summary>A finite number above 0; null where it is absent.</summary>
    public double? Positive(string name) => Find(name) is { } value
        ? NumberOf(value) is { } number && number > 0 ? number : throw Wrong(name, value, "a number above 0")
        : null;

    /// <summary>A number from 0 to 1 in single precision; null where it is absent.</summary>
    public float? Share(string name) => Find(name) is { } value ? (float)ShareOf(name, value) : null;

    /// <summary>Numbers from 0 to 1, at most so many; none where it is absent.</summary>
    public double[] Shares(string name, int most) => [.. Items(name, most).Select(item => ShareOf(item.Name, item.Value))];

    /// <summary>Whole numbers within bounds, at most so many; null where it is absent.</summary>
    public int[]? Ints(string name, int least, int most, int mostCount) => Find(name) is null ? null :
    [
        .. Items(name, mostCount).Select(item => item.Value.ValueKind == JsonValueKind.Number && item.Value.TryGetInt32(out int number) && number >= least && number <= most
            ? number : throw Wrong(item.Name, item.Value, string.Create(CultureInfo.InvariantCulture, $"a whole number from {least} to {most}"))),
    ];

    /// <summary>Texts, at most so many; none where it is absent.</summary>
    public string[] Texts(string name, int most) =>
        [.. Items(name, most).Select(item => item.Value.ValueKind == JsonValueKind.String ? TextOf(item.Name, item.Value) : throw Wrong(item.Name, item.Value, "a text"))];

    /// <summary>A nested object; null where it is absent.</summary>
    public ProfileElement? Object(string name) => Find(name) is { } value ? Nested(name, value) : null;

    /// <summary>Nested objects, at most so many; null where it is absent.</summary>
    public ProfileElement[]? Objects(string name, int most) => Find(name) is null ? null : [.. Items(name, most).Select(item => Nested(item.Name, item.Value))];

    /// <summary>What must be there.</summary>
    /// <param name="name">The property.</param>
    /// <param name="value">What was read of it.</param>
    public T Required<T>(string name, T? value)
        where T : class => value ?? throw Error(name, "is missing: add it, or calibrate again");

    /// <inheritdoc cref="Required{T}(string, T)"/>
    public T Required<T>(string name, T? value)
        where T : struct => value ?? throw Error(name, "is missing: add it, or calibrate again");

    /// <summary>Refuses properties that nobody has asked for: to pass over a misspelt one would be to pass over what it says.</summary>
    public void CheckUnknown()
    {
        if (_values.Keys.FirstOrDefault(name => !_known.Contains(name)) is { } unknown)
        {
            throw Fail(_source, $"{Shorten(_prefix + unknown)} is no property of a drafting profile of version {DraftingProfile.FormatVersion}: there are {string.Join(", ", _known.Order(StringComparer.Ordinal))}");
        }
    }

    /// <summary>The error that a caller throws who cannot use a property.</summary>
    /// <param name="name">The property.</param>
    /// <param name="problemAndMend">What is wrong and the mend, said of the property.</param>
    public SpecDecodeException Error(string name, string problemAndMend) => Fail(_source, $"{Shorten(_prefix + name)} {problemAndMend}");

    /// <summary>An error of the file.</summary>
    public static SpecDecodeException Fail(string source, string problemAndMend, Exception? cause = null) => new($"{source}: {problemAndMend}.", cause);

    /// <summary>What a value is, for messages.</summary>
    public static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => string.Create(CultureInfo.InvariantCulture, $"an array of {value.GetArrayLength()}"),
        _ => Shorten(value.GetRawText()),
    };

    private JsonElement? Find(string name)
    {
        _known.Add(name);
        return _values.TryGetValue(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }

    private IEnumerable<(string Name, JsonElement Value)> Items(string name, int most)
    {
        if (Find(name) is not { } list)
        {
            return [];
        }

        return list.ValueKind == JsonValueKind.Array && list.GetArrayLength() <= most
            ? list.EnumerateArray().Select((value, i) => (string.Create(CultureInfo.InvariantCulture, $"{name}[{i}]"), value))
            : throw Wrong(name, list, string.Create(CultureInfo.InvariantCulture, $"an array of at most {most}"));
    }

    private ProfileElement Nested(string name, JsonElement value) => value.ValueKind == JsonValueKind.Object
        ? new ProfileElement(_source, $"{_prefix}{name}.", value) : throw Wrong(name, value, "an object");

    private string TextOf(string name, JsonElement value)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Error(name, "is no valid Unicode (half a surrogate pair): correct it");
        }
    }

    private double ShareOf(string name, JsonElement value) =>
        NumberOf(value) is { } number && number >= 0 && number <= 1 ? number : throw Wrong(name, value, "a number from 0 to 1");

    // A number such as 1e999 parses as infinity.
    private static double? NumberOf(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number) ? number : null;

    private SpecDecodeException Wrong(string name, JsonElement value, string expected) => Error(name, $"is {Describe(value)}: give {expected}");
}
