using System.Text.Json;
using SpecDecode.Checkpoints;
using SpecDecode.Grammars.Expressions;

namespace SpecDecode.Grammars.Json;

/// <summary>The keywords of a schema that say something of a value itself: what they add to a shape.</summary>
internal static class ShapeKeywords
{
    private static readonly HashSet<string> Names = new(StringComparer.Ordinal)
    {
        "type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern", "format",
        "minItems", "maxItems", "prefixItems", "items", "minProperties", "maxProperties", "required", "properties", "patternProperties",
        "additionalProperties", "propertyNames", "uniqueItems", "unevaluatedProperties", "unevaluatedItems",
    };

    private const int MaxComparisons = 1_000_000;

    /// <summary>Whether a keyword is one of these.</summary>
    public static bool Knows(string name) => Names.Contains(name);

    /// <summary>A shape with what a schema adds to it.</summary>
    /// <exception cref="GrammarException">A keyword is damaged or cannot be honoured.</exception>
    public static SchemaShape Apply(SchemaShape shape, SchemaMembers members)
    {
        shape = ApplyTypes(shape, members);
        shape = ApplyNumbers(shape, members);
        shape = ApplyTexts(shape, members);
        shape = ApplyArrays(shape, members);
        return ApplyObjects(shape, members);
    }

    /// <summary>The kinds that <c>type</c> names.</summary>
    public static (JsonTypes Types, bool IsWhole) Types(SchemaPlace value)
    {
        IReadOnlyList<SchemaPlace> names = value.Value.ValueKind == JsonValueKind.Array ? SchemaMembers.Items(value) : [value];
        var types = JsonTypes.None;
        bool whole = false, number = false;
        foreach (var place in names)
        {
            string name = SchemaMembers.Text(place);
            whole |= name == "integer";
            number |= name == "number";
            types |= name switch
            {
                "null" => JsonTypes.Null,
                "boolean" => JsonTypes.Boolean,
                "integer" or "number" => JsonTypes.Number,
                "string" => JsonTypes.String,
                "array" => JsonTypes.Array,
                "object" => JsonTypes.Object,
                _ => throw place.Error($"is '{CheckpointText.Shorten(name)}', which is no type."),
            };
        }
        return (types, whole && !number);
    }

    private static SchemaShape ApplyTypes(SchemaShape shape, SchemaMembers members)
    {
        if (members.Find("type") is { } type)
        {
            var (types, whole) = Types(type);
            shape = shape with { Types = shape.Types & types, IsWhole = shape.IsWhole || whole };
        }
        if (members.Find("const") is { } constant)
            shape = With(shape, [constant.Value]);
        if (members.Find("enum") is { } list)
            shape = With(shape, [.. SchemaMembers.Items(list).Select(item => item.Value)]);
        return shape;

        SchemaShape With(SchemaShape shape, IReadOnlyList<JsonElement> values)
        {
            if (shape.Values is null)
                return shape with { Values = values };
            if ((long)shape.Values.Count * values.Count > MaxComparisons)
                throw members.Place.Error("has too many values in 'enum' together with another one that holds at once.");
            return shape with { Values = [.. shape.Values.Where(value => values.Any(other => JsonElement.DeepEquals(value, other)))] };
        }
    }

    private static SchemaShape ApplyNumbers(SchemaShape shape, SchemaMembers members)
    {
        foreach (var (name, exclusive) in (ReadOnlySpan<(string, bool)>)[("minimum", false), ("exclusiveMinimum", true)])
        {
            if (members.Find(name) is { } place)
                shape = Above(shape, Number(place), exclusive);
        }
        foreach (var (name, exclusive) in (ReadOnlySpan<(string, bool)>)[("maximum", false), ("exclusiveMaximum", true)])
        {
            if (members.Find(name) is { } place)
                shape = Below(shape, Number(place), exclusive);
        }
        if (members.Find("multipleOf") is { } factor)
        {
            var number = Number(factor);
            if (number.IsNegative || number.IsZero)
                throw factor.Error("should be more than 0.");
            shape = shape with { Factors = [.. shape.Factors, number] };
        }
        return shape;
    }

    private static DecimalNumber Number(SchemaPlace place) =>
        SchemaMembers.Number(place) ?? throw place.Error("has more than 400 digits; leave it out, or use a number that can be written.");

    private static SchemaShape Above(SchemaShape shape, DecimalNumber number, bool exclusive) =>
        shape.Low is { } low && (low.Value.CompareTo(number) is var order) && (order > 0 || (order == 0 && low.IsExclusive))
            ? shape
            : shape with { Low = new(number, exclusive) };

