using System.Text.Json;
using SpecDecode.Checkpoints;

namespace SpecDecode.Grammars.Json;

/// <summary>Reads schemas as shapes: follows references, merges what holds at once, and lists what is a choice.</summary>
internal sealed class SchemaReader(SchemaDocument document, bool allowsUnlisted)
{
    private const int MaxShapes = 256;
    private const int MaxDepth = 100;
    private const int MaxWork = 200_000;

    // Keywords that say nothing of the value.
    private static readonly HashSet<string> Remarks = new(StringComparer.Ordinal)
    {
        "$schema", "$id", "$comment", "$defs", "definitions", "$anchor", "$vocabulary", "title", "description", "default", "examples", "example",
        "deprecated", "readOnly", "writeOnly", "contentEncoding", "contentMediaType", "contentSchema", "discriminator", "externalDocs", "xml",
        // These belong to others, where they are read.
        "then", "else", "minContains", "maxContains",
    };

    private int _work;
    private SchemaJudge? _judge;

    /// <summary>What can be said of values without making a grammar.</summary>
    public SchemaJudge Judge => _judge ??= new(this, allowsUnlisted);

    /// <summary>The shapes of schemas that hold at once; none where nothing can hold.</summary>
    /// <exception cref="GrammarException">A keyword is damaged or cannot be honoured.</exception>
    public IReadOnlyList<SchemaShape> Expand(IEnumerable<SchemaPlace> places)
    {
        IReadOnlyList<SchemaShape> shapes = [SchemaShape.Any];
        foreach (var place in places)
            shapes = Apply(shapes, place, []);
        return [.. shapes.Where(shape => shape.Types != JsonTypes.None)];
    }

    /// <summary>The schema that a schema is nothing but a reference to.</summary>
    public SchemaPlace Follow(SchemaPlace place)
    {
        for (int i = 0; i < MaxDepth; i++)
        {
            if (place.Value.ValueKind != JsonValueKind.Object || !place.Value.TryGetProperty("$ref", out var reference)
                || reference.ValueKind != JsonValueKind.String || place.Value.EnumerateObject().Any(member => member.Name != "$ref" && !Remarks.Contains(member.Name)))
            {
                return place;
            }
            place = document.Resolve(reference.GetString()!, place);
        }
        throw place.Error("refers to itself, with no value between.");
    }

    /// <summary>Whether a schema says nothing.</summary>
    public static bool IsFree(SchemaPlace place) => place.Value.ValueKind == JsonValueKind.True
        || (place.Value.ValueKind == JsonValueKind.Object && place.Value.EnumerateObject().All(member => Remarks.Contains(member.Name)));

    private IReadOnlyList<SchemaShape> Apply(IReadOnlyList<SchemaShape> shapes, SchemaPlace place, HashSet<SchemaPlace> open)
    {
        if (place.Value.ValueKind == JsonValueKind.True || shapes.Count == 0)
            return shapes;
        if (place.Value.ValueKind == JsonValueKind.False)
            return [];
        if (place.Value.ValueKind != JsonValueKind.Object)
            throw place.Error("should be an object, true or false.");
        if (!open.Add(place))
            throw place.Error("refers to itself, with no value between.");
        if (open.Count > MaxDepth)
            throw place.Error($"is nested more than {MaxDepth} times without a value between.");

        var members = new SchemaMembers(place);
        shapes = [.. shapes.Select(shape => ShapeKeywords.Apply(shape, members)).Where(shape => shape.Types != JsonTypes.None)];
        foreach (var (name, value) in members.All)
        {
            if (++_work > MaxWork)
                throw place.Error("takes too long to read: it has too many schemas that hold at once or by choice.");
            shapes = name switch
            {
                "$ref" => Apply(shapes, document.Resolve(SchemaMembers.Text(value), place), open),
                "allOf" => SchemaMembers.Schemas(value).Aggregate(shapes, (all, item) => Apply(all, item, open)),
                "anyOf" => Choose(shapes, SchemaMembers.Schemas(value), open),
                "oneOf" => ChooseOne(shapes, SchemaMembers.Schemas(value), open),
                "not" => Exclude(shapes, value),
                "dependentRequired" => Depend(shapes, value),
                "if" when !members.Has("then") && !members.Has("else") => shapes,
                _ when ShapeKeywords.Knows(name) || Remarks.Contains(name) || name.StartsWith("x-", StringComparison.Ordinal) => shapes,
                _ => throw members.Refused(name),
            };
            if (shapes.Count > MaxShapes)
                throw value.Error($"makes more than {MaxShapes} choices together with what holds at once; have fewer 'anyOf' and 'oneOf' beside each other.");
        }
        open.Remove(place);
        return shapes;
    }

