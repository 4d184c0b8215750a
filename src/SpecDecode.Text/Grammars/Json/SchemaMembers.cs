using System.Globalization;
using System.Text.Json;
using SpecDecode.Checkpoints;

namespace SpecDecode.Grammars.Json;

/// <summary>The keywords of a schema, and their values checked.</summary>
internal sealed class SchemaMembers(SchemaPlace place)
{
    /// <summary>The largest length or number of items that counts.</summary>
    public const int MaxCount = 1_000_000;

    /// <summary>All keywords, in their order.</summary>
    public IReadOnlyList<(string Name, SchemaPlace Value)> All { get; } = place.Value.ValueKind == JsonValueKind.Object
        ? [.. place.Value.EnumerateObject().Select(member => (member.Name, place.Under(member.Name, member.Value)))]
        : throw place.Error("should be an object.");

    /// <summary>Where the schema stands.</summary>
    public SchemaPlace Place => place;

    public bool Has(string name) => place.Value.TryGetProperty(name, out _);

    public SchemaPlace? Find(string name) => place.Value.TryGetProperty(name, out var value) ? place.Under(name, value) : null;

    public static string Text(SchemaPlace value) => value.Value.ValueKind == JsonValueKind.String ? value.Value.GetString()! : throw value.Error("should be a text.");

    public static IReadOnlyList<SchemaPlace> Items(SchemaPlace value) => value.Value.ValueKind == JsonValueKind.Array
        ? [.. value.Value.EnumerateArray().Select((item, index) => value.Under(index, item))]
        : throw value.Error("should be a list.");

    public static IReadOnlyList<SchemaPlace> Schemas(SchemaPlace value) => Items(value) is { Count: > 0 } items ? items : throw value.Error("should have at least one schema.");

    /// <summary>A number; null for one that is larger than any that can be written.</summary>
    public static DecimalNumber? Number(SchemaPlace value) =>
        value.Value.ValueKind == JsonValueKind.Number ? DecimalNumber.Read(value.Value.GetRawText()) : throw value.Error("should be a number.");

    /// <summary>A number of characters or items. One beyond <see cref="MaxCount"/> is refused as a lower bound, and counts as that as an upper one.</summary>
    public int? Count(string name, bool isUpper)
    {
        if (Find(name) is not { } value)
            return null;
        if (value.Value.ValueKind != JsonValueKind.Number || DecimalNumber.Read(value.Value.GetRawText()) is not { IsNegative: false, Fraction.Length: 0 } number)
            throw value.Error("should be a whole number from 0 on.");
        if (number.Whole.Length > 9 || int.Parse("0" + number.Whole, CultureInfo.InvariantCulture) is var count && count > MaxCount)
            return isUpper ? MaxCount : throw value.Error($"asks for more than {MaxCount}; use less.");
        return count;
    }

    /// <summary>The refusal of a keyword.</summary>
    public GrammarException Refused(string name)
    {
        string mend = name switch
        {
            "uniqueItems" => "an output cannot be held to it; leave it out, or list the combinations with 'enum'",
            "if" => "write the cases with 'anyOf'",
            "items" => "as a list it is 'prefixItems' since draft 2020-12",
            "dependencies" => "it is 'dependentRequired' since draft 2019-09",
            "unevaluatedProperties" => "it may be true or false",
            "additionalItems" => "use 'items' beside 'prefixItems'",
            "nullable" => "use a list of types with \"null\" in it",
            "id" => "it is '$id' since draft 6",
            _ => "leave it out, or write it with other keywords",
        };
        return place.Error($"has the keyword '{CheckpointText.Shorten(name)}', which is not supported: {mend}.");
    }
}