    private static SchemaShape Below(SchemaShape shape, DecimalNumber number, bool exclusive) =>
        shape.High is { } high && (high.Value.CompareTo(number) is var order) && (order < 0 || (order == 0 && high.IsExclusive))
            ? shape
            : shape with { High = new(number, exclusive) };

    private static SchemaShape ApplyTexts(SchemaShape shape, SchemaMembers members)
    {
        shape = shape with
        {
            MinLength = Math.Max(shape.MinLength, members.Count("minLength", isUpper: false) ?? 0),
            MaxLength = Least(shape.MaxLength, members.Count("maxLength", isUpper: true)),
        };
        if (members.Find("pattern") is { } pattern)
        {
            var node = Regex(SchemaMembers.Text(pattern), pattern);
            shape = shape with { Patterns = [.. shape.Patterns, new(pattern, spelling => node.ToExpression(isSearch: true, spelling))] };
        }
        if (members.Find("format") is not { } format)
            return shape;
        string name = SchemaMembers.Text(format);
        if (StringFormats.IntegerBits(name) is { } bits)
        {
            var most = DecimalNumber.Of(bits == 64 ? long.MaxValue : (1L << (bits - 1)) - 1);
            var least = DecimalNumber.Of(bits == 64 ? long.MinValue : -(1L << (bits - 1)));
            return Below(Above(shape, least, false), most, false) with { IsWhole = true };
        }
        if (StringFormats.IsFree(name))
            return shape;
        string text = StringFormats.Find(name)
            ?? throw format.Error($"is '{CheckpointText.Shorten(name)}', a format that is not supported; leave it out, or describe the text with 'pattern'.");
        var parsed = RegexParser.Parse(text);
        return shape with { Patterns = [.. shape.Patterns, new(format, spelling => parsed.ToExpression(isSearch: false, spelling))] };
    }

    private static RegexNode Regex(string pattern, SchemaPlace place)
    {
        try
        {
            var node = RegexParser.Parse(pattern);
            // Anchors that cannot be honoured are found here.
            node.ToExpression(isSearch: true);
            return node;
        }
        catch (GrammarException error)
        {
            throw place.Error($"cannot be honoured: {error.Message}");
        }
    }

    private static SchemaShape ApplyArrays(SchemaShape shape, SchemaMembers members)
    {
        if (members.Find("uniqueItems") is { Value.ValueKind: not JsonValueKind.False })
            throw members.Refused("uniqueItems");
        shape = shape with
        {
            MinItems = Math.Max(shape.MinItems, members.Count("minItems", isUpper: false) ?? 0),
            MaxItems = Least(shape.MaxItems, members.Count("maxItems", isUpper: true)),
            HasSealedItems = shape.HasSealedItems || Flag(members, "unevaluatedItems") == false,
        };
        var items = members.Find("items");
        if (items is { Value.ValueKind: JsonValueKind.Array })
            throw members.Refused("items");
        var prefix = members.Find("prefixItems") is { } list ? SchemaMembers.Schemas(list) : [];
        return items is null && prefix.Count == 0 ? shape : shape with { Arrays = [.. shape.Arrays, new(prefix, items)] };
    }

    private static SchemaShape ApplyObjects(SchemaShape shape, SchemaMembers members)
    {
        shape = shape with
        {
            MinProperties = Math.Max(shape.MinProperties, members.Count("minProperties", isUpper: false) ?? 0),
            MaxProperties = Least(shape.MaxProperties, members.Count("maxProperties", isUpper: true)),
            IsSealed = shape.IsSealed || Flag(members, "unevaluatedProperties") == false,
            Names = members.Find("propertyNames") is { } names ? [.. shape.Names, names] : shape.Names,
            Required = members.Find("required") is { } required ? [.. shape.Required.Union(SchemaMembers.Items(required).Select(SchemaMembers.Text))] : shape.Required,
        };
        var listed = members.Find("properties") is { } properties ? new SchemaMembers(properties).All : [];
        var patterns = new List<(CharacterAutomaton, SchemaPlace)>();
        if (members.Find("patternProperties") is { } byPattern)
        {
            foreach (var (pattern, schema) in new SchemaMembers(byPattern).All)
                patterns.Add((CharacterAutomaton.Of(Regex(pattern, schema).ToExpression(isSearch: true)), schema));
        }
        var others = members.Find("additionalProperties");
        return listed.Count == 0 && patterns.Count == 0 && others is null
            ? shape
            : shape with { Objects = [.. shape.Objects, new([.. listed.Select(member => (member.Name, member.Value))], patterns, others)] };
    }

    private static bool? Flag(SchemaMembers members, string name) => members.Find(name)?.Value.ValueKind switch
    {
        null => null,
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw members.Refused(name),
    };

    private static int? Least(int? a, int? b) => a is null || b < a ? b : a;
}