    private List<SchemaShape> Choose(IReadOnlyList<SchemaShape> shapes, IReadOnlyList<SchemaPlace> options, HashSet<SchemaPlace> open) =>
        [.. options.SelectMany(option => Apply(shapes, option, [.. open]))];

    private List<SchemaShape> ChooseOne(IReadOnlyList<SchemaShape> shapes, IReadOnlyList<SchemaPlace> options, HashSet<SchemaPlace> open)
    {
        var possible = new List<(SchemaPlace Place, IReadOnlyList<SchemaShape> Shapes)>();
        foreach (var option in options)
        {
            var held = Apply(shapes, option, [.. open]).Where(shape => Judge.MayHold(shape)).ToList();
            foreach (var (other, others) in possible)
            {
                _work += held.Count * others.Count;
                // What is written for either must not hold for the other one.
                if (Apply(held, other, [.. open]).Any(shape => Judge.MayHold(shape)) && !(Judge.AreApart(held, others) && Judge.AreApart(others, held)))
                {
                    throw option.Error(
                        $"and '#{other.Pointer}' are choices of 'oneOf' that can hold for the same value, and which of them does cannot be told. "
                        + "Give them a required property with different constants or types that differ, or use 'anyOf'.");
                }
            }
            possible.Add((option, held));
        }
        return [.. possible.SelectMany(option => option.Shapes)];
    }

    // What is not of some kinds, or none of some values.
    private static IReadOnlyList<SchemaShape> Exclude(IReadOnlyList<SchemaShape> shapes, SchemaPlace place)
    {
        if (place.Value.ValueKind is JsonValueKind.True or JsonValueKind.False)
            return place.Value.ValueKind == JsonValueKind.True ? [] : shapes;
        var members = new SchemaMembers(place);
        var (name, value) = members.All.Where(member => !Remarks.Contains(member.Name)).ToList() is [var only]
            ? only
            : throw place.Error("has 'not', which is supported with 'type', 'const', 'enum' or 'required' alone in it.");
        switch (name)
        {
            case "const":
                return [.. shapes.Select(shape => shape with { Excluded = [.. shape.Excluded, value.Value] })];
            case "enum":
                return [.. shapes.Select(shape => shape with { Excluded = [.. shape.Excluded, .. SchemaMembers.Items(value).Select(item => item.Value)] })];
            case "type":
                var (types, whole) = ShapeKeywords.Types(value);
                return !whole
                    ? [.. shapes.Select(shape => shape with { Types = shape.Types & ~types })]
                    : throw place.Error("has 'not' with the type 'integer', which is not supported; exclude 'number'.");
            case "required" when SchemaMembers.Items(value) is [var single]:
                string property = SchemaMembers.Text(single);
                return [.. shapes.Select(shape => shape with { Types = shape.Types & JsonTypes.Object, Forbidden = [.. shape.Forbidden, property] })];
            default:
                throw place.Error($"has 'not' with '{CheckpointText.Shorten(name)}', which is not supported; 'not' may have 'type', 'const', 'enum' or 'required' with one name.");
        }
    }

    // Either the one member is missing, or the others are there.
    private static List<SchemaShape> Depend(IReadOnlyList<SchemaShape> shapes, SchemaPlace place)
    {
        var result = shapes.ToList();
        var members = new SchemaMembers(place);
        foreach (var (name, value) in members.All)
        {
            string[] needed = [.. SchemaMembers.Items(value).Select(SchemaMembers.Text)];
            result = [.. result.SelectMany(shape => (SchemaShape[])[
                shape with { Forbidden = [.. shape.Forbidden, name] },
                shape with { Required = [.. shape.Required.Union([name, .. needed])] }])];
            if (result.Count > MaxShapes)
                throw place.Error($"makes more than {MaxShapes} choices of members that depend on each other.");
        }
        return result;
    }
}
