using System.Text.Json;

namespace SpecDecode.Grammars.Json;

/// <summary>What can be said of shapes without making a grammar: whether a value fits, and whether any can.</summary>
internal sealed class SchemaJudge(SchemaReader reader, bool allowsUnlisted)
{
    // How far below a value it is looked for what cannot hold.
    private const int MaxDepth = 6;

    private int _depth;

    /// <summary>Whether a value fits a shape.</summary>
    public bool Holds(SchemaShape shape, JsonElement value)
    {
        return (shape.Values is not { } values || values.Any(other => JsonElement.DeepEquals(other, value))) && HoldsBeside(shape, value);
    }

    /// <summary>The values of a shape that has them, as far as they fit it.</summary>
    public IReadOnlyList<JsonElement> Values(SchemaShape shape) => [.. shape.Values!.Where(value => HoldsBeside(shape, value))];

    // Whether a value fits what a shape says beside the values that it lists.
    private bool HoldsBeside(SchemaShape shape, JsonElement value)
    {
        if ((shape.Types & TypeOf(value)) == 0 || shape.Excluded.Any(other => JsonElement.DeepEquals(other, value)))
            return false;
        return value.ValueKind switch
        {
            JsonValueKind.Number => DecimalNumber.Read(value.GetRawText()) is { } number && shape.Range.Contains(number),
            JsonValueKind.String => Fits(shape, value.GetString()!),
            JsonValueKind.Array => FitsArray(shape, value),
            JsonValueKind.Object => FitsObject(shape, value),
            _ => true,
        };
    }

    /// <summary>Whether a text fits what a shape says of texts.</summary>
    public static bool Fits(SchemaShape shape, string text)
    {
        int length = text.EnumerateRunes().Count();
        return length >= shape.MinLength && (shape.MaxLength is null || length <= shape.MaxLength) && shape.Patterns.All(pattern => pattern.Automaton.Accepts(text));
    }

    /// <summary>Whether there may be a value that fits: false where there is surely none.</summary>
    public bool MayHold(SchemaShape shape)
    {
        if (shape.Types == JsonTypes.None)
            return false;
        if (shape.Values is not null)
            return Values(shape).Count > 0;
        if (shape.Types.HasFlag(JsonTypes.Null) || shape.Types.HasFlag(JsonTypes.Boolean))
            return true;
        return (shape.Types.HasFlag(JsonTypes.Number) && MayHoldNumber(shape))
            || (shape.Types.HasFlag(JsonTypes.String) && (shape.MaxLength is null || shape.MinLength <= shape.MaxLength))
            || (shape.Types.HasFlag(JsonTypes.Array) && (shape.MostItems is null || shape.MinItems <= shape.MostItems) && MayHoldItems(shape))
            || (shape.Types.HasFlag(JsonTypes.Object) && MayHoldMembers(shape));
    }

    /// <summary>
    /// Whether what is written for some shapes never fits others, because these require a member that is not written for the first.
    /// </summary>
    public bool AreApart(IReadOnlyList<SchemaShape> written, IReadOnlyList<SchemaShape> others) =>
        written.All(shape => others.All(other =>
            shape.Types == JsonTypes.Object && shape.Values is null
            && other.Required.Any(name => !shape.Required.Contains(name) && !CanBeWritten(shape, name))));

    private bool CanBeWritten(SchemaShape shape, string name) =>
        allowsUnlisted || !shape.Objects.Any(clause => clause.Properties.Count > 0) || shape.Objects.Any(clause =>
            clause.Properties.Any(property => property.Name == name) || clause.Patterns.Any(pattern => pattern.Names.Accepts(name))
            || clause.Others is { Value.ValueKind: not JsonValueKind.False });

    private static bool MayHoldNumber(SchemaShape shape)
    {
        if (shape.Low is not { } low || shape.High is not { } high)
            return true;
        int order = low.Value.CompareTo(high.Value);
        return order < 0 || (order == 0 && !low.IsExclusive && !high.IsExclusive && shape.Range.Contains(low.Value));
    }

    private bool MayHoldItems(SchemaShape shape) =>
        Enumerable.Range(0, Math.Min(shape.MinItems, 8)).All(index => MayHoldAll(shape.ItemAt(index)));

    private bool MayHoldMembers(SchemaShape shape) =>
        shape.Required.All(name => !shape.Forbidden.Contains(name) && MayHoldAll(shape.Member(name)));

    private bool MayHoldAll(IReadOnlyList<SchemaPlace> places)
    {
        if (_depth >= MaxDepth)
            return true;
        _depth++;
        bool result = places.Count == 0 || reader.Expand(places).Any(MayHold);
        _depth--;
        return result;
    }

    private bool FitsArray(SchemaShape shape, JsonElement value)
    {
        int count = value.GetArrayLength();
        return count >= shape.MinItems && (shape.MostItems is null || count <= shape.MostItems)
            && value.EnumerateArray().Index().All(item => HoldsAll(shape.ItemAt(item.Index), item.Item));
    }

    private bool FitsObject(SchemaShape shape, JsonElement value)
    {
        var members = value.EnumerateObject().ToList();
        if (members.Count < shape.MinProperties || members.Count > (shape.MaxProperties ?? int.MaxValue))
            return false;
        if (shape.Required.Any(name => !value.TryGetProperty(name, out _)) || shape.Forbidden.Any(name => value.TryGetProperty(name, out _)))
            return false;
        return members.All(member => HoldsAll(shape.Member(member.Name), member.Value)
            && (!shape.IsSealed || shape.Listed.Contains(member.Name))
            && (shape.Names.Count == 0 || reader.Expand(shape.Names).Any(names => (names.Types & JsonTypes.String) != 0 && Fits(names, member.Name)
                && (names.Values is null || names.Values.Any(name => name.ValueKind == JsonValueKind.String && name.GetString() == member.Name)))));
    }

    private bool HoldsAll(IReadOnlyList<SchemaPlace> places, JsonElement value) =>
        places.Count == 0 || reader.Expand(places).Any(shape => Holds(shape, value));

    private static JsonTypes TypeOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => JsonTypes.Null,
        JsonValueKind.True or JsonValueKind.False => JsonTypes.Boolean,
        JsonValueKind.Number => JsonTypes.Number,
        JsonValueKind.String => JsonTypes.String,
        JsonValueKind.Array => JsonTypes.Array,
        _ => JsonTypes.Object,
    };
}
